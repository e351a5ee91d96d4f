"""The names of one job in a code location: of its assets, jobs, sensors, resources, partitions.

Every name begins with the job's own prefix, so that it clashes neither with what else the location
holds nor with a second job there.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

import dagster as dg
import sqlalchemy as sa

# A check of one model is what lets it fail alone; Dagster, which is pinned, calls that a preview.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec")

# The resources that assets, checks and sensors ask for, by the names of their parameters.
RESOURCES = ("settings", "warehouse", "dbt", "clock", "run_input_io", "fitted_run_io")
JOBS = {
    "weekly_input": "Load the raw tables, and build the weekly input of all models.",
    "refit": "Check, fit, judge and publish one model.",
    "dashboards": "Build and test the views of what is published, and copy them for dashboards.",
    "score_new_weeks": "Apply the published posterior to the weeks that have come since, without a "
    "fit.",
}
# Shared by all jobs of a Dagster instance: they compete for the same cores and the same database.
SAMPLING_POOL, WAREHOUSE_POOL = "mmm_sampling", "mmm_warehouse"

NOTHING_NEW = "nothing is new"

T = TypeVar("T")


@dataclass(frozen=True)
class Namespace:
    """The names of one job.

    Attributes:
        prefix: what all asset keys begin with, and joined by `_` all other names.
        group: the group of all assets; None for a group a layer.
    """

    prefix: tuple[str, ...] = ("mmm",)
    group: str | None = None

    def named(self, name: str) -> str:
        """A job's, sensor's, op's or resource's name."""
        return "_".join((*self.prefix, name))

    def key(self, *parts: str) -> dg.AssetKey:
        """An asset's key."""
        return dg.AssetKey([*self.prefix, *parts])

    def keys(self, names: Iterable[str]) -> list[dg.AssetKey]:
        """Assets' keys, by what stands behind their prefix, with slashes between the parts."""
        return [self.key(*name.split("/")) for name in names]

    def op(self, key: dg.AssetKey) -> str:
        """The name of the op that makes a single asset, which run configuration speaks of."""
        return key.to_python_identifier()

    def group_of(self, layer: str) -> str:
        """The group of the assets of a layer, such as staging or results."""
        return self.group or self.named(layer)

    def result(self, table: sa.Table) -> dg.AssetKey:
        """The asset of a result table."""
        return self.key("results", str(table.name))

    @property
    def raw(self) -> dg.AssetKey:
        """The raw tables, as they are loaded."""
        return self.key("raw", "weekly_media")

    @property
    def weekly_input(self) -> dg.AssetKey:
        """The input of all models, by dbt."""
        return self.key("mmm_weekly_input")

    @property
    def rejected_input(self) -> dg.AssetKey:
        """The raw rows that are in no model's input."""
        return self.key("mmm_rejected_input")

    @property
    def panel(self) -> dg.AssetKey:
        """The judged input of a model."""
        return self.key("panel")

    @property
    def fit(self) -> dg.AssetKey:
        """The posterior of a model."""
        return self.key("fit")

    @property
    def published(self) -> dg.AssetKey:
        """The publish pointer of a model."""
        return self.key("published")

    @cached_property
    def models(self) -> dg.DynamicPartitionsDefinition:
        """The models as Dagster sees them: partitions that come and go with settings and data."""
        return dg.DynamicPartitionsDefinition(name=self.named("model"))

    def has(self, key: dg.AssetKey) -> bool:
        """Whether an asset is of this job."""
        return tuple(key.path[: len(self.prefix)]) == self.prefix

    def owns(self, run: dg.DagsterRun) -> bool:
        """Whether a run is of this job: of one of its jobs, or of assets that somebody chose."""
        is_of_job = run.job_name in {self.named(job) for job in JOBS}
        return is_of_job or any(self.has(key) for key in run.asset_selection or ())

    def bound(self, function: Callable[..., T]) -> Callable[..., T]:
        """A function whose parameters for resources bear this job's names for them.

        Dagster gives a resource to the parameter of its name. A parameter `names` is the namespace.
        """
        signature = inspect.signature(function)
        renamed = {name: self.named(name) for name in RESOURCES if name in signature.parameters}
        given = {"names": self} if "names" in signature.parameters else {}

        def arguments(by_name: dict[str, Any]) -> dict[str, Any]:
            ours = {name: by_name.pop(named) for name, named in renamed.items() if named in by_name}
            return by_name | ours | given

        @wraps(function)
        def called(*positional: Any, **by_name: Any) -> Any:  # noqa: ANN401
            return function(*positional, **arguments(by_name))

        @wraps(function)
        def yielding(*positional: Any, **by_name: Any) -> Any:  # noqa: ANN401
            yield from cast("Iterable[object]", function(*positional, **arguments(by_name)))

        # Dagster treats a function that yields by other rules than one that returns.
        bound = yielding if inspect.isgeneratorfunction(function) else called

        # Dagster reads this instead of the function's own.
        bound.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
            parameters=[
                parameter.replace(name=renamed.get(name, name))
                for name, parameter in signature.parameters.items()
                if name not in given
            ]
        )
        return bound
