"""Fitting: from a panel and a specification to posterior draws."""

import resource
import time
from collections.abc import Sequence

from hill_mmm._data import model_data
from hill_mmm._design import Scales
from hill_mmm._model import dense_sites, hill_mixture
from hill_mmm._panel import Panel
from hill_mmm._posterior import ALL_SITE_DIMS, Posterior
from hill_mmm._sampler import ProgressCallback, run_nuts
from hill_mmm._spec import LiftTest, ModelSpec, SamplerSettings


class Fit(Posterior):
    """A posterior, with what a notebook asks of it."""


def fit(
    panel: Panel,
    spec: ModelSpec | None = None,
    sampler: SamplerSettings | None = None,
    *,
    lift_tests: Sequence[LiftTest] = (),
    scales: Scales | None = None,
    on_progress: ProgressCallback | None = None,
) -> Fit:
    """Fit the Hill mixture to a panel by NUTS.

    Args:
        panel: checked weekly data of one series or many.
        spec: the model; the default is K = 1 with a ROI prior.
        sampler: chains, lengths and seed.
        lift_tests: experiments within the panel's weeks, which enter the likelihood.
        scales: of an earlier fit (`Fit.scales`), to refit the same model version to later weeks;
            without them the panel makes its own.
        on_progress: called between blocks of draws.

    Raises:
        ValueError: if a channel has no spend at all: it cannot have a ROI; if a prior names a
            channel that is not there; or if the scales, a sign or a lift test do not fit the panel.
        SamplerError: if the density is not finite anywhere near the centre of the priors.
    """
    return _run(panel, spec, sampler, lift_tests, scales, on_progress, prior_only=False)


def sample_prior(
    panel: Panel, spec: ModelSpec | None = None, sampler: SamplerSettings | None = None
) -> Fit:
    """Draws from the prior of the model that `fit` would fit: the outcome is not looked at.

    Only its mean and spread are, from which the seed takes the scales of its priors. The arguments
    are those of `fit`.
    """
    return _run(panel, spec, sampler, (), None, None, prior_only=True)


def _run(
    panel: Panel,
    spec: ModelSpec | None,
    sampler: SamplerSettings | None,
    lift_tests: Sequence[LiftTest],
    scales: Scales | None,
    on_progress: ProgressCallback | None,
    *,
    prior_only: bool,
) -> Fit:
    spec, sampler = spec or ModelSpec(), sampler or SamplerSettings()
    _require_fittable(panel, spec)
    cpu, wall = time.process_time(), time.monotonic()
    scales = scales or Scales.of(panel, spec)
    data = model_data(panel, spec, scales, lift_tests, prior_only=prior_only)
    sites, stats = run_nuts(
        hill_mixture,
        data,
        spec.structure,
        dense_sites(spec.structure, len(panel.series)),
        sampler,
        on_progress,
    )
    return Fit(
        panel=panel,
        spec=spec,
        sampler=sampler,
        lift_tests=tuple(lift_tests),
        scales=scales,
        draws={site: sites[site] for site in ALL_SITE_DIMS if site in sites},
        stats=stats,
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.monotonic() - wall,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    )


def _require_fittable(panel: Panel, spec: ModelSpec) -> None:
    unknown = sorted(set(spec.channel_priors) - set(panel.media_names))
    if unknown:
        raise ValueError(f"channel_priors name {unknown}, not among {panel.media_names}")
    if panel.silent_channels or not panel.channels:
        silent = list(panel.silent_channels) or "no channels"
        raise ValueError(f"channels without any spend cannot be fitted: {silent}")
