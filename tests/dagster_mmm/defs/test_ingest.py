"""The raw table: loaded, described, refused."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from dagster_mmm.defs.ingest import describe_table, load_csv
from dagster_mmm.settings import InputSettings, SettingsError, check_columns, load_settings
from tests.conftest import Project

INPUT = InputSettings()


def test_values_are_kept_as_the_text_that_stands_in_the_file(project: Project) -> None:
    file = project.folder / "raw.csv"
    file.write_text('week,"a ""b"" c",spend\n2026-01-05,x,"1,200"\n2026-01-12,,007\n')
    load_csv(project.warehouse, file, INPUT)
    rows = project.query("select * from raw.weekly_media")
    assert list(rows["spend"]) == ["1,200", "007"]
    assert list(rows['a "b" c'].fillna("null")) == ["x", "null"]
    assert describe_table(project.warehouse, INPUT) == (["week", 'a "b" c', "spend"], 2)


def test_a_missing_file_or_table_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match=r"there is no file .*nowhere.csv"):
        load_csv(project.warehouse, tmp_path / "nowhere.csv", INPUT)
    with pytest.raises(dg.Failure, match=r"there is no table raw\.weekly_media in"):
        describe_table(project.warehouse, INPUT)


def test_a_missing_column_is_named_with_its_key(project: Project, market: Path) -> None:
    file = project.folder / "raw.csv"
    pd.read_csv(market).rename(columns={"tv_spend": "tv"}).to_csv(file, index=False)
    load_csv(project.warehouse, file, INPUT)
    settings = load_settings(project.folder / "settings.yaml")
    with pytest.raises(SettingsError, match=r"channels\[0\].column: found 'tv_spend'"):
        check_columns(settings, describe_table(project.warehouse, INPUT)[0])
