"""The publish pointer: which run readers see. Moved in one transaction, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from dagster_mmm.warehouse.tables import (
    CHANNEL_SUMMARY,
    DIAGNOSTIC,
    INPUT_SNAPSHOT,
    PUBLICATION,
    RUN,
)

if TYPE_CHECKING:
    import pandas as pd


class NotPublishableError(RuntimeError):
    """The run did not pass the gate; the previous publication stays live."""


class NoEarlierRunError(LookupError):
    """There is no run that readers could go back to."""


@dataclass(frozen=True)
class LiveFit:
    """The refit behind what readers see, as it was stored: the live run, or the one that it scores.

    Attributes:
        run: its row of `mmm_run`.
        summary: its rows of `mmm_channel_summary` over all weeks.
        input: `series_key, week_start, variable, value` of the values that it used.
    """

    run: Mapping[str, Any]
    summary: "pd.DataFrame"
    input: "pd.DataFrame"


def live_fit(connection: sa.Connection, model_key: str) -> LiveFit | None:
    """The refit behind what readers of a model see, or None before the first publication."""
    live = sa.select(RUN.c.fit_run_id).where(RUN.c.run_id == published_run(connection, model_key))
    row = (
        connection.execute(sa.select(RUN).where(RUN.c.run_id == live.scalar_subquery()))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    summary = stored_rows(connection, CHANNEL_SUMMARY, row["run_id"])
    over_all_weeks = summary[summary["period"] == "all"]
    return LiveFit(dict(row), over_all_weeks, used_input(connection, row["run_id"]))


def stored_rows(connection: sa.Connection, table: sa.Table, run_id: str) -> "pd.DataFrame":
    """The rows of a result table that a run wrote."""
    import pandas as pd

    return pd.read_sql(sa.select(table).where(table.c.run_id == run_id), connection)


def latest_run(connection: sa.Connection, model_key: str) -> str | None:
    """The finished refit of a model that was started last, or None."""
    query = (
        sa.select(RUN.c.run_id)
        .where(RUN.c.model_key == model_key, RUN.c.n_weeks.is_not(None))
        .where(RUN.c.run_type == "refit")
        .order_by(RUN.c.started_at.desc())
        .limit(1)
    )
    return connection.scalar(query)


def run_to_judge(connection: sa.Connection, model_key: str, run_id: str) -> tuple[str, str] | None:
    """The run, and its type, that a Dagster run has to judge: its own, or else the latest refit.

    Args:
        connection: an open transaction.
        model_key: the model.
        run_id: the Dagster run, which may have fitted nothing.
    """
    of_itself = sa.select(RUN.c.run_id, RUN.c.run_type).where(
        RUN.c.run_id == run_id, RUN.c.n_weeks.is_not(None)
    )
    own = connection.execute(of_itself).one_or_none()
    if own is not None:
        return own.run_id, own.run_type
    latest = latest_run(connection, model_key)
    return None if latest is None else (latest, "refit")


def published_week(connection: sa.Connection, model_key: str) -> date | None:
    """The last week of data of the run that readers see, or None before the first publication."""
    live = published_run(connection, model_key)
    return connection.scalar(sa.select(RUN.c.as_of_week).where(RUN.c.run_id == live))


def reasons_against(connection: sa.Connection, run_id: str) -> tuple[str, ...]:
    """Why a run may not be published, by its stored diagnostics: one text a failed blocking check.

    Empty where it may. A run without any diagnostics may not.
    """
    query = sa.select(DIAGNOSTIC).where(
        DIAGNOSTIC.c.run_id == run_id, DIAGNOSTIC.c.is_blocking.is_(True)
    )
    checks = connection.execute(query.order_by(DIAGNOSTIC.c.check_name)).all()
    if not checks:
        return ("it has no stored diagnostics: the fit did not finish, or its rows have expired",)
    return tuple(
        f"{check.check_name} is {'undefined' if check.value is None else f'{check.value:.4g}'}, "
        f"allowed {check.threshold:.4g}: {check.description}"
        for check in checks
        if check.status != "pass"
    )


def publish(connection: sa.Connection, model_key: str, run_id: str, now: datetime) -> None:
    """Make a run the one that readers see; publishing the live run again changes nothing.

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
    reasons = reasons_against(connection, run_id)
    if owner != model_key:
        reasons = (f"it is a run of {owner}",)
    if reasons:
        raise NotPublishableError(
            f"run {run_id} of {model_key} is not published; the last good run stays live. "
            + " ".join(reasons)
        )
    live = published_run(connection, model_key)
    if live == run_id:
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
    connection.execute(RUN.update().where(RUN.c.run_id == live).values(status="superseded"))
    connection.execute(
        RUN.update()
        .where(RUN.c.run_id == run_id)
        .values(status="published", published_at=sa.func.coalesce(RUN.c.published_at, now))
    )


def published_input(connection: sa.Connection, model_key: str) -> "pd.DataFrame":
    """`series_key, week_start, variable, value` of the values that the published run used."""
    return used_input(connection, published_run(connection, model_key))


def used_input(connection: sa.Connection, run_id: str | None) -> "pd.DataFrame":
    """`series_key, week_start, variable, value` of the values that a run used."""
    import pandas as pd

    query = sa.select(
        INPUT_SNAPSHOT.c.series_key,
        INPUT_SNAPSHOT.c.week_start,
        INPUT_SNAPSHOT.c.variable,
        INPUT_SNAPSHOT.c.value,
    ).where(
        INPUT_SNAPSHOT.c.run_id == run_id,
        INPUT_SNAPSHOT.c.is_used.is_(True),
    )
    return pd.read_sql(query, connection)


def same_as_published(
    connection: sa.Connection, model_key: str, expected: Mapping[str, str]
) -> str | None:
    """The published run, if these columns of its row have these values; None if not."""
    row = connection.execute(
        sa.select(RUN).where(RUN.c.run_id == published_run(connection, model_key))
    ).one_or_none()
    if row is None or any(getattr(row, name) != value for name, value in expected.items()):
        return None
    return row.run_id


def roll_back(
    connection: sa.Connection, model_key: str, now: datetime, run_id: str | None = None
) -> tuple[str, str]:
    """Make a run live again that was live before; the pointer's history only grows.

    Without a `run_id`, it is the one that was live before this one, so that twice is there and
    back.

    Args:
        connection: an open transaction.
        model_key: the model.
        now: the time to record, UTC.
        run_id: the run to go back to.

    Returns:
        The run that was live, and the one that is.

    Raises:
        NoEarlierRunError: if the run was never live, or nothing was live before.
        NotPublishableError: if its rows were removed since, by retention.
    """
    live = published_run(connection, model_key)
    if live is None:
        raise NoEarlierRunError(f"nothing of {model_key} has been published yet")
    query = (
        sa.select(PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key, PUBLICATION.c.run_id != live)
        .order_by(PUBLICATION.c.publication_id.desc())
    )
    earlier = list(connection.scalars(query))
    if run_id is None and not earlier:
        raise NoEarlierRunError(f"{live} is the only run of {model_key} that was ever live")
    if run_id is not None and run_id not in [live, *earlier]:
        known = ", ".join(dict.fromkeys(earlier)) or "none"
        raise NoEarlierRunError(
            f"run {run_id} of {model_key} was never live; those that were: {known}"
        )
    target = run_id or earlier[0]
    publish(connection, model_key, target, now)
    return live, target


def published_run(connection: sa.Connection, model_key: str) -> str | None:
    """The run of a model that readers see, or None before the first publication."""
    query = (
        sa.select(PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key)
        .order_by(PUBLICATION.c.publication_id.desc())
        .limit(1)
    )
    return connection.scalar(query)


def published_runs(
    connection: sa.Connection, model_key: str, model_version: str
) -> tuple[str, ...]:
    """The runs of a model version that readers see or have seen, the one published last first."""
    query = (
        sa.select(PUBLICATION.c.run_id)
        .join(RUN, RUN.c.run_id == PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key, RUN.c.model_version == model_version)
        .group_by(PUBLICATION.c.run_id)
        .order_by(sa.func.max(PUBLICATION.c.publication_id).desc())
    )
    return tuple(connection.scalars(query))


def last_publication(connection: sa.Connection) -> int | None:
    """The number of the last publication of any model, or None before the first."""
    if not sa.inspect(connection).has_table(str(PUBLICATION.name), schema=PUBLICATION.schema):
        return None
    return connection.scalar(sa.select(sa.func.max(PUBLICATION.c.publication_id)))


def was_published(connection: sa.Connection, run_id: str) -> bool:
    """Whether readers see the run or have seen it: such a run's rows are never changed again."""
    query = sa.select(PUBLICATION.c.run_id).where(PUBLICATION.c.run_id == run_id).limit(1)
    return connection.scalar(query) is not None
