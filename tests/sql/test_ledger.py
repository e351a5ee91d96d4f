"""The ledger of forecasts, built by dbt on a DuckDB file: what was forecast beside what came."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from dagster_mmm.settings import dbt_vars
from dagster_mmm.warehouse import tables
from hill_mmm._results.predictive_scores import crps
from hill_mmm.spec import FORECAST_LEVELS, quantile_name
from tests.sql.test_dbt_project import WEEKLY, WEEKLY_RAW, Build, build, publish, row

MONDAY = date(2024, 1, 1)
SERIES = ("north", "south")
DRAWS = np.random.default_rng(0).normal(100.0, 10.0, size=4000)


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


def run_row(run: str, as_of: int, **values: Any) -> dict[str, Any]:
    """A published refit that knew the weeks up to `as_of`, started that many weeks later."""
    known = {"run_type": "refit", "as_of_week": week(as_of), "gate_reason": None}
    started = datetime(2024, 1, 1) + timedelta(weeks=as_of)
    return row(tables.RUN, run, **(known | {"started_at": started} | values))


def forecast_row(run: str, series: str, as_of: int, horizon: int, scale: float) -> dict[str, Any]:
    quantiles = np.quantile(scale * DRAWS, FORECAST_LEVELS)
    return row(
        tables.FORECAST,
        run,
        series_key=series,
        week_start=week(as_of + horizon),
        horizon=horizon,
        planned_spend=5.0 * scale,
        outcome_mean=100.0 * scale,
        **dict(zip(map(quantile_name, FORECAST_LEVELS), map(float, quantiles), strict=True)),
    )


def actual_rows(run: str, number: int, outcome: float) -> list[dict[str, Any]]:
    """What a run knows of a week: outcome and spend of both series."""
    return [
        row(
            tables.INPUT_SNAPSHOT,
            run,
            series_key=series,
            week_start=week(number),
            variable=variable,
            role=role,
            value=value,
        )
        for series in SERIES
        for variable, role, value in (("revenue", "outcome", outcome), ("tv", "spend", 7.0))
    ]


def store(connection: sa.Connection) -> None:
    """Two published refits three weeks apart, a repeated one, a rejected one and a vintage."""
    runs = [
        run_row("old", 60),
        run_row("old again", 60, started_at=datetime(2025, 6, 1)),
        run_row("published", 63),
        run_row("rejected", 60, published_at=None),
        run_row("vintage", 58, run_type="vintage", published_at=None),
        run_row("bad vintage", 58, run_type="vintage", published_at=None, gate_reason="R-hat"),
    ]
    connection.execute(tables.RUN.insert(), runs)
    forecasts = [
        forecast_row(str(run["run_id"]), series, as_of, horizon, 2.0 if series == "all" else 1.0)
        for run in runs
        for as_of in [(run["as_of_week"] - MONDAY).days // 7]
        for series in (*SERIES, "all")
        for horizon in (1, 2, 3)
    ]
    connection.execute(tables.FORECAST.insert(), forecasts)
    # The published run knows the weeks that the old one forecast, and those a year before but one.
    known = {9: 90.0, 10: 95.0, 61: 105.0, 62: 130.0, 63: 100.0}
    for number, outcome in known.items():
        connection.execute(
            tables.INPUT_SNAPSHOT.insert(), actual_rows("published", number, outcome)
        )
    connection.execute(tables.INPUT_SNAPSHOT.insert(), actual_rows("old", 61, 1.0))
    for run in ("old", "published"):
        publish(connection, run)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    folder: Path = tmp_path_factory.mktemp("ledger")
    engine = sa.create_engine(f"duckdb:///{folder / 'warehouse.duckdb'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(tables.SCHEMA))
        tables.METADATA.create_all(connection)
        store(connection)
    yield build(folder, dbt_vars([WEEKLY]), WEEKLY_RAW, "--select", "+mmm_forecast_calibration")


def rows_of(ledger: Build, columns: str, where: str) -> list[tuple[Any, ...]]:
    return ledger.rows(
        f"select {columns} from mmm.mmm_forecast_ledger where {where} "
        "order by series_key, horizon, as_of_week"
    )


def test_a_forecast_stands_beside_what_came_and_what_came_a_year_before(ledger: Build) -> None:
    columns = "horizon, planned_spend, actual_spend, actual, naive, absolute_error"
    median = float(np.quantile(DRAWS, 0.5))
    assert rows_of(ledger, columns, "run_type = 'refit' and series_key = 'north'") == [
        (1, 5.0, 7.0, 105.0, 90.0, pytest.approx(105.0 - median)),
        (1, 5.0, None, None, None, None),
        (2, 5.0, 7.0, 130.0, 95.0, pytest.approx(130.0 - median)),
        (2, 5.0, None, None, None, None),
        (3, 5.0, 7.0, 100.0, None, pytest.approx(abs(100.0 - median))),
        (3, 5.0, None, None, None, None),
    ]


def test_of_all_series_the_sum_came(ledger: Build) -> None:
    rows = rows_of(
        ledger, "actual, naive, actual_spend", "series_key = 'all' and run_id <> 'published'"
    )
    refit = [known for known in rows if known[0] is not None]
    assert (210.0, 180.0, 14.0) in refit


def test_of_runs_on_the_same_weeks_the_later_counts_and_no_rejected_one(ledger: Build) -> None:
    runs = ledger.rows("select distinct run_id, run_type from mmm.mmm_forecast_ledger")
    assert set(runs) == {("old again", "refit"), ("published", "refit"), ("vintage", "vintage")}


def test_the_score_is_the_crps_of_the_draws(ledger: Build) -> None:
    where = "run_id = 'old again' and series_key = 'north'"
    rows = rows_of(ledger, "crps, is_within_90, is_within_50", where)
    actual = np.array([105.0, 130.0, 100.0])
    expected = crps(np.repeat(DRAWS[:, None], 3, axis=1), actual)
    np.testing.assert_allclose([row[0] for row in rows], expected, rtol=0.05)
    assert [row[1:] for row in rows] == [(True, True), (False, False), (True, True)]


def test_the_score_is_of_all_quantiles_that_a_forecast_has(ledger: Build) -> None:
    models = ledger.target / "compiled" / "mmm" / "models"
    query = (models / "marts" / "ledger" / "mmm_forecast_ledger.sql").read_text()
    scored = re.findall(r"greatest\(\s*([\d.]+) \* \(actual - (\w+)\)", query)
    levels = {float(level): name for level, name in scored}
    assert levels == {level: quantile_name(level) for level in FORECAST_LEVELS}
    stored = {column.name for column in tables.FORECAST.columns if "_q" in column.name}
    assert set(levels.values()) == stored


def test_calibration_is_by_horizon_and_what_has_come(ledger: Build) -> None:
    rows = ledger.rows(
        "select horizon, n_weeks, coverage_90, coverage_50, crps_vs_naive, is_current "
        "from mmm.mmm_forecast_calibration where run_type = 'refit' and series_key = 'north' "
        "order by horizon"
    )
    scored = rows_of(ledger, "crps", "run_id = 'old again' and series_key = 'north'")
    assert rows == [
        (1, 1, 1.0, 1.0, pytest.approx(scored[0][0] / 15.0), True),
        (2, 1, 0.0, 0.0, pytest.approx(scored[1][0] / 35.0), True),
        (3, 1, 1.0, 1.0, None, True),
    ]


def test_calibration_rolls_over_half_a_year(ledger: Build, tmp_path: Path) -> None:
    engine = ledger.engine
    with engine.connect() as connection, connection.begin() as transaction:
        for as_of in range(100, 140):
            connection.execute(tables.RUN.insert(), run_row(f"run {as_of}", as_of))
            forecast = forecast_row(f"run {as_of}", "north", as_of, 1, 1.0)
            connection.execute(tables.FORECAST.insert(), forecast)
            # Outside the interval until the twentieth week.
            outcome = 200.0 if as_of < 120 else 100.0
            rows = actual_rows("published", as_of + 1, outcome)
            connection.execute(tables.INPUT_SNAPSHOT.insert(), rows)
        found = connection.execute(
            sa.text(
                "select n_weeks, coverage_90 from mmm.mmm_forecast_calibration "
                "where series_key = 'north' and horizon = 1 and run_type = 'refit' and is_current"
            )
        ).one()
        transaction.rollback()
    # Six of the last 26 weeks were outside.
    assert tuple(found) == (26, pytest.approx(20 / 26))
