"""Each page on a really published warehouse: all that it shows is what its SQL answers."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dagster_mmm.environment import ROOT
from dashboards import data
from dashboards.app import PAGES
from tests.conftest import Project

NAMES = [name for name, *_ in PAGES]


@pytest.fixture(autouse=True)
def _no_answers_of_another_warehouse() -> Iterator[None]:
    st.cache_data.clear()
    yield


def opened(page: str) -> AppTest:
    """The page, run without an exception."""
    app = AppTest.from_file(str(ROOT / "dashboards" / "app.py"), default_timeout=60).run()
    return run(app.switch_page(f"pages/{page}.py"))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, [found.stack_trace for found in app.exception]
    return app


def answers(app: AppTest, project: Project) -> dict[str, pd.DataFrame]:
    """What the warehouse itself answers to the SQL shown under each table, by the table's key."""
    assert len(app.code) == len(app.dataframe) > 0
    return {
        str(table.key): project.query(code.value)
        for table, code in zip(app.dataframe, app.code, strict=True)
    }


def text(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("page", NAMES)
def test_every_number_is_what_its_sql_answers(published: tuple[Project, str], page: str) -> None:
    project, _ = published
    app = opened(page)
    for table, expected in zip(app.dataframe, answers(app, project).values(), strict=True):
        shown = table.value.reset_index(drop=True)
        assert list(shown.columns) == list(expected.columns)
        assert len(shown) == len(expected) > 0
        pd.testing.assert_frame_equal(
            shown.convert_dtypes(), expected.convert_dtypes(), check_dtype=False, obj=page
        )
