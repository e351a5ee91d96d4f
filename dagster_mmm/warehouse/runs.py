"""What the warehouse knows of runs: which there are, which is published, what is kept of each.

Every function asks by a connection of the caller's, and changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from dagster_mmm.warehouse import rows
from dagster_mmm.warehouse.tables import (
    ACCURACY,
    CHANNEL_SUMMARY,
    DIAGNOSTIC,
    INPUT_SNAPSHOT,
    PUBLICATION,
    RUN,
    RUN_DELTA,
)
from dagster_mmm.warehouse.url import place

if TYPE_CHECKING:
    import pandas as pd

_LAST_PUBLICATION_IDS = sa.select(sa.func.max(PUBLICATION.c.publication_id)).group_by(
    PUBLICATION.c.model_key
)
_PUBLISHED = sa.select(PUBLICATION.c.run_id).where(
    PUBLICATION.c.publication_id.in_(_LAST_PUBLICATION_IDS)
)
IS_PUBLISHED = RUN.c.run_id.in_(_PUBLISHED).label("is_published")
# Results are written whole, with the number of weeks.
IS_UNFINISHED = sa.and_(RUN.c.status == "running", RUN.c.n_weeks.is_(None))
# The names are kept for ever: a series in the UI ends where its name does.
PLOTTED_CHECKS = ("max_r_hat", "min_ess", "divergence_rate", "holdout_coverage")


class UnknownRunError(LookupError):
    """No run, or more than one, is called like that."""


class NoRunsError(UnknownRunError):
    """Nothing has been run on this warehouse yet."""


@dataclass(frozen=True)
class RunRecord:
    """All that is kept of a run but its larger tables.

    Attributes:
        run: its row of `mmm_run`, with `is_published`.
        checks: its rows of `mmm_diagnostic`, the blocking ones first; none where it did not finish.
        channels: its rows of `mmm_channel_summary`; none where it did not finish.
    """

    run: "pd.Series"
    checks: "pd.DataFrame"
    channels: "pd.DataFrame"


@dataclass(frozen=True)
class PublishedFit:
    """The refit behind the published run, as it was stored: that run, or the one that it scores.

    Attributes:
        run: its row of `mmm_run`.
        summary: its rows of `mmm_channel_summary` over all weeks.
        input: `series_key, week_start, variable, value` of the values that it used.
    """

    run: Mapping[str, Any]
    summary: "pd.DataFrame"
    input: "pd.DataFrame"


def list_runs(connection: sa.Connection, model_key: str | None, limit: int) -> "pd.DataFrame":
    """The last runs of a model or of all, the newest first: `mmm_run` with `is_published`."""
    query = sa.select(RUN, IS_PUBLISHED).order_by(RUN.c.started_at.desc()).limit(limit)
    return rows.read(
        connection, query if model_key is None else query.where(RUN.c.model_key == model_key)
    )


def list_publications(
    connection: sa.Connection, model_key: str | None, limit: int
) -> "pd.DataFrame":
    """The last moves of the publish pointer, of a model or of all, the newest first."""
    query = (
        sa.select(
            PUBLICATION.c.published_at,
            PUBLICATION.c.model_key,
            PUBLICATION.c.run_id,
            RUN.c.status,
            RUN.c.as_of_week,
            RUN.c.fresh_until,
            RUN.c.components_selected,
            RUN.c.model_version,
            IS_PUBLISHED,
        )
        .join(RUN, RUN.c.run_id == PUBLICATION.c.run_id)
        .order_by(PUBLICATION.c.publication_id.desc())
        .limit(limit)
    )
    of_model = PUBLICATION.c.model_key == model_key
    return rows.read(connection, query if model_key is None else query.where(of_model))


def read_run(connection: sa.Connection, run: str) -> RunRecord:
    """A run, by its id or as much of its beginning as no other run has.

    Raises:
        UnknownRunError: if there is none such, or several.
    """
    begins = RUN.c.run_id.startswith(run, autoescape=True)
    found = rows.read(
        connection, sa.select(RUN, IS_PUBLISHED).where(begins).order_by(RUN.c.run_id).limit(9)
    )
    exact = found[found["run_id"] == run]
    if len(found) != 1 and exact.empty:
        several = f"begins the ids of {', '.join(found['run_id'])}; give more of one"
        none = f"is no run of {place(connection.engine.url)}; `mmm runs` lists them"
        raise UnknownRunError(f"{run!r} {none if found.empty else several}")
    row = (found if exact.empty else exact).iloc[0]
    checks, channels = (
        rows.read(connection, sa.select(table).where(table.c.run_id == row["run_id"]))
        for table in (DIAGNOSTIC, CHANNEL_SUMMARY)
    )
    checks = checks.sort_values(["is_blocking", "check_name"], ascending=[False, True])
    return RunRecord(row, checks, channels)


def models_of_runs(connection: sa.Connection) -> list[str]:
    """The models that have ever run, those that the settings have no more among them."""
    query = sa.select(RUN.c.model_key).distinct().order_by(RUN.c.model_key)
    return list(rows.read(connection, query)["model_key"])


def compared_refit(connection: sa.Connection, run_id: str) -> str | None:
    """The refit that a run was compared with in `mmm_run_delta`, or None where it was with none."""
    query = sa.select(RUN_DELTA.c.previous_run_id).where(RUN_DELTA.c.run_id == run_id).limit(1)
    found = rows.read(connection, query)["previous_run_id"]
    return None if found.empty else str(found.item())


def runs_of_fit(connection: sa.Connection, run_id: str) -> list[tuple[str, str]]:
    """`run_id, model_key` of a refit and of all scores of it whose rows are kept."""
    query = sa.select(RUN.c.run_id, RUN.c.model_key).where(
        RUN.c.fit_run_id == run_id, RUN.c.status != "expired"
    )
    return [(row.run_id, row.model_key) for row in connection.execute(query)]


def unfinished_runs(connection: sa.Connection, model_key: str) -> tuple[str, ...]:
    """The runs of a model that say they are running, the oldest first."""
    query = sa.select(RUN.c.run_id).where(RUN.c.model_key == model_key, IS_UNFINISHED)
    return tuple(connection.scalars(query.order_by(RUN.c.started_at)))


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


def published_week(connection: sa.Connection, model_key: str) -> date | None:
    """The last week of data of the run that readers see, or None before the first publication."""
    published = published_run(connection, model_key)
    return connection.scalar(sa.select(RUN.c.as_of_week).where(RUN.c.run_id == published))


def published_input(connection: sa.Connection, model_key: str) -> "pd.DataFrame":
    """`series_key, week_start, variable, value` of the values that the published run used."""
    return used_input(connection, published_run(connection, model_key))


def published_run_if_equal(
    connection: sa.Connection, model_key: str, expected: Mapping[str, str]
) -> str | None:
    """The published run, if these columns of its row have these values; None if not."""
    row = connection.execute(
        sa.select(RUN).where(RUN.c.run_id == published_run(connection, model_key))
    ).one_or_none()
    if row is None or any(getattr(row, name) != value for name, value in expected.items()):
        return None
    return row.run_id


def last_publication(connection: sa.Connection) -> int | None:
    """The number of the last publication of any model, or None before the first."""
    if not sa.inspect(connection).has_table(
        str(PUBLICATION.name), schema=connection.schema_for_object(PUBLICATION)
    ):
        return None
    return connection.scalar(sa.select(sa.func.max(PUBLICATION.c.publication_id)))


def was_published(connection: sa.Connection, run_id: str) -> bool:
    """Whether readers see the run or have seen it: such a run's rows are never changed again."""
    query = sa.select(PUBLICATION.c.run_id).where(PUBLICATION.c.run_id == run_id).limit(1)
    return connection.scalar(query) is not None


def published_fit(connection: sa.Connection, model_key: str) -> PublishedFit | None:
    """The refit behind what readers of a model see, or None before the first publication."""
    published = published_run(connection, model_key)
    fit_run_id = sa.select(RUN.c.fit_run_id).where(RUN.c.run_id == published)
    row = (
        connection.execute(sa.select(RUN).where(RUN.c.run_id == fit_run_id.scalar_subquery()))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    summary = stored_rows(connection, CHANNEL_SUMMARY, row["run_id"])
    over_all_weeks = summary[summary["period"] == "all"]
    return PublishedFit(dict(row), over_all_weeks, used_input(connection, row["run_id"]))


def stored_rows(connection: sa.Connection, table: sa.Table, run_id: str) -> "pd.DataFrame":
    """The rows of a result table that a run wrote."""
    import pandas as pd

    return pd.read_sql(sa.select(table).where(table.c.run_id == run_id), connection)


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


def newest_refit(connection: sa.Connection, model_key: str) -> str | None:
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
    latest = newest_refit(connection, model_key)
    return None if latest is None else (latest, "refit")


def reasons_not_to_publish(connection: sa.Connection, run_id: str) -> tuple[str, ...]:
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


def stored_verdicts(
    connection: sa.Connection, run_id: str, check_names: Collection[str]
) -> dict[str, sa.Row[Any]]:
    """The rows of `mmm_diagnostic` of these checks, by name; a check that was not made has none."""
    query = sa.select(DIAGNOSTIC).where(
        DIAGNOSTIC.c.run_id == run_id, DIAGNOSTIC.c.check_name.in_(check_names)
    )
    return {row.check_name: row for row in connection.execute(query)}


def staleness_weeks(connection: sa.Connection, run_id: str, today: date) -> int:
    """Whole weeks that have ended by `today` since the last one that the run used."""
    last_week = connection.scalars(sa.select(RUN.c.window_end).where(RUN.c.run_id == run_id)).one()
    return (today - last_week).days // 7 - 1


def run_is_outdated(connection: sa.Connection, run_id: str, today: date) -> bool:
    """Whether a run is outdated; one of an earlier version, which stored no day, is not."""
    until = connection.scalar(sa.select(RUN.c.fresh_until).where(RUN.c.run_id == run_id))
    return until is not None and today > until


def run_figures(connection: sa.Connection, run_id: str, today: date) -> dict[str, float]:
    """How well a run converged, how well it forecast, and how old its data are.

    Args:
        connection: an open transaction.
        run_id: a run whose results are there.
        today: the day as of which its data are so old.

    Returns:
        `staleness_weeks`; of the stored verdicts those in `PLOTTED_CHECKS`; `holdout_crps` in the
        outcome's unit. What is undefined is left out.
    """
    figures: dict[str, float | None] = {
        "staleness_weeks": staleness_weeks(connection, run_id, today)
    }
    checks = sa.select(DIAGNOSTIC.c.check_name, DIAGNOSTIC.c.value).where(
        DIAGNOSTIC.c.run_id == run_id, DIAGNOSTIC.c.check_name.in_(PLOTTED_CHECKS)
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
