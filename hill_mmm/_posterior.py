"""Posterior draws with everything needed to interpret them, and their open format."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hill_mmm._model.adstock import PARAMETERS
from hill_mmm._model.curves import Curves
from hill_mmm._model.moving import knot_weights
from hill_mmm._model.scales import Scales
from hill_mmm._sampling.nuts import ChainStats
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import LiftTest, ModelSpec, SamplerSettings

SCHEMA_VERSION = 5
DRAW_BATCH = 64

CURVE_DIMS = ("medium", "component")
SITE_DIMS: dict[str, tuple[str, ...]] = {
    "adstock": ("medium", "adstock_parameter"),
    "carry_in": ("medium",),
    "weights": ("component",),
    "amplitude": ("series", *CURVE_DIMS),
    "half_saturation": CURVE_DIMS,
    "slope": CURVE_DIMS,
    "coefficients": ("series", "column"),
    "sigma": ("series",),
}
# Recorded where the model has them.
OPTIONAL_SITE_DIMS: dict[str, tuple[str, ...]] = {
    "log_multiplier": ("knot", "medium"),
    "signed_coefficients": ("signed",),
    "degrees_of_freedom": (),
    "baseline_scale": ("learned_scale",),
    "log_effect": ("medium",),
}
ALL_SITE_DIMS = SITE_DIMS | OPTIONAL_SITE_DIMS

Draw = TypeVar("Draw")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior draws of a Hill mixture.

    Attributes:
        panel: the data fitted to.
        spec: the model.
        sampler: the sampler's settings.
        lift_tests: the experiments in the likelihood.
        scales: the frozen scales of the model version, which the draws are on.
        draws: the model's sites, dims `(chain, draw, ...)`, in scaled units (see `SITE_DIMS`).
        stats: sampler statistics after warm-up.
        cpu_seconds: CPU time spent, compilation included.
        wall_seconds: time elapsed.
        peak_rss_mb: peak memory of the process by the end of the fit.
        prior_only: whether these are draws of the prior, which know no outcome.
    """

    panel: Panel
    spec: ModelSpec
    sampler: SamplerSettings
    lift_tests: tuple[LiftTest, ...]
    scales: Scales
    draws: dict[str, NDArray[np.float64]]
    stats: ChainStats
    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: float
    prior_only: bool = False

    @property
    def curves(self) -> Curves:
        """The curves' parameters, chains joined in one leading axis of draws, scaled units."""
        return Curves.of({name: jnp.asarray(flatten(v)) for name, v in self.draws.items()})

    def knot_weights(self, weeks: int) -> jax.Array | None:
        """When the weeks from the panel's first on are, as `Curves` asks: `(weeks, knots)`.

        None if no effect moves.
        """
        if not self.spec.moving_effects:
            return None
        return jnp.asarray(knot_weights(self.panel, self.scales, weeks))

    @property
    def current_multiplier(self) -> Floats:
        """Effect of each medium since the last week, over its mean of all, `(draws, media)`."""
        at = self.knot_weights(len(self.panel))
        if at is None:
            return np.ones((self.n_draws, len(self.panel.media_names)))
        return np.exp(np.asarray(at)[-1] @ flatten(self.draws["log_multiplier"]))

    def effect_as_of(self, media: Sequence[str]) -> NDArray[np.datetime64]:
        """The last week fitted to of media whose effect moves, NaT of the others; `(media,)`.

        It is the week of the effect that curves, plans and forecasts go on with.
        """
        moves = np.isin(media, self.spec.moving_effects)
        last = self.panel.weeks[-1].astype("datetime64[s]")
        return np.where(moves, last, np.datetime64("NaT", "s"))

    @property
    def n_draws(self) -> int:
        """Number of draws of all chains."""
        chains, draws = self.draws["weights"].shape[:2]
        return chains * draws

    def evenly_spaced(self, count: int) -> NDArray[np.int64]:
        """Indices of at most so many draws, evenly spaced over those of all chains."""
        return np.unique(np.linspace(0, self.n_draws - 1, count).round().astype(np.int64))

    def by_chain(self, draws: Floats) -> Floats:
        """Split the leading axis of draws into chains and draws."""
        return draws.reshape(*self.draws["weights"].shape[:2], *draws.shape[1:])

    def to_dataset(self) -> xr.Dataset:
        """The whole fit as one dataset that NetCDF can hold; `from_dataset` is its inverse."""
        draws = {
            site: (("chain", "draw", *ALL_SITE_DIMS[site]), values)
            for site, values in self.draws.items()
        }
        stats = {
            f"sampler_{name}": (("chain", "draw")[: values.ndim], values)
            for name, values in self.stats._asdict().items()
        }
        panel = self.panel
        data = {
            "outcome": (("week", "series"), panel.outcome),
            "spend": (("week", "series", "channel"), panel.spend),
            "organic": (("week", "series", "organic_medium"), panel.organic),
            "controls": (("week", "series", "control"), panel.controls),
            "starts": (("series",), panel.starts),
            "media_starts": (("series",), panel.media_starts),
        }
        if panel.value is not None:
            data["value"] = (("week", "series"), panel.value)
        names = {
            "series": panel.series,
            "channel": panel.channels,
            "organic_medium": panel.organic_names,
            "medium": panel.media_names,
            "control": panel.control_names,
            "adstock_parameter": PARAMETERS[self.spec.adstock],
            "learned_scale": self.spec.learned_scales,
        }
        return xr.Dataset(
            {**draws, **stats, **data},
            coords={
                "week": panel.weeks.astype("datetime64[ns]"),
                **{dim: np.array(labels, dtype=str) for dim, labels in names.items()},
            },
            attrs={
                "schema_version": SCHEMA_VERSION,
                "spec": json.dumps(self.spec.as_dict()),
                "sampler": json.dumps(asdict(self.sampler)),
                "lift_tests": json.dumps([asdict(test) for test in self.lift_tests]),
                "scales": json.dumps(self.scales.as_dict()),
                "cpu_seconds": self.cpu_seconds,
                "wall_seconds": self.wall_seconds,
                "peak_rss_mb": self.peak_rss_mb,
                "prior_only": int(self.prior_only),
            },
        )

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """The fit that `to_dataset` made the dataset from, equal to the bit.

        Raises:
            ValueError: if the dataset has another schema version.
        """
        attrs: dict[str, Any] = dataset.attrs
        if attrs.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"the fit has schema version {attrs.get('schema_version')}, this code reads "
                f"{SCHEMA_VERSION}: fit anew, or read it with the version that wrote it"
            )
        return cls(
            panel=_panel_of(dataset),
            spec=ModelSpec.from_dict(json.loads(attrs["spec"])),
            sampler=SamplerSettings(**json.loads(attrs["sampler"])),
            lift_tests=tuple(LiftTest(**test) for test in json.loads(attrs["lift_tests"])),
            scales=Scales.from_dict(json.loads(attrs["scales"])),
            draws={site: dataset[site].to_numpy() for site in ALL_SITE_DIMS if site in dataset},
            stats=ChainStats(
                *(dataset[f"sampler_{name}"].to_numpy() for name in ChainStats._fields)
            ),
            cpu_seconds=float(attrs["cpu_seconds"]),
            wall_seconds=float(attrs["wall_seconds"]),
            peak_rss_mb=float(attrs["peak_rss_mb"]),
            # Files of earlier versions do not say; what was kept is a posterior.
            prior_only=bool(attrs.get("prior_only", 0)),
        )


def _panel_of(dataset: xr.Dataset) -> Panel:
    def names(dim: str) -> tuple[str, ...]:
        return tuple(map(str, dataset[dim].to_numpy()))

    return Panel(
        series=names("series"),
        weeks=dataset["week"].to_numpy().astype("datetime64[D]"),
        outcome=dataset["outcome"].to_numpy(),
        spend=dataset["spend"].to_numpy(),
        organic=dataset["organic"].to_numpy(),
        controls=dataset["controls"].to_numpy(),
        starts=dataset["starts"].to_numpy(),
        media_starts=dataset["media_starts"].to_numpy(),
        channels=names("channel"),
        organic_names=names("organic_medium"),
        control_names=names("control"),
        value=dataset["value"].to_numpy() if "value" in dataset else None,
    )


def flatten(values: Floats) -> Floats:
    """Join the chain and draw axes."""
    return values.reshape(-1, *values.shape[2:])


def over_draws(function: Callable[[Draw], Result], draws: Draw) -> Result:
    """Apply a function to each draw of a pytree, a batch at a time, so that memory is bounded."""
    return jax.lax.map(function, draws, batch_size=DRAW_BATCH)
