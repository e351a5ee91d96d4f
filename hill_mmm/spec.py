"""What to fit and how: the model specification, its priors, lift tests, the sampler's settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

AdstockKind = Literal["geometric", "delayed", "weibull"]
Likelihood = Literal["normal", "student_t"]
AmplitudeKind = Literal["roi", "contribution_share"]
DefaultAmplitude = Literal["roi", "contribution_share", "seed"]
Hyperprior = Literal["lognormal", "halfnormal", "inverse_gamma"]
Trend = Literal["none", "linear", "piecewise"]
Sign = Literal["positive", "negative"]


def _one_of(name: str, value: object, allowed: object) -> None:
    if value not in get_args(allowed):
        raise ValueError(f"{name} must be one of {get_args(allowed)}, found {value!r}")


@dataclass(frozen=True)
class AmplitudePrior:
    """A LogNormal prior on what a channel brings, said in the user's units.

    Attributes:
        kind: `roi`, outcome per unit of spend; or `contribution_share`, the share of the outcome.
        median: of the ROI or of the share.
        sd_log: standard deviation of its logarithm.
    """

    kind: AmplitudeKind
    median: float
    sd_log: float

    def __post_init__(self) -> None:
        _one_of("kind", self.kind, AmplitudeKind)
        if not (self.median > 0 and self.sd_log > 0):
            raise ValueError(f"an amplitude prior needs positive median and sd_log, found {self}")


# exp(0.2): Meridian's default ROI prior, LogNormal(0.2, 0.9).
DEFAULT_ROI_PRIOR = AmplitudePrior("roi", median=1.2214, sd_log=0.9)
DEFAULT_SHARE_PRIOR = AmplitudePrior("contribution_share", median=0.03, sd_log=1.0)


class Structure(NamedTuple):
    """What of a specification shapes the compiled program; data and priors are its arguments."""

    components: int
    adstock: AdstockKind
    likelihood: Likelihood
    hyperprior: Hyperprior
    seed_amplitudes: bool


@dataclass(frozen=True)
class ModelSpec:
    """The Hill mixture to fit.

    Attributes:
        components: number K of Hill curves in the mixture over weeks.
        adstock: `geometric`, `delayed` (a peak after some weeks) or `weibull` (a density's shape).
        likelihood: `normal`, or `student_t` where single weeks are wild.
        amplitude_prior: of paid channels without one of their own: `DEFAULT_ROI_PRIOR`,
            `DEFAULT_SHARE_PRIOR`, or `seed` for the seed document's in every channel,
            `mu_log_A ~ Normal(A_loc, 0.5)` with `A_loc = log(0.3 * range(outcome))`. Organic media
            have no spend, and `DEFAULT_SHARE_PRIOR` unless they are named here or it is `seed`.
        channel_priors: priors by channel, paid or organic, where they differ from the default.
        hyperprior: family of the scales between components, as the seed compares them (section 3).
        trend: `none`, `linear`, or `piecewise`: linear between evenly spaced half-years.
        fourier_order: harmonics of yearly seasonality; 0 for none.
        holidays: ISO code of the country whose public holidays get a coefficient each, or None.
        events: ISO dates by event; each event gets a coefficient.
        control_signs: controls whose coefficient may not have the other sign; it is shared by all
            series.
    """

    components: int = 1
    adstock: AdstockKind = "geometric"
    likelihood: Likelihood = "normal"
    amplitude_prior: DefaultAmplitude = "roi"
    channel_priors: Mapping[str, AmplitudePrior] = field(default_factory=dict)
    hyperprior: Hyperprior = "lognormal"
    trend: Trend = "linear"
    fourier_order: int = 2
    holidays: str | None = None
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    control_signs: Mapping[str, Sign] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _one_of("adstock", self.adstock, AdstockKind)
        _one_of("likelihood", self.likelihood, Likelihood)
        _one_of("amplitude_prior", self.amplitude_prior, DefaultAmplitude)
        _one_of("hyperprior", self.hyperprior, Hyperprior)
        _one_of("trend", self.trend, Trend)
        for control, sign in self.control_signs.items():
            _one_of(f"the sign of {control}", sign, Sign)
        if self.components < 1:
            raise ValueError(f"components must be at least 1, found {self.components}")
        if self.fourier_order < 0:
            raise ValueError(f"fourier_order must not be negative, found {self.fourier_order}")

    @property
    def structure(self) -> Structure:
        """The part that shapes the compiled program."""
        return Structure(
            self.components,
            self.adstock,
            self.likelihood,
            self.hyperprior,
            self.amplitude_prior == "seed",
        )

    def channel_prior(self, channel: str, *, is_paid: bool) -> AmplitudePrior:
        """The amplitude prior of a channel; not defined under the seed's amplitudes.

        Raises:
            ValueError: for a ROI prior of an organic channel, which has no spend.
        """
        paid_default = {"roi": DEFAULT_ROI_PRIOR}.get(self.amplitude_prior, DEFAULT_SHARE_PRIOR)
        default = paid_default if is_paid else DEFAULT_SHARE_PRIOR
        prior = self.channel_priors.get(channel, default)
        if prior.kind == "roi" and not is_paid:
            raise ValueError(f"{channel} is organic: give it a contribution_share prior, not a ROI")
        return prior

    def as_dict(self) -> dict[str, Any]:
        """The specification as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """The specification back from `as_dict`, through JSON or not."""
        fields = dict(values)
        fields["channel_priors"] = {
            name: AmplitudePrior(**prior) for name, prior in values["channel_priors"].items()
        }
        fields["events"] = {name: tuple(dates) for name, dates in values["events"].items()}
        return cls(**fields)


@dataclass(frozen=True)
class LiftTest:
    """An experiment's result: what a channel's spend brought in some weeks.

    Attributes:
        channel: the paid channel tested.
        start: ISO date of the first week's first day.
        end: ISO date of the last week's first day; that week is included.
        lift: total incremental outcome in these weeks, in the unit of the outcome.
        standard_error: of `lift`.
        series: the series tested, or None for all together.
    """

    channel: str
    start: str
    end: str
    lift: float
    standard_error: float
    series: str | None = None

    def __post_init__(self) -> None:
        if np.datetime64(self.start) > np.datetime64(self.end):
            raise ValueError(f"a lift test of {self.channel} starts {self.start}, after its end")
        if not (np.isfinite(self.lift) and self.standard_error > 0):
            raise ValueError(f"a lift test needs a finite lift and a positive error, found {self}")


# The posterior of a single curve with a prior on its effect is nearly Gaussian. Where components
# have amplitudes of their own, as in a mixture and under the seed's prior, it has narrow places in
# which larger steps diverge. A panel's many coordinates make steps small: 0.8 halves its
# trajectories, without a divergence.
PLAIN_TARGET_ACCEPT = 0.95
PANEL_TARGET_ACCEPT = 0.8
COMPONENT_TARGET_ACCEPT = 0.98


@dataclass(frozen=True)
class SamplerSettings:
    """How NUTS runs.

    Attributes:
        chains: number of chains, run side by side.
        warmup: iterations of each chain before its draws.
        draws: kept of each chain.
        target_accept: mean acceptance that the step size is tuned to; None for 0.95 with a single
            curve, 0.8 with a single curve over many series, and 0.98 with a mixture or the seed's
            amplitudes.
        max_tree_depth: of a trajectory, `2 ** depth - 1` leapfrog steps.
        seed: equal seeds, data and settings give equal draws.
    """

    chains: int = 4
    warmup: int = 500
    draws: int = 1000
    target_accept: float | None = None
    max_tree_depth: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("chains", "warmup", "draws", "max_tree_depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.target_accept is not None and not 0 < self.target_accept < 1:
            raise ValueError(f"target_accept must lie in (0, 1), found {self.target_accept}")

    def acceptance(self, spec: ModelSpec, series: int) -> float:
        """The target acceptance for a model of so many series."""
        if self.target_accept is not None:
            return self.target_accept
        if spec.components > 1 or spec.amplitude_prior == "seed":
            return COMPONENT_TARGET_ACCEPT
        return PLAIN_TARGET_ACCEPT if series == 1 else PANEL_TARGET_ACCEPT
