"""CSV files become raw tables as the texts that stand in them, or leave them as they were."""

from pathlib import Path

import pandas as pd
import pytest

from dagster_mmm.inputs import RawTableError, check_table, load_csv
from dagster_mmm.settings import Settings, SettingsError, load_settings
from tests.conftest import Project

SETTINGS = Settings.read(
    {
        "model_key": "demo",
        "currency": "EUR",
        "outcome": {"name": "revenue", "column": 'a "b" c'},
        "channels": [{"name": "spend"}],
    }
)
COLUMNS = 'week,"a ""b"" c",spend\n'


def write(project: Project, text: str) -> Path:
    file = project.folder / "raw.csv"
    file.write_text(text)
    return file


def test_values_are_kept_as_the_text_that_stands_in_the_file(project: Project) -> None:
    file = write(project, COLUMNS + '2026-01-05,x,"1,200"\n2026-01-12,,007\n')
    load_csv(project.warehouse, file, SETTINGS)
    rows = project.query("select * from raw.weekly_media")
    assert list(rows["spend"]) == ["1,200", "007"]
    assert list(rows['a "b" c'].fillna("null")) == ["x", "null"]
    assert check_table(project.warehouse, SETTINGS).n_rows == 2


def test_a_missing_file_or_table_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(RawTableError, match=r"there is no file .*nowhere.csv"):
        load_csv(project.warehouse, tmp_path / "nowhere.csv", SETTINGS)
    with pytest.raises(RawTableError, match=r"there is no table raw\.weekly_media in"):
        check_table(project.warehouse, SETTINGS)


def test_a_file_without_a_configured_column_leaves_the_table_as_it_was(
    project: Project, market: Path
) -> None:
    settings = load_settings(project.folder / "settings.yaml")
    load_csv(project.warehouse, market, settings)
    wrong = project.folder / "wrong.csv"
    pd.read_csv(market).rename(columns={"tv_spend": "tv"}).to_csv(wrong, index=False)
    with pytest.raises(SettingsError, match=r"channels\[0\].column: found 'tv_spend'"):
        load_csv(project.warehouse, wrong, settings)
    assert check_table(project.warehouse, settings).n_rows == 156
