"""Fitting: from a panel and a specification to posterior draws."""

import json
import resource
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hill_mmm._design import Scales
from hill_mmm._model import curve_sites, hill_mixture, model_data
from hill_mmm._panel import Panel
from hill_mmm._sampler import ChainStats, ProgressCallback, run_nuts
from hill_mmm._spec import LogNormalPrior, ModelSpec, SamplerSettings

CURVE_DIMS = ("channel", "component")
SITE_DIMS: dict[str, tuple[str, ...]] = {
    "alpha": ("channel",),
    "weights": ("component",),
    "amplitude": CURVE_DIMS,
    "half_saturation": CURVE_DIMS,
    "slope": CURVE_DIMS,
    "coefficients": ("column",),
    "sigma": (),
    "log_likelihood": ("week",),
}


@dataclass(frozen=True)
class Fit:
    """Posterior draws of a Hill mixture with everything needed to interpret them.

    Attributes:
        panel: the data fitted to.
        spec: the model.
        sampler: the sampler's settings.
        scales: the frozen scales that the draws are on.
        draws: the model's sites, dims `(chain, draw, ...)`, on scaled units (see `SITE_DIMS`).
        stats: sampler statistics after warm-up.
        cpu_seconds: CPU time spent, compilation included.
        wall_seconds: time elapsed.
        peak_rss_mb: peak memory of the process by the end of the fit.
    """

    panel: Panel
    spec: ModelSpec
    sampler: SamplerSettings
    scales: Scales
    draws: dict[str, NDArray[np.float64]]
    stats: ChainStats
    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: float

    def to_dataset(self) -> xr.Dataset:
        """The whole fit as one dataset that NetCDF can hold; `from_dataset` is its inverse."""
        draws = {
            site: (("chain", "draw", *SITE_DIMS[site]), values)
            for site, values in self.draws.items()
        }
        stats = {
            f"sampler_{name}": (("chain", "draw"), values)
            for name, values in self.stats._asdict().items()
        }
        data = {
            "outcome": ("week", self.panel.outcome),
            "spend": (("week", "channel"), self.panel.spend),
            "controls": (("week", "control"), self.panel.controls),
        }
        return xr.Dataset(
            {**draws, **stats, **data},
            coords={
                "week": self.panel.weeks.astype("datetime64[ns]"),
                "channel": list(self.panel.channels),
                "control": np.array(self.panel.control_names, dtype=str),
            },
            attrs={
                "series": self.panel.series,
                "spec": json.dumps(asdict(self.spec)),
                "sampler": json.dumps(asdict(self.sampler)),
                "scales": json.dumps(self.scales.as_dict()),
                "cpu_seconds": self.cpu_seconds,
                "wall_seconds": self.wall_seconds,
                "peak_rss_mb": self.peak_rss_mb,
            },
        )

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> "Fit":
        """The fit that `to_dataset` made the dataset from."""
        attrs: dict[str, Any] = dataset.attrs
        spec = json.loads(attrs["spec"])
        spec["roi_priors"] = {k: LogNormalPrior(**v) for k, v in spec["roi_priors"].items()}
        panel = Panel(
            series=attrs["series"],
            weeks=dataset["week"].to_numpy().astype("datetime64[D]"),
            outcome=dataset["outcome"].to_numpy(),
            spend=dataset["spend"].to_numpy(),
            controls=dataset["controls"].to_numpy(),
            channels=tuple(map(str, dataset["channel"].to_numpy())),
            control_names=tuple(map(str, dataset["control"].to_numpy())),
        )
        return cls(
            panel=panel,
            spec=ModelSpec(**spec),
            sampler=SamplerSettings(**json.loads(attrs["sampler"])),
            scales=Scales.from_dict(json.loads(attrs["scales"])),
            draws={site: dataset[site].to_numpy() for site in SITE_DIMS},
            stats=ChainStats(
                *(dataset[f"sampler_{name}"].to_numpy() for name in ChainStats._fields)
            ),
            cpu_seconds=float(attrs["cpu_seconds"]),
            wall_seconds=float(attrs["wall_seconds"]),
            peak_rss_mb=float(attrs["peak_rss_mb"]),
        )


def fit(
    panel: Panel,
    spec: ModelSpec | None = None,
    sampler: SamplerSettings | None = None,
    on_progress: ProgressCallback | None = None,
) -> Fit:
    """Fit the Hill mixture to a panel by NUTS.

    Args:
        panel: checked weekly data of one series.
        spec: the model; the default is K = 1 with a ROI prior.
        sampler: chains, lengths and seed.
        on_progress: called between blocks of draws.

    Raises:
        ValueError: if a channel has no spend at all: it cannot have a ROI; or if a ROI prior names
            a channel that is not there.
    """
    spec, sampler = spec or ModelSpec(), sampler or SamplerSettings()
    unknown = sorted(set(spec.roi_priors) - set(panel.channels))
    if unknown:
        raise ValueError(f"roi_priors name {unknown}, which are not among {panel.channels}")
    if panel.silent_channels or not panel.channels:
        silent = list(panel.silent_channels) or "no channels"
        raise ValueError(f"channels without any spend cannot be fitted: {silent}")
    cpu, wall = time.process_time(), time.monotonic()
    scales = Scales.of(panel)
    data = model_data(panel, spec, scales)
    sites, stats = run_nuts(
        lambda: hill_mixture(data, spec), curve_sites(spec), sampler, on_progress
    )
    return Fit(
        panel=panel,
        spec=spec,
        sampler=sampler,
        scales=scales,
        draws={site: sites[site] for site in SITE_DIMS},
        stats=stats,
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.monotonic() - wall,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    )
