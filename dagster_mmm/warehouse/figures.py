"""The numbers of a run that the UI plots from publication to publication."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from dagster_mmm.warehouse.tables import ACCURACY, DIAGNOSTIC, RUN

# The names are kept for ever: a series in the UI ends where its name does.
CHECKS = ("max_r_hat", "min_ess", "divergence_rate", "holdout_coverage")
WEEK = timedelta(days=7)


def staleness_weeks(connection: sa.Connection, run_id: str, today: date) -> int:
    """Whole weeks that have ended by `today` since the last one that the run used."""
    last_week = connection.scalars(sa.select(RUN.c.window_end).where(RUN.c.run_id == run_id)).one()
    return int((today - last_week) // WEEK - 1)


def run_figures(connection: sa.Connection, run_id: str, today: date) -> dict[str, float]:
    """How well a run converged, how well it forecast, and how old its data are.

    Args:
        connection: an open transaction.
        run_id: a run whose results are there.
        today: the day as of which its data are so old.

    Returns:
        `staleness_weeks`; of the stored verdicts those in `CHECKS`; `holdout_crps` in the outcome's
        unit. What is undefined is left out.
    """
    figures: dict[str, float | None] = {
        "staleness_weeks": staleness_weeks(connection, run_id, today)
    }
    checks = sa.select(DIAGNOSTIC.c.check_name, DIAGNOSTIC.c.value).where(
        DIAGNOSTIC.c.run_id == run_id, DIAGNOSTIC.c.check_name.in_(CHECKS)
    )
    figures |= {name: value for name, value in connection.execute(checks)}
    crps = sa.select(ACCURACY.c.value).where(
        ACCURACY.c.run_id == run_id,
        ACCURACY.c.evaluation_set == "holdout",
        ACCURACY.c.metric == "crps",
    )
    # Of several series, that of their sum.
    of_total = crps.order_by((ACCURACY.c.series_key == "all").desc()).limit(1)
    figures["holdout_crps"] = connection.scalar(of_total)
    return {name: value for name, value in figures.items() if value is not None}


def stored_verdicts(
    connection: sa.Connection, run_id: str, check_names: Collection[str]
) -> dict[str, sa.Row[Any]]:
    """The rows of `mmm_diagnostic` of these checks, by name; a check that was not made has none."""
    query = sa.select(DIAGNOSTIC).where(
        DIAGNOSTIC.c.run_id == run_id, DIAGNOSTIC.c.check_name.in_(check_names)
    )
    return {row.check_name: row for row in connection.execute(query)}
