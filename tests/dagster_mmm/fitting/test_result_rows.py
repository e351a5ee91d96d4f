"""A run's rows, from a run that was really fitted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.fitting.artefacts import FittedRun, load_run, load_scales, save_run
from dagster_mmm.fitting.result_rows import forecast_rows, overall, result_frames, returns
from dagster_mmm.warehouse import tables
from tests.conftest import Project


@pytest.fixture(scope="module")
def run(published: tuple[Project, str]) -> FittedRun:
    project, run_id = published
    return load_run(project.folder / "artefacts" / "demo" / "runs" / run_id)


def with_holdout(run: FittedRun, adstock: np.ndarray | None = None) -> FittedRun:
    """The run with a fit on its first weeks, which has the run's own draws or another adstock."""
    draws = run.fit.draws if adstock is None else run.fit.draws | {"adstock": adstock}
    return replace(run, holdout=replace(run.fit, panel=run.fit.panel.head(143), draws=draws))


def holdout_check(frames: dict[object, pd.DataFrame]) -> "pd.Series[object]":
    checks = frames[tables.DIAGNOSTIC].set_index("check_name")
    return checks.loc["holdout_coverage"]


def test_a_run_comes_back_from_its_files_to_the_bit(run: FittedRun, tmp_path: Path) -> None:
    save_run(with_holdout(run), tmp_path)
    again = load_run(tmp_path)
    assert (again.settings, again.record) == (run.settings, run.record)
    assert load_scales(tmp_path).as_dict() == run.fit.scales.as_dict()
    expected, found = result_frames(with_holdout(run)), result_frames(again)
    for table, frame in expected.items():
        pd.testing.assert_frame_equal(found[table], frame)


def test_a_converged_holdout_is_shown_and_judged(run: FittedRun) -> None:
    frames = result_frames(with_holdout(run))
    sets = frames[tables.MODEL_FIT]["evaluation_set"].value_counts()
    assert dict(sets) == {"train": 156, "holdout": 13}
    assert holdout_check(frames)["status"] == "pass"


def test_a_holdout_that_has_not_converged_is_left_out_with_a_warning(run: FittedRun) -> None:
    adstock = run.fit.draws["adstock"].copy()
    adstock[0] = 0.9
    frames = result_frames(with_holdout(run, adstock))
    assert set(frames[tables.MODEL_FIT]["evaluation_set"]) == {"train"}
    assert set(frames[tables.ACCURACY]["evaluation_set"]) == {"train"}
    check = holdout_check(frames)
    assert (check["status"], check["is_blocking"]) == ("warn", False)
    assert "has not converged (max_r_hat" in str(check["description"])


def test_a_holdout_that_could_not_be_fitted_is_a_row(run: FittedRun) -> None:
    record = replace(run.record, no_holdout="radio had no spend before it")
    frames = result_frames(replace(run, record=record))
    assert "radio had no spend before it" in str(holdout_check(frames)["description"])


def test_an_adstock_without_half_life_is_null(run: FittedRun) -> None:
    # At 0.99 of the effect carried over a week, the 14 lags shown hold an eighth of it.
    draws = run.fit.draws | {"adstock": np.full_like(run.fit.draws["adstock"], 0.99)}
    decay = result_frames(replace(run, fit=replace(run.fit, draws=draws)))[tables.ADSTOCK_DECAY]
    assert decay["half_life_weeks"].isna().all()
    assert decay["weight_mean"].notna().all()


def test_controls_of_weeks_to_come_are_those_of_the_input_where_it_gives_them(
    run: FittedRun,
) -> None:
    """The rows that a judged input keeps of weeks that are not over, and does not use."""
    used = run.input.snapshot
    last = used["week_start"].max()
    price = used[(used["variable"] == "competitor_price") & (used["week_start"] == last)]
    to_come = [
        price.assign(week_start=last + pd.Timedelta(weeks=ahead), value=value, is_used=False)
        for ahead, value in ((1, 12.5), (2, 13.0), (3, np.nan))
    ]
    snapshot = pd.concat([used, *to_come], ignore_index=True)
    controls = tuple(
        control.model_copy(update={"continues": "given"})
        if control.name == "competitor_price"
        else control
        for control in run.settings.controls
    )
    settings = run.settings.model_copy(update={"controls": controls})
    rows = forecast_rows(run.fit, settings, snapshot)
    of_price = rows["control_assumption"].str.split(", ").str[0]
    assert of_price.tolist()[:3] == [
        f"competitor_price: {how}" for how in ("given", "given", "trend")
    ]
    not_asked = forecast_rows(run.fit, run.settings, snapshot)
    differs = (rows["outcome_mean"] - not_asked["outcome_mean"]).abs() > 1e-6
    assert differs.tolist() == [True, True, *[False] * (len(rows) - 2)]


def test_what_all_series_are_worth_is_read_from_their_sum() -> None:
    rows = pd.DataFrame(
        [
            ("north", "tv", "all", True),
            ("all", "tv", "all", True),
            ("all", "tv", "last_13_weeks", True),
            ("all", "newsletter", "all", False),
        ],
        columns=["series_key", "channel", "period", "is_paid"],
    )
    assert list(overall(rows).index) == [1, 2, 3]
    assert list(returns(rows).index) == [1]
    assert list(returns(rows.head(1)).index) == [0]


def test_residuals_are_judged_and_those_of_a_right_model_pass(run: FittedRun) -> None:
    diagnostic = result_frames(run)[tables.DIAGNOSTIC].set_index("check_name")
    judged = diagnostic[diagnostic.index.str.startswith(("residual_", "effect_", "negative_"))]
    assert len(judged) == 8
    assert set(judged["status"]) == {"pass"}
    assert not judged["is_blocking"].any()


def test_what_budgets_may_follow_is_judged_and_warns_at_most(run: FittedRun) -> None:
    diagnostic = result_frames(run)[tables.DIAGNOSTIC].set_index("check_name")
    judged = diagnostic.loc[["demand_control", "spend_follows_demand"]]
    assert not judged["is_blocking"].any()
    # The market has a search channel, and no control is said to be of demand.
    assert list(judged["status"]) == ["warn", "pass"]
