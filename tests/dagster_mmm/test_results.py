"""What a run is asked to fit, and its rows, from a run that was really fitted."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import hill_mmm
from dagster_mmm.artefacts import FittedRun, load_run, save_run
from dagster_mmm.results import lift_tests, model_spec, result_frames
from dagster_mmm.settings import Settings, fields
from dagster_mmm.warehouse import tables
from hill_mmm import AmplitudePrior, LiftTest, ModelSpec
from tests.conftest import Project

SMALLEST: dict[str, Any] = {
    "model_key": "demo",
    "currency": "EUR",
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}, {"name": "radio"}],
}


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(SMALLEST | sections)


def test_the_model_is_as_asked_for() -> None:
    asked = settings(
        channels=[
            {"name": "tv", "roi_prior": {"median": 2, "sd_log": 0.5}},
            {"name": "radio", "contribution_share_prior": {"median": 0.1, "sd_log": 1}},
        ],
        organic=[
            {"name": "newsletter", "contribution_share_prior": {"median": 0.02, "sd_log": 1}},
            {"name": "posts", "contribution_share_prior": {"median": 0.01, "sd_log": 1}},
        ],
        controls=[{"name": "price", "sign": "negative"}, {"name": "weather"}],
        events={"launch": ["2026-01-31", "2026-02-01"]},
        model={
            "version": "2025-08",
            "components": "auto",
            "adstock": "weibull",
            "likelihood": "student_t",
            "amplitude_prior": "contribution_share",
            "hyperprior": "halfnormal",
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
            "tv": AmplitudePrior("roi", 2, 0.5),
            "radio": AmplitudePrior("contribution_share", 0.1, 1),
            "newsletter": AmplitudePrior("contribution_share", 0.02, 1),
        },
        hyperprior="halfnormal",
        trend="piecewise",
        fourier_order=0,
        holidays="DE",
        events={"launch": ("2026-01-31", "2026-02-01")},
        control_signs={"price": "negative"},
    )


def test_settings_that_ask_for_nothing_get_the_default_model() -> None:
    assert model_spec(settings(), ["tv", "radio"], components=1) == ModelSpec()


CHOICES = {
    "adstock": fields.Adstock,
    "likelihood": fields.Likelihood,
    "amplitude_prior": fields.DefaultAmplitude,
    "hyperprior": fields.Hyperprior,
    "trend": fields.Trend,
}


@pytest.mark.parametrize(
    ("key", "choice"), [(key, choice) for key, of in CHOICES.items() for choice in get_args(of)]
)
def test_every_choice_is_one_of_the_model(key: str, choice: str) -> None:
    spec = model_spec(settings(model={key: choice}), ["tv", "radio"], components=1)

    assert getattr(spec, key) == choice


def test_lift_tests_are_handed_on() -> None:
    weeks = {"start": "2026-01-05", "end": "2026-02-02"}
    asked = settings(lift_tests=[{"channel": "tv", "lift": 1e3, "standard_error": 2e2, **weeks}])

    assert lift_tests(asked) == (
        LiftTest("tv", "2026-01-05", "2026-02-02", lift=1e3, standard_error=2e2),
    )


@pytest.fixture(scope="module")
def run(published: tuple[Project, str]) -> FittedRun:
    project, run_id = published
    return load_run(project.folder / "artefacts" / "demo" / "runs" / run_id)


def with_holdout(run: FittedRun, alpha: np.ndarray | None = None) -> FittedRun:
    """The run with a fit on its first weeks, which has the run's own draws or another alpha."""
    draws = run.fit.draws | {"log_likelihood": run.fit.draws["log_likelihood"][:, :, :143]}
    if alpha is not None:
        draws["alpha"] = alpha
    return replace(run, holdout=replace(run.fit, panel=run.fit.panel.head(143), draws=draws))


def holdout_check(frames: dict[object, pd.DataFrame]) -> "pd.Series[object]":
    checks = frames[tables.DIAGNOSTIC].set_index("check_name")
    return checks.loc["holdout_coverage"]


def test_a_run_comes_back_from_its_files_to_the_bit(run: FittedRun, tmp_path: Path) -> None:
    save_run(with_holdout(run), tmp_path)
    again = load_run(tmp_path)
    assert again.settings == run.settings
    for table, frame in result_frames(with_holdout(run)).items():
        pd.testing.assert_frame_equal(result_frames(again)[table], frame)


def test_a_converged_holdout_is_shown_and_judged(run: FittedRun) -> None:
    frames = result_frames(with_holdout(run))
    sets = frames[tables.MODEL_FIT]["evaluation_set"].value_counts()
    assert dict(sets) == {"train": 156, "holdout": 13}
    assert holdout_check(frames)["status"] == "pass"


def test_a_holdout_that_has_not_converged_is_left_out_with_a_warning(run: FittedRun) -> None:
    alpha = run.fit.draws["alpha"].copy()
    alpha[0] = 0.9
    frames = result_frames(with_holdout(run, alpha))
    assert set(frames[tables.MODEL_FIT]["evaluation_set"]) == {"train"}
    assert set(frames[tables.ACCURACY]["evaluation_set"]) == {"train"}
    check = holdout_check(frames)
    assert (check["status"], check["is_blocking"]) == ("warn", False)
    assert "has not converged (max_r_hat" in str(check["description"])


def test_a_holdout_that_could_not_be_fitted_is_a_row(run: FittedRun) -> None:
    frames = result_frames(replace(run, no_holdout="radio had no spend before it"))
    assert "radio had no spend before it" in str(holdout_check(frames)["description"])


def test_a_fit_that_dies_is_rejected_with_its_reason(
    published: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, live = published

    def out_of_memory(*_: object) -> None:
        raise MemoryError("no room for the draws")

    monkeypatch.setattr(hill_mmm, "fit", out_of_memory)
    dead = project.run(selection=["fit"])
    assert not dead.success
    row = project.query(f"select * from mmm.run_history where run_id = '{dead.run_id}'").iloc[0]
    assert row["status"] == "rejected"
    assert row["gate_reason"] == "the fit stopped with MemoryError: no room for the draws"
    assert project.query("select run_id from mmm.run_latest")["run_id"].item() == live
