"""What to fit and how: the model specification, its priors, and the sampler's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

AmplitudePrior = Literal["roi", "seed"]


@dataclass(frozen=True)
class LogNormalPrior:
    """A LogNormal prior said as its median and the standard deviation of its logarithm."""

    median: float
    sd_log: float

    def __post_init__(self) -> None:
        if not (self.median > 0 and self.sd_log > 0):
            raise ValueError(f"a LogNormal prior needs positive median and sd_log, found {self}")


# exp(0.2): Meridian's default ROI prior, LogNormal(0.2, 0.9).
DEFAULT_ROI_PRIOR = LogNormalPrior(median=1.2214, sd_log=0.9)


@dataclass(frozen=True)
class ModelSpec:
    """The Hill mixture to fit.

    Attributes:
        components: number K of Hill curves in the mixture over weeks.
        amplitude_prior: `roi` puts a LogNormal prior on each channel's ROI; `seed` is the seed
            document's, `mu_log_A ~ Normal(A_loc, 0.5)` with `A_loc = log(0.3 * range(outcome))`.
        roi_priors: priors by channel where they differ from `DEFAULT_ROI_PRIOR`.
        trend: whether the baseline has a linear trend.
        fourier_order: harmonics of yearly seasonality; 0 for none.
    """

    components: int = 1
    amplitude_prior: AmplitudePrior = "roi"
    roi_priors: Mapping[str, LogNormalPrior] = field(default_factory=dict)
    trend: bool = True
    fourier_order: int = 2

    def __post_init__(self) -> None:
        if self.amplitude_prior not in get_args(AmplitudePrior):
            raise ValueError(
                f"amplitude_prior must be one of {get_args(AmplitudePrior)}, "
                f"found {self.amplitude_prior!r}"
            )
        if self.components < 1:
            raise ValueError(f"components must be at least 1, found {self.components}")
        if self.fourier_order < 0:
            raise ValueError(f"fourier_order must not be negative, found {self.fourier_order}")

    def roi_prior(self, channel: str) -> LogNormalPrior:
        """The ROI prior of a channel."""
        return self.roi_priors.get(channel, DEFAULT_ROI_PRIOR)


@dataclass(frozen=True)
class SamplerSettings:
    """How NUTS runs: `chains` chains of `warmup` + `draws`, from `seed`."""

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target_accept: float = 0.9
    max_tree_depth: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("chains", "warmup", "draws", "max_tree_depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if not 0 < self.target_accept < 1:
            raise ValueError(f"target_accept must lie in (0, 1), found {self.target_accept}")
