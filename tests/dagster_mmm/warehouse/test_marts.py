"""What the marts say of many models, on each warehouse."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from dagster_mmm.settings import Models, load_models
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.marts import arrived, input_fingerprints, model_keys, rows_of_no_model

WEEK = date(2026, 1, 5)
MARTS = """
create table mmm.mmm_weekly_input (
    model_key varchar, series_key varchar default 'one', week_start date, value double precision,
    n_rows bigint, n_days bigint, n_unreadable bigint, last_date date,
    is_beyond_reports boolean default false, settings_file varchar default ''
);
create table mmm.mmm_rejected_input (
    model_key varchar, n_rows bigint, settings_file varchar default ''
);
insert into mmm.mmm_weekly_input
    (model_key, week_start, value, n_rows, n_days, n_unreadable, last_date) values
    ('acme', '2025-12-29', 1.5, 1, 1, 0, '2025-12-29'),
    ('acme', '2026-01-05', 2.5, 1, 1, 0, '2026-01-05'),
    ('acme', '2026-01-05', 0, 1, 1, 0, '2026-01-05'),
    ('globex', '2026-01-05', null, 1, 1, 1, '2026-01-05'),
    ('hooli', '2026-01-05', null, 0, 0, 0, null),
    ('not/a key', '2026-01-05', 1, 1, 1, 0, '2026-01-05');
insert into mmm.mmm_rejected_input (model_key, n_rows) values (null, 2), (null, 3), ('acme', 7);
"""


@pytest.fixture
def marts(warehouse: Warehouse) -> Warehouse:
    execute(warehouse, *MARTS.strip().split(";\n"))
    return warehouse


def execute(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def models_of(folder: Path, **sections: object) -> Models:
    (folder / "settings.yaml").write_text(yaml.safe_dump(sections))
    return load_models(folder / "settings.yaml")


def test_models_are_those_of_the_settings_and_of_the_data(marts: Warehouse, tmp_path: Path) -> None:
    by_brand = models_of(tmp_path, input={"model_column": "brand"}, models={"initech": {}})
    usable, unusable = model_keys(marts, by_brand)
    assert usable == ("acme", "globex", "hooli", "initech")
    assert [reason.split(";")[0] for reason in unusable] == ["the model 'not/a key'"]
    # Without a column, what the data hold is not asked.
    assert model_keys(marts, models_of(tmp_path, models={"acme": {}})).usable == ("acme",)


def test_a_week_has_arrived_when_all_of_it_can_be_read(marts: Warehouse) -> None:
    keys = ("acme", "globex", "hooli", "initech", "not/a key")
    asked = dict.fromkeys(keys, WEEK)
    assert arrived(marts, asked, days=1) == {"acme", "not/a key"}
    assert arrived(marts, asked, days=7) == set()
    assert arrived(marts, dict.fromkeys(keys, date(2026, 1, 12)), days=1) == set()
    # Each model is asked for a week of its own.
    assert arrived(marts, {"acme": date(2025, 12, 29), "globex": WEEK}, days=1) == {"acme"}


def test_a_week_of_weekdays_has_arrived_where_there_never_are_more(marts: Warehouse) -> None:
    def weeks(model_key: str, *days: int) -> str:
        rows = (
            f"('{model_key}', 'one', '{WEEK - number * timedelta(days=7)}', 1, {n}, {n}, 0)"
            for number, n in enumerate(days)
        )
        columns = "model_key, series_key, week_start, value, n_rows, n_days, n_unreadable"
        return f"insert into mmm.mmm_weekly_input ({columns}) values {', '.join(rows)}"

    execute(marts, weeks("weekdays", 5, 5, 5), weeks("to Thursday", 4, 5), weeks("whole", 5, 7))
    asked = dict.fromkeys(("weekdays", "to Thursday", "whole"), WEEK)
    assert arrived(marts, asked, days=7) == {"weekdays"}


def test_rows_of_no_model_are_counted(marts: Warehouse, tmp_path: Path) -> None:
    models = models_of(tmp_path, models={"acme": {}})
    assert rows_of_no_model(marts, models) == 5
    another = "set settings_file = '/another.yaml' where n_rows = 2"
    execute(marts, f"update mmm.mmm_rejected_input {another}")
    assert rows_of_no_model(marts, models) == 3


@pytest.mark.parametrize(
    "change",
    [
        "update mmm.mmm_weekly_input set value = value + 0.01 where week_start = '2025-12-29'",
        "update mmm.mmm_weekly_input set n_rows = 2 where week_start = '2025-12-29'",
        "delete from mmm.mmm_weekly_input where week_start = '2025-12-29'",
    ],
)
def test_the_fingerprint_of_an_input_changes_with_it_and_with_nothing_else(
    marts: Warehouse, change: str
) -> None:
    before = input_fingerprints(marts)
    assert input_fingerprints(marts) == before
    execute(marts, change)
    after = input_fingerprints(marts)
    assert {key for key in before if after[key] != before[key]} == {"acme"}
