"""Rows of runs that ended without a word: killed, or failed on the way to their results."""

from collections.abc import Collection

import sqlalchemy as sa

from dagster_mmm.warehouse.runs import IS_UNFINISHED
from dagster_mmm.warehouse.tables import RUN


def reject_ended(connection: sa.Connection, run_ids: Collection[str]) -> tuple[str, ...]:
    """Reject those of these runs that still say they are running.

    Args:
        connection: an open transaction.
        run_ids: runs that have ended, however they did.

    Returns:
        The runs that were rejected, the oldest first.
    """
    of_these = sa.and_(RUN.c.run_id.in_(run_ids), IS_UNFINISHED)
    query = sa.select(RUN.c.run_id).where(of_these).order_by(RUN.c.started_at)
    ended = tuple(connection.scalars(query))
    for run_id in ended:
        reason = (
            "the run was killed, or failed before its results were written; the log of the "
            f"Dagster run {run_id} has its last words. Refit the model"
        )
        connection.execute(
            RUN.update().where(RUN.c.run_id == run_id).values(status="rejected", gate_reason=reason)
        )
    return ended
