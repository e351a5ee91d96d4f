"""Two settings files over one warehouse: neither takes away, or misreads, the other's input."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from dagster_mmm.environment import ROOT
from dagster_mmm.inputs import InputError, judge_stored, load_csv
from dagster_mmm.settings import Models, built_by, dbt_vars, load_models
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.marts import models_in_data, models_of_others
from tests.dagster_mmm.inputs.conftest import TODAY, run_dbt


class TwoFiles:
    """A warehouse, and settings files whose builds come one after the other."""

    def __init__(self, folder: Path, market: Path, url: str) -> None:
        self.folder, self.market = folder, market
        self.resource = Warehouse(url=url)
        self.demo = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())

    def models(self, name: str, **sections: Any) -> Models:
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(self.demo | sections))
        return load_models(path)

    def build(self, models: Models) -> None:
        settings = models.all().usable
        for one in settings.values():
            load_csv(self.resource, self.market, one)
        undeclared = models.of_undeclared()
        variables = dbt_vars(settings.values(), undeclared)
        run_dbt(
            self.folder,
            self.resource,
            variables | built_by(models.path, settings, undeclared),
        )

    def stored(self) -> dict[tuple[str, str], int]:
        with self.resource.begin() as connection:
            rows = connection.exec_driver_sql(
                "select model_key, settings_file, count(distinct week_start) "
                "from mmm.mmm_weekly_input group by model_key, settings_file"
            ).all()
        return {(model, Path(file).stem): weeks for model, file, weeks in rows}


@pytest.fixture
def files(tmp_path: Path, market: Path, warehouse_url: str) -> TwoFiles:
    return TwoFiles(tmp_path, market, warehouse_url)


def test_a_build_keeps_the_input_of_another_file_and_replaces_its_own(files: TwoFiles) -> None:
    one = files.models("one", model_key="acme")
    two = files.models("two", model_key="globex", input={"table": "raw.other"})
    files.build(one)
    files.build(two)
    assert files.stored() == {("acme", "one"): 156, ("globex", "two"): 156}
    assert judge_stored(files.resource, one.of("acme"), TODAY).problems == ()
    assert models_in_data(files.resource, two) == {"globex"}
    assert models_of_others(files.resource, two) == {"acme"}
    # A model that its own file has no more goes with the next build.
    files.build(files.models("two", model_key="initech", input={"table": "raw.other"}))
    assert files.stored() == {("acme", "one"): 156, ("initech", "two"): 156}


def test_input_that_was_built_with_other_settings_is_refused(files: TwoFiles) -> None:
    files.build(files.models("one", model_key="acme"))
    swapped = {"tv": "search_spend", "search": "tv_spend"}
    channels = [
        channel | {"column": swapped.get(channel["name"], channel["column"])}
        for channel in files.demo["channels"]
    ]
    two = files.models("two", model_key="acme", channels=channels)
    found = judge_stored(files.resource, two.of("acme"), TODAY)
    (problem,) = found.problems
    assert problem.code == "built_otherwise"
    assert "was built with" in problem.message
    assert "one.yaml" in str(InputError(found.problems))
    # The same file elsewhere, and sections that have nothing to do with the input, are no matter.
    elsewhere = files.models("elsewhere", model_key="acme", evaluation={"holdout_weeks": 8})
    assert judge_stored(files.resource, elsewhere.of("acme"), TODAY).problems == ()
    files.build(two)
    assert judge_stored(files.resource, two.of("acme"), TODAY).problems == ()
    tv = "select value from mmm.mmm_weekly_input where variable = 'tv' order by week_start"
    weekly = files.resource.read(sa.text(tv))
    assert list(weekly["value"]) == list(pd.read_csv(files.market)["search_spend"])


def test_a_platform_that_has_stopped_is_missing_on_each_warehouse(files: TwoFiles) -> None:
    platforms = [channel["column"] for channel in files.demo["channels"]]
    rows = " union all ".join(
        f"select '{platform}' as platform, cast(week as date) + day as date_day, "
        f"cast({platform} as double precision) / 7 as spend "
        "from raw.weekly_media cross join (values (0), (1), (2), (3), (4), (5), (6)) as days (day)"
        for platform in platforms
    )
    models = files.models("reports", input={"reports": {"table": "ads.spend"}})
    load_csv(files.resource, files.market, models.of("demo"))
    with files.resource.begin() as connection:
        connection.exec_driver_sql("create schema ads")
        connection.exec_driver_sql(f"create table ads.spend as {rows}")
        connection.exec_driver_sql(
            "delete from ads.spend where platform = 'search_spend' and date_day > '2023-12-03'"
        )
    files.build(models)
    (problem,) = judge_stored(files.resource, models.of("demo"), TODAY).problems
    assert (problem.code, problem.variable) == ("stopped_feed", "search")
    assert "has had no row since 2023-12-04" in problem.message
