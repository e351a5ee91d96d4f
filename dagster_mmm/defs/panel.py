"""The judged input of one model: weeks used, weeks left out and why."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from dagster_mmm import fitting, inputs
from dagster_mmm.defs.namespace import NOTHING_NEW, Namespace
from dagster_mmm.fitting.artefacts import RunInput
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.dagster_runs import AT_WORK
from dagster_mmm.schedule.due import last_complete_week, week_of, week_waited_for
from dagster_mmm.schedule.partitions import MODEL_TAG, PARTITION_TAG, WEEK_TAG
from dagster_mmm.settings import Settings
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import published_input, published_run_if_equal, published_week

if TYPE_CHECKING:
    import pandas as pd

    from dagster_mmm.inputs import ModelInput


class PanelConfig(dg.Config):
    """As of when to fit, and whether to go on where nothing is new.

    Attributes:
        as_of: the first day of the last week to use, as 2026-01-05; by default the last week that
            is over. Before the published run's last week it makes a vintage, which is never
            published.
        force: fit although data, settings and code are those of the published run.
    """

    as_of: str | None = None
    force: bool = False


# The checks of the panel, with what each says.
CHECKS = {
    "input_is_usable": "Every week is there once, with usable numbers, and there are enough.",
    "input_is_plausible": "Nothing in the input asks for a second look; if it does, the fit goes "
    "on.",
    "input_has_arrived": "The last week that is over, or that is asked for, is in the input.",
}


def panel_asset(names: Namespace) -> dg.AssetsDefinition:
    """The asset `panel`, with its checks."""
    return dg.asset(
        key=names.panel,
        deps=[names.weekly_input, names.rejected_input],
        partitions_def=names.models,
        group_name=names.group_of("model"),
        kinds={"pandas"},
        tags={"mmm/writes": "files"},
        io_manager_key=names.named("run_input_io"),
        output_required=False,
        check_specs=[
            dg.AssetCheckSpec(
                check,
                asset=names.panel,
                blocking=check == "input_is_usable",
                partitions_def=names.models,
                description=description,
            )
            for check, description in CHECKS.items()
        ],
    )(names.bound(panel))


def panel(
    context: dg.AssetExecutionContext,
    names: Namespace,
    config: PanelConfig,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
) -> Iterator[dg.AssetCheckResult | dg.AssetObservation | dg.Output[RunInput]]:
    """The weekly input as the fit will see it, with every repair and restatement recorded.

    Where nothing is new since the published run there is no panel, and all that follows is skipped.
    """
    model_key = context.partition_key
    context.instance.add_run_tags(context.run.run_id, {MODEL_TAG: model_key})
    _give_way_to_an_earlier_run(context, names)
    loaded = settings.load(model_key)
    today, starts_on = clock.today(loaded.schedule.timezone), loaded.input.week_starts_on
    as_of = None if config.as_of is None else week_of(_day(config.as_of), starts_on)
    week = as_of or last_complete_week(today, starts_on)
    judged = inputs.judge_stored(warehouse, loaded, today, as_of)
    problems, snapshot = [problem.message for problem in judged.problems], judged.snapshot
    late = _lateness(problems, snapshot, week_waited_for(week, loaded.input.immature_weeks))
    yield from _verdicts(judged, late)
    if problems:
        context.log.error("\n".join(problems))
        return
    if not late:
        context.instance.add_run_tags(context.run.run_id, {WEEK_TAG: str(week)})
    warehouse.create_result_tables()
    same = run_with_the_same_input(warehouse, loaded, snapshot)
    if same is not None and not config.force:
        context.log.info(
            f"{NOTHING_NEW} since run {same}, which stays published; force a fit by config"
        )
        yield dg.AssetObservation(
            context.asset_key, partition=model_key, metadata={"nothing_new_since": same}
        )
        return
    with warehouse.begin() as connection:
        before = published_input(connection, model_key)
        known_until = published_week(connection, model_key)
    is_vintage = (
        as_of is not None and known_until is not None and _last_week(snapshot) < known_until
    )
    run_type = "vintage" if is_vintage else "refit"
    notes = tuple(note.message for note in judged.notes)
    found = RunInput(inputs.mark_restated(snapshot, before), run_type, notes)
    yield dg.Output(found, metadata=_metadata(found))


def run_with_the_same_input(
    warehouse: Warehouse, settings: Settings, snapshot: "pd.DataFrame"
) -> str | None:
    """The published run, if data, settings and code were the same; None if there is none such."""
    wanted = {
        # A score has seen the data, but its posterior has not.
        "run_type": "refit",
        "data_fingerprint": inputs.fingerprint(snapshot),
        "config_fingerprint": settings.fingerprint(),
        "code_version": fitting.code_version(),
    }
    with warehouse.begin() as connection:
        return published_run_if_equal(connection, settings.model_key, wanted)


def _give_way_to_an_earlier_run(context: dg.AssetExecutionContext, names: Namespace) -> None:
    """Two refits of a model would race for its files; of two, the one asked for later gives way."""
    records = context.instance.get_run_records(
        dg.RunsFilter(tags={PARTITION_TAG: context.partition_key}, statuses=list(AT_WORK))
    )
    created = {
        record.dagster_run.run_id: record.create_timestamp
        for record in records
        if names.owns(record.dagster_run)
    }
    own = created.get(context.run.run_id)
    earlier = [
        run_id
        for run_id, when in created.items()
        if own is not None and (when, run_id) < (own, context.run.run_id)
    ]
    if earlier:
        raise dg.Failure(
            f"{context.partition_key} is being refitted by run {earlier[0]}; wait for it to end, "
            "or terminate it in the UI if its process is gone, and run this again",
            allow_retries=False,
        )


def _verdicts(judged: "ModelInput", late: Sequence[str]) -> Iterator[dg.AssetCheckResult]:
    """The results of the checks; of an input that cannot be used, only that is judged."""
    problems = [problem.message for problem in judged.problems]
    repairs = [] if problems else judged.repairs()
    yield dg.AssetCheckResult(
        check_name="input_is_usable",
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(problems) or "; ".join(repairs) or None,
        metadata={"problems": len(problems), "repairs": len(repairs)},
    )
    advice = [point.message for point in judged.advice()]
    not_judged = ["it is not judged, because the input cannot be used"] if problems else []
    for name, found in (("input_is_plausible", advice), ("input_has_arrived", late)):
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not (not_judged or found),
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(not_judged or found) or None,
            metadata={"points": len(found)},
        )


def _lateness(problems: Sequence[str], snapshot: "pd.DataFrame", expected: date) -> list[str]:
    if problems or _last_week(snapshot) >= expected:
        return []
    return [f"the week of {expected} is not in the input, whose last is {_last_week(snapshot)}"]


def _last_week(snapshot: "pd.DataFrame") -> date:
    return snapshot.loc[snapshot["is_used"], "week_start"].max().date()


def _metadata(judged: RunInput) -> dict[str, dg.MetadataValue | str | int]:
    snapshot = judged.snapshot
    used, restated = snapshot[snapshot["is_used"]], snapshot[snapshot["is_restated"]]
    return {
        "run_type": judged.run_type,
        "series": used["series_key"].nunique(),
        "weeks": used["week_start"].nunique(),
        "first_week": str(used["week_start"].min().date()),
        "last_week": str(_last_week(snapshot)),
        "repairs": dg.MetadataValue.json(list(snapshot["reason"].dropna().unique())),
        "restated_values": len(restated),
        "restated_weeks": dg.MetadataValue.json(
            sorted(restated["week_start"].dt.strftime("%Y-%m-%d").unique())
        ),
    }


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise dg.Failure(
            f"as_of: found {text!r}; allowed: a day such as 2026-01-05", allow_retries=False
        ) from error
