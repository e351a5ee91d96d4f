"""The same texts are read alike on DuckDB and on Postgres, however odd."""

from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from dagster_mmm.settings import folded
from tests.conftest import make_project

DATES = [
    *["2024-01-01", " 2024-01-01 ", "2024-01-01T23:59:59+14:00", "2024-01-01 00:00+14:00"],
    *["2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01", "2024-00-10", "2024-04-31"],
    *["2024-1-1", "01.02.2024", "2024-01-01x", "20240101", "", "infinity", "today", "0001-01-01"],
    *["0000-01-01", "9999-12-31", "1900-02-29", "2000-02-29", "2024-01-01T1:00+14:00"],
    "\uff11\uff12\uff13\uff14-01-01",
]
NUMBERS = [
    *["1", "-2.5", "+3", ".5", "5.", "1e3", "1E-3", " 7 ", "\t8\n", "1,200", "1.200,5", "1 200"],
    *["NaN", "nan", "Infinity", "-inf", "1e999", "-1e309", "1e-999", "n/a", "", "-", ".", "e5"],
    *["0x10", "1e", "--1", "٣", "1.7976931348623157e308", "5e-324", "9" * 350, "9" * 500],
    *["true", "$5", "5%", "1e1000", "0" * 50 + "1", "-0", "1.5.2"],
]

# All of the first two rows are the event `Big Sale`, none of the third is.
EVENTS = [
    *["Big Sale", "big sale", "BIG  SALE", " Big Sale ", "\tBig\u00a0Sale", "Big\u3000Sale\u200b"],
    *["\ufeffBig Sale", "B\u00adig \u2003 Sale", "Big\r\nSale", "Big\vSale", "Big\x85Sale"],
    *["BigSale", "Big Sal\u00c9", "B\u0131g Sale", "Big Sale.", "none", ""],
]


# In the order day, month, year, with a comma and points between thousands.
WRITTEN_DATES = {
    **{"31/01/2024": "2024-01-31", "1.2.2024": "2024-02-01", "01-02-24": "2024-02-01"},
    **{"1/2/2024 0:00": "2024-02-01", " 5.12.2024T10:30:00": "2024-12-05"},
    **{"2024-02-01": "2024-02-01", "01/31/2024": None, "31/02/2024": None, "1/2": None},
    **{"1/2/20245": None, "": None, "2024/02/01": None, "20240201": None},
}
WRITTEN_NUMBERS = {
    **{"1.234.567,89": 1234567.89, "1.200": 1200.0, "0,5": 0.5, "-1.200,50": -1200.5, "950": 950.0},
    **{"1.234,5E2": 123450.0, "1200,50": 1200.5, "€ 1.200": 1200.0, "-€5": -5.0, "7 EUR": 7.0},
    **{"1200.50": None, "1.20,5": None, "1,200.5": None, "$5": None, "1.2.3": None, "": None},
    **{"1,2,3": None, "€": None, "NaN": None},
}


def test_texts_of_another_country_are_read_alike(tmp_path: Path, database: sa.URL) -> None:
    length = max(len(WRITTEN_DATES), len(WRITTEN_NUMBERS))
    columns = {
        "day": [list(WRITTEN_DATES)[row % len(WRITTEN_DATES)] for row in range(length)],
        "revenue": [list(WRITTEN_NUMBERS)[row % len(WRITTEN_NUMBERS)] for row in range(length)],
        "tv": "1",
    }
    pd.DataFrame(columns).to_csv(tmp_path / "texts.csv", index=False)
    for name, url in (("duckdb", None), ("postgres", database)):
        (tmp_path / name).mkdir()
        for project in make_project(tmp_path / name, url):
            formats = {"date_format": "dmy", "decimal": ",", "thousands": "."}
            project.configure(
                input={"date_column": "day", "grain": "daily", **formats},
                outcome={"name": "revenue"},
                channels=[{"name": "tv"}],
                controls=[],
            )
            texts = tmp_path / "texts.csv"
            assert project.run(texts, selection=["raw/weekly_media", "mmm_stg_input"]).success
            staged = project.query(
                "select raw_date, cast(observed_on as varchar) as day, raw_value, value "
                "from mmm.mmm_stg_input where role = 'outcome'"
            ).fillna({"raw_date": "", "raw_value": ""})
            of_date = staged.set_index("raw_date")["day"]
            of_text = staged.set_index("raw_value")["value"]
            days = {text: None if pd.isna(day) else day for text, day in of_date.items()}
            found = {text: None if pd.isna(value) else value for text, value in of_text.items()}
            assert days == WRITTEN_DATES, name
            assert found == WRITTEN_NUMBERS, name


def test_texts_are_read_alike(tmp_path: Path, database: sa.URL) -> None:
    length = max(len(DATES), len(NUMBERS), len(EVENTS))
    columns = {
        "day": [DATES[row % len(DATES)] for row in range(length)],
        "revenue": [NUMBERS[row % len(NUMBERS)] for row in range(length)],
        "tv": "1",
        "promo": [EVENTS[row % len(EVENTS)] for row in range(length)],
    }
    pd.DataFrame(columns).to_csv(tmp_path / "texts.csv", index=False)
    found = []
    for name, url in (("duckdb", None), ("postgres", database)):
        (tmp_path / name).mkdir()
        for project in make_project(tmp_path / name, url):
            project.configure(
                input={"date_column": "day", "grain": "daily"},
                outcome={"name": "revenue"},
                channels=[{"name": "tv"}],
                controls=[{"name": "promo", "equals": "Big Sale"}],
            )
            texts = tmp_path / "texts.csv"
            assert project.run(texts, selection=["raw/weekly_media", "mmm_stg_input"]).success
            staged = project.query(
                "select distinct raw_date, observed_on, raw_value, value from mmm.mmm_stg_input "
                "where role = 'outcome'"
            )
            events = project.query(
                "select distinct raw_value, value from mmm.mmm_stg_input where role = 'control'"
            )
            read = events.fillna({"raw_value": ""}).set_index("raw_value")["value"]
            assert {text: read[text] for text in EVENTS} == {
                text: float(folded(text) == "big sale") for text in EVENTS
            }
            assert read.sum() == 11
            found.append(staged.sort_values(["raw_date", "raw_value"]).reset_index(drop=True))
    of_duckdb, of_postgres = found
    differing = of_duckdb.compare(of_postgres, result_names=("duckdb", "postgres"))
    assert differing.empty, differing.to_string()
