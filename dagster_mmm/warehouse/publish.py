"""The publish pointer: which run readers see. Moved in one transaction, or not at all."""

from datetime import datetime

import sqlalchemy as sa

from dagster_mmm.warehouse.runs import published_run, reasons_not_to_publish
from dagster_mmm.warehouse.tables import PUBLICATION, RUN


class NotPublishableError(RuntimeError):
    """The run did not pass the gate; the previous publication stays."""


class NoEarlierRunError(LookupError):
    """There is no run that readers could go back to."""


def publish(connection: sa.Connection, model_key: str, run_id: str, now: datetime) -> None:
    """Make a run the one that readers see; publishing the published run again changes nothing.

    Args:
        connection: an open transaction.
        model_key: the model.
        run_id: the run to publish.
        now: the time to record, UTC.

    Raises:
        NotPublishableError: if a blocking check of the run failed, whatever happened before, or if
            it is another model's run.
    """
    owner = connection.scalar(sa.select(RUN.c.model_key).where(RUN.c.run_id == run_id))
    reasons = reasons_not_to_publish(connection, run_id)
    if owner != model_key:
        reasons = (f"it is a run of {owner}",)
    if reasons:
        raise NotPublishableError(
            f"run {run_id} of {model_key} is not published; the last good run stays published. "
            + " ".join(reasons)
        )
    published = published_run(connection, model_key)
    if published == run_id:
        return
    next_id = sa.select(sa.func.coalesce(sa.func.max(PUBLICATION.c.publication_id), 0) + 1)
    connection.execute(
        PUBLICATION.insert().values(
            publication_id=connection.scalar(next_id),
            model_key=model_key,
            run_id=run_id,
            published_at=now,
        )
    )
    connection.execute(RUN.update().where(RUN.c.run_id == published).values(status="superseded"))
    connection.execute(
        RUN.update()
        .where(RUN.c.run_id == run_id)
        .values(status="published", published_at=sa.func.coalesce(RUN.c.published_at, now))
    )


def roll_back(
    connection: sa.Connection, model_key: str, now: datetime, run_id: str | None = None
) -> tuple[str, str]:
    """Publish a run again that was published before; the pointer's history only grows.

    Without a `run_id`, it is the one that was published before this one, so that twice is
    there and back.

    Args:
        connection: an open transaction.
        model_key: the model.
        now: the time to record, UTC.
        run_id: the run to go back to.

    Returns:
        The run that was published, and the one that is.

    Raises:
        NoEarlierRunError: if the run was never published, or nothing was before.
        NotPublishableError: if its rows were removed since, by retention.
    """
    published = published_run(connection, model_key)
    if published is None:
        raise NoEarlierRunError(f"nothing of {model_key} has been published yet")
    query = (
        sa.select(PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key, PUBLICATION.c.run_id != published)
        .order_by(PUBLICATION.c.publication_id.desc())
    )
    earlier = list(connection.scalars(query))
    if run_id is None and not earlier:
        raise NoEarlierRunError(
            f"{published} is the only run of {model_key} that was ever published"
        )
    if run_id is not None and run_id not in [published, *earlier]:
        known = ", ".join(dict.fromkeys(earlier)) or "none"
        raise NoEarlierRunError(
            f"run {run_id} of {model_key} was never published; those that were: {known}"
        )
    target = run_id or earlier[0]
    publish(connection, model_key, target, now)
    return published, target
