"""Fitting: from a panel and a specification to posterior draws."""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.figure import Figure

from hill_mmm._checks.parameter_summary import parameter_summary
from hill_mmm._model.data import model_data
from hill_mmm._model.density import dense_sites, hill_mixture
from hill_mmm._model.scales import Scales
from hill_mmm._posterior import ALL_SITE_DIMS, Posterior
from hill_mmm._results.decompose import overall_name, with_total
from hill_mmm._results.estimands import (
    Estimates,
    channel_summary,
    contribution,
    estimates,
    model_fit,
    period_returns,
    response_curve,
)
from hill_mmm._results.forecast import forecast
from hill_mmm._results.rescore import Scored, score
from hill_mmm._sampling.nuts import run_nuts
from hill_mmm._sampling.progress import ProgressCallback
from hill_mmm.panel import Panel
from hill_mmm.plots import (
    plot_contributions,
    plot_fit,
    plot_moving_effects,
    plot_response_curves,
    plot_roi,
)
from hill_mmm.spec import Continuation, LiftTest, ModelSpec, SamplerSettings


class Fit(Posterior):
    """A posterior, with what a notebook asks of it.

    Where the panel has several series, summaries and pictures show their sum unless a series is
    named.
    """

    def estimates(self, ci_level: float = 0.9) -> Estimates:
        """Every published table."""
        return estimates(self, ci_level)

    def summary(self, series: str | None = None, ci_level: float = 0.9) -> pd.DataFrame:
        """Spend, contribution, ROI and marginal ROI by medium and period.

        Of the weeks between any two days, see `hill_mmm.results.summary_between`.
        """
        parts = zip(with_total(self), period_returns(self, self.panel), strict=True)
        frames = [channel_summary(self, part, returns, ci_level) for part, returns in parts]
        return self._rows_of(pd.concat(frames, ignore_index=True), series)

    def contributions(self, series: str | None = None, ci_level: float = 0.9) -> pd.DataFrame:
        """Every part of every week's expected outcome."""
        frames = [contribution(part, ci_level) for part in with_total(self)]
        return self._rows_of(pd.concat(frames, ignore_index=True), series)

    def response_curves(self, series: str | None = None, ci_level: float = 0.9) -> pd.DataFrame:
        """Weekly outcome and mROI by channel against weekly spend."""
        return self._rows_of(response_curve(self, ci_level), series)

    def diagnostics(self) -> pd.DataFrame:
        """R-hat and effective sample sizes of every quantity."""
        return parameter_summary(self)

    def predict(
        self,
        future: pd.DataFrame | None = None,
        *,
        series_column: str | None = None,
        series: str | None = None,
        ci_level: float = 0.9,
    ) -> pd.DataFrame:
        """Expected outcome of the weeks to come, or of those fitted to, with predictive intervals.

        Args:
            future: rows of the weeks that follow the panel's last (see `Panel.followed_by`);
                without them, the weeks fitted to.
            series_column: column of `future` that names the series.
            series: the series to give; by default the only one, or the sum.
            ci_level: of the intervals.

        Raises:
            PanelError: if the future weeks do not follow the panel.
        """
        panel = self.panel
        if future is not None:
            panel = panel.followed_by(future, series=series_column)
        frames = [model_fit(part, ci_level) for part in with_total(self, panel)]
        rows = self._rows_of(pd.concat(frames, ignore_index=True), series)
        return rows if future is None else rows[rows["actual"].isna()].reset_index(drop=True)

    def forecast(
        self,
        weeks: int = 13,
        *,
        panel: Panel | None = None,
        series: str | None = None,
        continues: Mapping[str, Continuation] | None = None,
    ) -> pd.DataFrame:
        """The outcome of the weeks to come, with media as a year ago; what else is assumed it says.

        Of plans of your own, `predict` says what they bring.

        Args:
            weeks: number of weeks to come.
            panel: the weeks known by now, where there are more than those fitted to.
            series: the series to give; by default the only one, or the sum.
            continues: how controls go on, by name: `last_value`, `seasonal`, `trend` or `absent`.

        Returns:
            A row a week, see `hill_mmm.results.forecast`.

        Raises:
            ValueError: if no weeks are asked for, or the panel does not go with the fit.
        """
        return self._rows_of(forecast(self, weeks, panel, continues=continues), series)

    def score(self, panel: Panel, ci_level: float = 0.9) -> Scored:
        """What the fit says of a panel that goes on after it, without sampling.

        Args:
            panel: all weeks from the fit's first on, with an outcome in each.
            ci_level: of the intervals.

        Raises:
            ValueError: if no week follows those fitted to, or the panel does not go with the fit.
        """
        return score(self, panel, ci_level)

    def plot_fit(self, series: str | None = None) -> Figure:
        """Actual over expected outcome."""
        return plot_fit(self.predict(series=series))

    def plot_contributions(self, series: str | None = None) -> Figure:
        """Media contributions by week, stacked."""
        return plot_contributions(self.contributions(series))

    def plot_roi(self, series: str | None = None) -> Figure:
        """ROI of each paid channel over all weeks."""
        summary = self.summary(series)
        return plot_roi(summary[summary["period"] == "all"])

    def plot_response_curves(self, series: str | None = None) -> Figure:
        """The response curve of each paid channel."""
        return plot_response_curves(self.response_curves(series))

    def plot_moving_effects(self) -> Figure:
        """How the effects that move have moved."""
        return plot_moving_effects(self.diagnostics())

    def _rows_of(self, frame: pd.DataFrame, series: str | None) -> pd.DataFrame:
        overall = overall_name(self.panel)
        wanted = series or overall
        if wanted not in (*self.panel.series, overall):
            raise ValueError(f"there is no series {wanted!r}; there are {self.panel.series}")
        return frame[frame["series_key"] == wanted].reset_index(drop=True)


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
        ValueError: if a channel has no spend at all: it cannot have a ROI; if a prior or
            `moving_effects` names a channel that is not there; or if the scales, a sign or a lift
            test do not fit the panel.
        SamplerError: if the density is not finite anywhere near the centre of the priors.
    """
    return _sample(panel, spec, sampler, lift_tests, scales, on_progress, prior_only=False)


def sample_prior(
    panel: Panel, spec: ModelSpec | None = None, sampler: SamplerSettings | None = None
) -> Fit:
    """Draws from the prior of the model that `fit` would fit: the outcome is not looked at.

    Only its mean and spread are, from which the priors take their scales (docs/seed.md, section
    6.2). The arguments are those of `fit`.
    """
    return _sample(panel, spec, sampler, (), None, None, prior_only=True)


def _sample(
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
    sampler = replace(sampler, target_accept=sampler.acceptance(spec, len(panel.series)))
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
        prior_only=prior_only,
    )


def _require_fittable(panel: Panel, spec: ModelSpec) -> None:
    if (panel.value is not None) != (spec.value_per_unit == "by_week"):
        raise ValueError(
            "value_per_unit 'by_week' goes with a panel that has the value of each week, and no "
            f"other does: value_per_unit is {spec.value_per_unit!r}, and the panel has "
            + ("none" if panel.value is None else "values")
        )
    by_medium = ("channel_priors", "channel_curve_priors", "follows_demand", "moving_effects")
    for key in by_medium:
        unknown = sorted(set(getattr(spec, key)) - set(panel.media_names))
        if unknown:
            raise ValueError(f"{key} name {unknown}, not among {panel.media_names}")
    if panel.silent_channels or not panel.channels:
        silent = list(panel.silent_channels) or "no channels"
        raise ValueError(f"channels without any spend cannot be fitted: {silent}")
