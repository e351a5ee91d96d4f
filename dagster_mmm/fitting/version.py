"""What the settings ask of `hill_mmm`: the model, its experiments, the sampler, the gate."""

import hashlib
import json
import math
from collections.abc import Collection
from importlib.metadata import version

from dagster_mmm.settings import Settings
from hill_mmm import (
    AmplitudePrior,
    ChannelLimit,
    GateThresholds,
    LiftTest,
    ModelSpec,
    Panel,
    PlanRequest,
    SamplerSettings,
    Utility,
)


def model_spec(settings: Settings, media: Collection[str], components: int) -> ModelSpec:
    """The model that the settings ask for.

    Args:
        settings: the model's settings.
        media: the paid channels and organic media that the panel has.
        components: number of Hill curves; where the settings say auto, or a larger one has not
            converged, it is not in the settings.
    """
    model = settings.model.model_dump(exclude={"version", "components"})
    return ModelSpec(
        components=components,
        channel_priors={
            medium.name: AmplitudePrior(prior.kind, prior.median, prior.sd_log)
            for medium in (*settings.channels, *settings.organic)
            if medium.name in media and (prior := medium.amplitude_prior) is not None
        },
        events={
            name: tuple(day.isoformat() for day in days) for name, days in settings.events.items()
        },
        control_signs={c.name: c.sign for c in settings.controls if c.sign is not None},
        **model,
    )


def model_version(settings: Settings, panel: Panel) -> str:
    """Names what fixes the meaning of a fit's numbers; the fits of one version share their scales.

    The series, media and controls make a version, and so do their priors and signs, events, the
    outcome and its currency, and the settings' `model` but for `components`: the ladder may change
    those. Further weeks and lift tests do not, unless a series begins to use a medium, of which it
    had no scale; raising `model.version` does, deliberately.
    """
    parts = {
        "version": settings.model.version,
        "model": model_spec(settings, panel.media_names, components=1).as_dict(),
        "currency": settings.currency,
        "outcome": settings.outcome.name,
        "series": panel.series,
        "channels": panel.channels,
        "organic": panel.organic_names,
        "controls": panel.control_names,
        "uses": (panel.media > 0).any(axis=0).tolist(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def lift_tests(settings: Settings) -> tuple[LiftTest, ...]:
    """The experiments that the settings list."""
    return tuple(
        LiftTest(
            channel=test.channel,
            start=test.start.isoformat(),
            end=test.end.isoformat(),
            lift=test.lift,
            standard_error=test.standard_error,
            series=test.series,
        )
        for test in settings.lift_tests
    )


def plan_requests(settings: Settings) -> dict[str, PlanRequest]:
    """The plans that the settings ask for, by name."""
    return {
        plan.name: PlanRequest(
            utility=Utility(**plan.utility.model_dump()),
            limits=tuple(
                ChannelLimit(
                    channel=limit.channel,
                    series=limit.series,
                    min_weekly=limit.min_weekly,
                    max_weekly=math.inf if limit.max_weekly is None else limit.max_weekly,
                    step=limit.step or 0.0,
                    minimum_flight=limit.minimum_flight or 0.0,
                    is_locked=limit.locked,
                )
                for limit in plan.limits
            ),
            **plan.model_dump(exclude={"name", "utility", "limits", "experiment_error"}),
        )
        for plan in settings.plans
    }


def sampler_settings(settings: Settings) -> SamplerSettings:
    """How the settings ask to sample."""
    return SamplerSettings(**settings.sampler.model_dump(exclude={"max_minutes"}))


def gate_thresholds(settings: Settings) -> GateThresholds:
    """When the settings let a fit be published."""
    return GateThresholds(**settings.gate.model_dump(exclude={"max_history_shift_sd"}))


def code_version() -> str:
    """The version of this project that fits."""
    return version("hill-mixture-mmm")
