"""`make run`: a week by hand, in this process: input, every model, the dashboards' copy."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_mmm import environment
from dagster_mmm.schedule.partitions import MODELS
from dagster_mmm.settings import SettingsError, load_models
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.marts import model_keys
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.url import WarehouseURLError

QUIET = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
PUBLISHED = dg.AssetKey("published")


@dataclass
class Week:
    """The runs of a week.

    Attributes:
        input: the run of `weekly_input`.
        refits: the runs of `refit`, by model.
        dashboards: the run of `dashboards`, or None where nothing was published.
    """

    input: dg.ExecuteInProcessResult
    refits: dict[str, dg.ExecuteInProcessResult] = field(default_factory=dict)
    dashboards: dg.ExecuteInProcessResult | None = None

    @property
    def runs(self) -> list[dg.ExecuteInProcessResult]:
        """All of them, in their order."""
        last = [] if self.dashboards is None else [self.dashboards]
        return [self.input, *self.refits.values(), *last]

    @property
    def success(self) -> bool:
        """Whether all of them went well."""
        return all(run.success for run in self.runs)


def run_week(
    instance: dg.DagsterInstance,
    only: str | None = None,
    file: Path | None = None,
    panel: Mapping[str, Any] | None = None,
) -> Week:
    """Load the input, refit the models one after another, and refresh what dashboards read.

    A model that fails holds up no other; without input, there is nothing to refit.

    Args:
        instance: where the runs are recorded.
        only: the model to refit; by default all of the settings and of the data.
        file: a CSV for the raw table, in place of the settings' files.
        panel: the configuration of `panel`.

    Raises:
        SettingsError: if the settings file cannot be read.
        WarehouseURLError, WarehouseError: if the warehouse cannot be reached.
    """
    week = Week(run_job(instance, "weekly_input", _ops("raw__weekly_media", _of_file(file))))
    if not week.input.success:
        return week
    for model_key in _models(only):
        week.refits[model_key] = run_job(instance, "refit", _ops("panel", panel or {}), model_key)
    if any(was_published(run) for run in week.refits.values()):
        week.dashboards = run_job(instance, "dashboards")
    return week


def run_vintages(
    instance: dg.DagsterInstance, model_key: str, weeks: Iterable[date]
) -> dict[date, dg.ExecuteInProcessResult]:
    """Refit a model as of past weeks, one after another: a back-test, which publishes nothing.

    The input is used as it stands: what the source has restated since was not known then.

    Args:
        instance: where the runs are recorded.
        model_key: the model, which has a published run of a later week.
        weeks: the first days of the last weeks to use.
    """
    return {
        week: run_job(instance, "refit", _ops("panel", {"as_of": str(week)}), model_key)
        for week in weeks
    }


def run_job(
    instance: dg.DagsterInstance,
    name: str,
    config: Mapping[str, Any] | None = None,
    model_key: str | None = None,
    assets: list[dg.AssetKey] | None = None,
    run_id: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job, or some of its assets, in this process.

    Args:
        instance: where the run is recorded.
        name: the job.
        config: its run configuration.
        model_key: the model, where the job is of one.
        assets: some of the job's assets, where not all.
        run_id: names the run.
    """
    from dagster_mmm.definitions import defs

    if model_key is not None:
        instance.add_dynamic_partitions(str(MODELS.name), [model_key])
    return (
        defs()
        .resolve_job_def(name)
        .execute_in_process(
            dict(config or {}),
            instance=instance,
            partition_key=model_key,
            raise_on_error=False,
            asset_selection=assets,
            run_id=run_id,
        )
    )


def was_published(run: dg.ExecuteInProcessResult) -> bool:
    """Whether the run has moved the publish pointer, or found it where it was to be."""
    return any(e.asset_key == PUBLISHED for e in run.get_asset_materialization_events())


def _models(only: str | None) -> tuple[str, ...]:
    models = load_models(environment.settings_path())
    if only is not None:
        models.of(only)
        return (only,)
    return model_keys(WarehouseResource(url=environment.warehouse_url()), models).usable


def _ops(op: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return QUIET | ({"ops": {op: {"config": dict(config)}}} if config else {})


def _of_file(file: Path | None) -> dict[str, str]:
    return {} if file is None else {"file": str(file.resolve())}


def main(arguments: list[str] | None = None) -> int:
    """Run the week; 0 if all went well, 1 if not, 2 if it could not begin."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--model", help="the model to refit; by default all")
    parser.add_argument("--force", action="store_true", help="fit although nothing is new")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        nargs="+",
        metavar="DAY",
        help="refit MODEL as of these past weeks alone, and publish nothing",
    )
    asked = parser.parse_args(arguments)
    if asked.as_of and asked.model is None:
        parser.error("--as-of is of one model: name it by --model")
    try:
        with dg.DagsterInstance.get() as instance:
            if asked.as_of:
                vintages = run_vintages(instance, asked.model, asked.as_of)
                return 0 if all(run.success for run in vintages.values()) else 1
            week = run_week(instance, asked.model, panel={"force": True} if asked.force else None)
    except (SettingsError, WarehouseURLError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return 2
    failed = [model_key for model_key, run in week.refits.items() if not run.success]
    if failed:
        print(f"not refitted: {', '.join(failed)}; the reasons stand above", file=sys.stderr)
    return 0 if week.success else 1


if __name__ == "__main__":
    sys.exit(main())
