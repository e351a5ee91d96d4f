"""How much history the result tables keep."""

import sqlalchemy as sa

from dagster_mmm.warehouse.runs import published_run
from dagster_mmm.warehouse.tables import FORECAST, PUBLICATION, RESULT_TABLES, RUN

# What stays of an expired run: its row, and its forecasts, which are scored as weeks come.
KEPT = (RUN, FORECAST)


def expire(connection: sa.Connection, model_key: str, keep: int) -> tuple[str, ...]:
    """Remove the rows of old runs of a model; what is published is never among them.

    Kept are the `keep` runs published last, the published one, the fits that any of these score,
    and every run that started after the oldest of them. Of the others the row in `mmm_run` stays,
    with status `expired`, and so do their forecasts and the pointer's history.

    Args:
        connection: an open transaction.
        model_key: the model.
        keep: number of published runs to keep, at least 1.

    Returns:
        The runs whose rows were removed, the oldest first.

    Raises:
        ValueError: if nothing would be kept.
    """
    if keep < 1:
        raise ValueError(f"keep at least 1 published run, not {keep}")
    last_published = (
        sa.select(PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key)
        .group_by(PUBLICATION.c.run_id)
        .order_by(sa.func.max(PUBLICATION.c.publication_id).desc())
        .limit(keep)
    )
    kept = {*connection.scalars(last_published), published_run(connection, model_key)} - {None}
    oldest = sa.select(sa.func.min(RUN.c.started_at)).where(RUN.c.run_id.in_(kept))
    # A score rests on the files of its fit, which the next score will read again.
    fits = connection.scalars(sa.select(RUN.c.fit_run_id).where(RUN.c.run_id.in_(kept)))
    query = (
        sa.select(RUN.c.run_id)
        .where(RUN.c.model_key == model_key, RUN.c.run_id.not_in({*kept, *fits}))
        .where(RUN.c.started_at < oldest.scalar_subquery(), RUN.c.status != "expired")
        .order_by(RUN.c.started_at)
    )
    expired = tuple(connection.scalars(query))
    for table in RESULT_TABLES:
        if table not in KEPT:
            connection.execute(table.delete().where(table.c.run_id.in_(expired)))
    connection.execute(RUN.update().where(RUN.c.run_id.in_(expired)).values(status="expired"))
    return expired


def expired_runs(connection: sa.Connection, model_key: str) -> tuple[str, ...]:
    """The runs of a model whose rows were removed, by this or an earlier call of `expire`."""
    query = sa.select(RUN.c.run_id).where(RUN.c.model_key == model_key, RUN.c.status == "expired")
    return tuple(connection.scalars(query))
