"""The numbers that the UI plots, read from a real DuckDB file and a real Postgres."""

from datetime import date

import pandas as pd
import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import run_figures, staleness_weeks
from dagster_mmm.warehouse.tables import ACCURACY, RUN
from tests.dagster_mmm.warehouse.test_publish import MONDAY, store


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """A run whose last week began on 5 January, with a CRPS for each series and their sum."""
    store(warehouse, "a", MONDAY)
    rows = [
        {"series_key": series, "evaluation_set": part, "metric": metric, "value": value}
        for series, part, metric, value in (
            ("north", "holdout", "crps", 1.0),
            ("all", "holdout", "crps", 3.0),
            ("all", "train", "crps", 2.0),
            ("all", "holdout", "rmse", 9.0),
        )
    ]
    frame = pd.DataFrame(rows).assign(run_id="a", model_key="demo")
    with warehouse.begin() as connection:
        replace_run(connection, "a", {ACCURACY: frame})
        connection.execute(RUN.update().values(window_end=date(2026, 1, 5)))
    return warehouse


def test_figures_are_the_stored_ones_of_the_sum(stored: Warehouse) -> None:
    with stored.begin() as connection:
        figures = run_figures(connection, "a", date(2026, 1, 12))
    assert figures == {"staleness_weeks": 0, "max_r_hat": 1.2, "holdout_crps": 3.0}


@pytest.mark.parametrize(
    ("today", "weeks"), [(date(2026, 1, 18), 0), (date(2026, 1, 19), 1), (date(2026, 2, 2), 3)]
)
def test_staleness_counts_the_weeks_that_have_ended_since(
    stored: Warehouse, today: date, weeks: int
) -> None:
    with stored.begin() as connection:
        assert staleness_weeks(connection, "a", today) == weeks
