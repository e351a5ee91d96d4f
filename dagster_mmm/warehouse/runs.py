"""The record of runs, as an operator reads it: which there are, and what is kept of each."""

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.tables import CHANNEL_SUMMARY, DIAGNOSTIC, PUBLICATION, RUN, RUN_DELTA

_LAST = sa.select(sa.func.max(PUBLICATION.c.publication_id)).group_by(PUBLICATION.c.model_key)
_LIVE = sa.select(PUBLICATION.c.run_id).where(PUBLICATION.c.publication_id.in_(_LAST))
IS_LIVE = RUN.c.run_id.in_(_LIVE).label("is_live")


class UnknownRunError(LookupError):
    """No run, or more than one, is called like that."""


@dataclass(frozen=True)
class RunRecord:
    """All that is kept of a run but its larger tables.

    Attributes:
        run: its row of `mmm_run`, with `is_live`.
        checks: its rows of `mmm_diagnostic`, the blocking ones first; none where it did not finish.
        channels: its rows of `mmm_channel_summary`; none where it did not finish.
    """

    run: "pd.Series"
    checks: pd.DataFrame
    channels: pd.DataFrame


def list_runs(warehouse: WarehouseResource, model_key: str | None, limit: int) -> pd.DataFrame:
    """The runs started last, of a model or of all, the newest first: `mmm_run` with `is_live`."""
    query = sa.select(RUN, IS_LIVE).order_by(RUN.c.started_at.desc()).limit(limit)
    return warehouse.read(query if model_key is None else query.where(RUN.c.model_key == model_key))


def models_of_runs(warehouse: WarehouseResource) -> list[str]:
    """The models that have ever run, those that the settings have no more among them."""
    query = sa.select(RUN.c.model_key).distinct().order_by(RUN.c.model_key)
    return list(warehouse.read(query)["model_key"])


def list_publications(
    warehouse: WarehouseResource, model_key: str | None, limit: int
) -> pd.DataFrame:
    """The last moves of the publish pointer, of a model or of all, the newest first."""
    query = (
        sa.select(
            PUBLICATION.c.published_at,
            PUBLICATION.c.model_key,
            PUBLICATION.c.run_id,
            RUN.c.status,
            RUN.c.as_of_week,
            RUN.c.components_selected,
            RUN.c.model_version,
            IS_LIVE,
        )
        .join(RUN, RUN.c.run_id == PUBLICATION.c.run_id)
        .order_by(PUBLICATION.c.publication_id.desc())
        .limit(limit)
    )
    of_model = PUBLICATION.c.model_key == model_key
    return warehouse.read(query if model_key is None else query.where(of_model))


def read_run(warehouse: WarehouseResource, run: str) -> RunRecord:
    """A run, by its id or as much of its beginning as no other run has.

    Raises:
        UnknownRunError: if there is none such, or several.
    """
    begins = RUN.c.run_id.startswith(run, autoescape=True)
    found = warehouse.read(sa.select(RUN, IS_LIVE).where(begins).order_by(RUN.c.run_id).limit(9))
    exact = found[found["run_id"] == run]
    if len(found) != 1 and exact.empty:
        several = f"begins the ids of {', '.join(found['run_id'])}; give more of one"
        none = f"is no run of {warehouse.place}; `mmm runs` lists them"
        raise UnknownRunError(f"{run!r} {none if found.empty else several}")
    row = (found if exact.empty else exact).iloc[0]
    checks, channels = (
        warehouse.read(sa.select(table).where(table.c.run_id == row["run_id"]))
        for table in (DIAGNOSTIC, CHANNEL_SUMMARY)
    )
    checks = checks.sort_values(["is_blocking", "check_name"], ascending=[False, True])
    return RunRecord(row, checks, channels)


def previous_run(warehouse: WarehouseResource, run_id: str) -> str | None:
    """The refit that a run was compared with in `mmm_run_delta`, or None where it was with none."""
    query = sa.select(RUN_DELTA.c.previous_run_id).where(RUN_DELTA.c.run_id == run_id).limit(1)
    found = warehouse.read(query)["previous_run_id"]
    return None if found.empty else str(found.item())


def runs_of_fit(connection: sa.Connection, run_id: str) -> list[tuple[str, str]]:
    """`run_id, model_key` of a refit and of all scores of it whose rows are kept."""
    query = sa.select(RUN.c.run_id, RUN.c.model_key).where(
        RUN.c.fit_run_id == run_id, RUN.c.status != "expired"
    )
    return [(row.run_id, row.model_key) for row in connection.execute(query)]
