"""Pages of the dashboard, run by streamlit's own harness on the warehouse of the environment."""

import pandas as pd
from streamlit.testing.v1 import AppTest

from dagster_mmm.environment import ROOT
from tests.conftest import Project

APP = ROOT / "dashboards" / "app.py"
PAGES = sorted(path.stem for path in (ROOT / "dashboards" / "questions").glob("*.py"))


def opened(page: str) -> AppTest:
    # Before the app has run once, its pages would be run without it.
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    return app if page == "sales" else rerun(app.switch_page(f"questions/{page}.py"))


def rerun(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, [found.stack_trace for found in app.exception]
    return app


def answers(app: AppTest, project: Project) -> list[pd.DataFrame]:
    """What the warehouse itself answers to the SQL that stands under each table."""
    assert len(app.code) == len(app.dataframe) > 0
    return [project.query(code.value) for code in app.code]


def assert_tables_are_their_answers(app: AppTest, project: Project) -> None:
    for table, expected in zip(app.dataframe, answers(app, project), strict=True):
        shown = table.value.reset_index(drop=True)
        assert len(shown) > 0
        pd.testing.assert_frame_equal(
            shown.convert_dtypes(), expected.convert_dtypes(), check_dtype=False, rtol=1e-12
        )
