"""What the settings ask of the model, word for word; and what makes a model version."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dagster_mmm.fitting.version import model_spec, model_version
from dagster_mmm.settings import Settings, narrowed
from hill_mmm import (
    ContributionSharePrior,
    GateThresholds,
    ModelSpec,
    Panel,
    RoiPrior,
    SamplerSettings,
    simulate_geo_market,
)
from hill_mmm.spec import ComponentPrior, CurvePrior

SMALLEST: dict[str, Any] = {
    "model_key": "demo",
    "currency": "EUR",
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}, {"name": "radio"}],
}


def settings(**sections: Any) -> Settings:
    return Settings.read(SMALLEST | sections)


def test_the_model_is_as_asked_for() -> None:
    asked = settings(
        channels=[
            {"name": "tv", "roi_prior": {"median": 2, "sd_log": 0.5}},
            {
                "name": "radio",
                "contribution_share_prior": {"median": 0.1, "sd_log": 1},
                "curve_prior": {"alpha_mean": 0.7},
                "moving_effect": True,
                "follows_demand": True,
            },
        ],
        organic=[
            {"name": "newsletter", "contribution_share_prior": {"median": 0.02, "sd_log": 1}},
            {
                "name": "posts",
                "contribution_share_prior": {"median": 0.01, "sd_log": 1},
                "moving_effect": True,
                "follows_demand": True,
            },
        ],
        controls=[
            {"name": "price", "sign": "negative", "reference": 9.99, "role": "price"},
            {"name": "weather", "continues": "seasonal"},
        ],
        events={"launch": ["2026-01-31", "2026-02-01"]},
        model={
            "version": "2025-08",
            "components": "auto",
            "adstock": "weibull",
            "likelihood": "student_t",
            "amplitude_prior": "contribution_share",
            "hyperprior": "halfnormal",
            "component_prior": {"mu_log_n_sd": 0.2},
            "curve_prior": {"slope_median": 0.9},
            "trend": "piecewise",
            "fourier_order": 0,
            "holidays": "DE",
        },
    )

    # Posts had no exposure, and so are not in the panel.
    assert model_spec(asked, ["tv", "radio", "newsletter"], components=3) == ModelSpec(
        components=3,
        adstock="weibull",
        likelihood="student_t",
        amplitude_prior="contribution_share",
        channel_priors={
            "tv": RoiPrior(2, 0.5),
            "radio": ContributionSharePrior(0.1, 1),
            "newsletter": ContributionSharePrior(0.02, 1),
        },
        channel_curve_priors={"radio": CurvePrior(alpha_mean=0.7)},
        moving_effects=("radio",),
        hyperprior="halfnormal",
        component_prior=ComponentPrior(mu_log_n_sd=0.2),
        curve_prior=CurvePrior(slope_median=0.9),
        trend="piecewise",
        fourier_order=0,
        holidays="DE",
        events={"launch": ("2026-01-31", "2026-02-01")},
        control_signs={"price": "negative"},
        control_references={"price": 9.99},
        control_roles={"price": "price"},
        follows_demand={"radio": True},
    )


def test_settings_that_ask_for_nothing_get_the_default_model() -> None:
    assert model_spec(settings(), ["tv", "radio"], components=1) == ModelSpec()
    assert narrowed(settings().sampler, SamplerSettings) == SamplerSettings()
    assert settings().gate == GateThresholds()


PANEL, _ = simulate_geo_market(seed=0, series=2, weeks=60)
ASKED: dict[str, Any] = {"channels": [{"name": name} for name in PANEL.channels]}
WEEKS = {"start": "2026-01-05", "end": "2026-02-02"}


@pytest.mark.parametrize(
    "sections",
    [
        {"lift_tests": [{"channel": "tv", "lift": 1e3, "standard_error": 2e2, **WEEKS}]},
        {"model": {"components": "auto"}},
        {"sampler": {"draws": 500}, "gate": {"min_ess": 100}, "evaluation": {"holdout_weeks": 4}},
        {"input": {"table": "raw.other"}, "schedule": {"cron": "0 7 * * 1"}},
        {"channels": [{"name": name, "follows_demand": True} for name in PANEL.channels]},
    ],
    ids=["lift test", "components", "sampler and judgement", "input", "what follows demand"],
)
def test_what_leaves_the_meaning_of_a_fit_is_the_same_model_version(
    sections: dict[str, Any],
) -> None:
    version = model_version(settings(**ASKED), PANEL)
    assert model_version(settings(**ASKED | sections), PANEL) == version
    assert model_version(settings(**ASKED | sections), PANEL.head(55)) == version


def without_last_channel(panel: Panel) -> Panel:
    return replace(panel, channels=panel.channels[:-1], spend=panel.spend[:, :, :-1])


def with_newsletter(panel: Panel) -> Panel:
    organic = np.ones((*panel.outcome.shape, 1))
    return replace(panel, organic_names=("newsletter",), organic=organic)


def without_spend_in_one_series(panel: Panel) -> Panel:
    spend = panel.spend.copy()
    spend[:, 0, 0] = 0
    return replace(panel, spend=spend)


CHANGES: dict[str, tuple[dict[str, Any], Panel]] = {
    "version": ({"model": {"version": "2"}}, PANEL),
    "adstock": ({"model": {"adstock": "weibull"}}, PANEL),
    "holidays": ({"model": {"holidays": "DE"}}, PANEL),
    "events": ({"events": {"launch": ["2021-06-14"]}}, PANEL),
    "another date of an event": ({"events": {"launch": ["2021-06-15"]}}, PANEL),
    "sign": ({"controls": [{"name": "price", "sign": "negative"}]}, PANEL),
    "prior": (
        {"channels": [{"name": "tv", "roi_prior": {"median": 2, "sd_log": 0.5}}]},
        PANEL,
    ),
    "currency": ({"currency": "USD"}, PANEL),
    "outcome": ({"outcome": {"name": "orders"}}, PANEL),
    "series": ({}, PANEL.only(PANEL.series[:1])),
    "channel": ({}, without_last_channel(PANEL)),
    "organic medium": ({}, with_newsletter(PANEL)),
    "use of a channel in a series": ({}, without_spend_in_one_series(PANEL)),
}


def test_what_changes_the_meaning_of_a_fit_is_another_model_version() -> None:
    versions = {
        change: model_version(settings(**ASKED | sections), panel)
        for change, (sections, panel) in CHANGES.items()
    }
    versions["none"] = model_version(settings(**ASKED), PANEL)
    assert len(set(versions.values())) == len(versions), versions
