"""What a fit is of: the model of the settings, its version, and the version of the code."""

import hashlib
import json
from collections.abc import Collection
from importlib.metadata import version

from dagster_mmm.settings import Settings, narrowed
from hill_mmm import ModelSpec, Panel
from hill_mmm.spec import ModelOptions

# Of the specification, what no number of a fit depends on.
FOR_CHECKS = ("control_roles", "follows_demand")


def model_spec(settings: Settings, media: Collection[str], components: int) -> ModelSpec:
    """The model that the settings ask for.

    Args:
        settings: the model's settings.
        media: the paid channels and organic media that the panel has.
        components: number of Hill curves; if the settings say auto, or a larger one has not
            converged, it is not in the settings.
    """
    return ModelSpec(
        **vars(narrowed(settings.model, ModelOptions)),
        components=components,
        outcome_kind=settings.outcome.kind,
        value_per_unit=settings.outcome.unit_value,
        channel_priors={
            medium.name: prior
            for medium in (*settings.channels, *settings.organic)
            if medium.name in media and (prior := medium.amplitude_prior) is not None
        },
        channel_curve_priors={
            medium.name: medium.curve_prior
            for medium in (*settings.channels, *settings.organic)
            if medium.name in media and medium.curve_prior is not None
        },
        moving_effects=tuple(
            medium.name
            for medium in (*settings.channels, *settings.organic)
            if medium.moving_effect and medium.name in media
        ),
        events=settings.events,
        control_signs={c.name: c.sign for c in settings.controls if c.sign is not None},
        control_references={
            c.name: c.reference for c in settings.controls if c.reference is not None
        },
        control_roles={c.name: c.role for c in settings.controls if c.role is not None},
        follows_demand={
            medium.name: medium.follows_demand
            for medium in (*settings.channels, *settings.organic)
            if medium.name in media and medium.follows_demand is not None
        },
    )


def model_version(settings: Settings, panel: Panel) -> str:
    """Names what fixes the meaning of a fit's numbers; the fits of one version share their scales.

    The series, media and controls make a version, and so do their priors and signs, events, the
    outcome and its currency, and the settings' `model` but for `components`: the ladder may change
    those. What a control stands for and which media follow demand does not, for checks alone go by
    it. Further weeks and lift tests do not, unless a series begins to use a medium, of which it
    had no scale; raising `model.version` does, deliberately.
    """
    spec = model_spec(settings, panel.media_names, components=1)
    parts = {
        "version": settings.model.version,
        "model": {key: value for key, value in spec.as_dict().items() if key not in FOR_CHECKS},
        "currency": settings.currency,
        "outcome": settings.outcome.name,
        "series": panel.series,
        "channels": panel.channels,
        "organic": panel.organic_names,
        "controls": panel.control_names,
        "uses": (panel.media > 0).any(axis=0).tolist(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def code_version() -> str:
    """The version of this project that fits."""
    return version("hill-mixture-mmm")
