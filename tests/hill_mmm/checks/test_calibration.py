import numpy as np
import pandas as pd
import pytest

from hill_mmm.checks import Check, calibration_checks


def by_horizon(*rows: tuple[int, int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["horizon", "n_weeks", "coverage_90", "crps_vs_naive"])


def verdicts(frame: pd.DataFrame) -> dict[str, Check]:
    checks = calibration_checks(frame)
    assert not any(check.is_blocking for check in checks)
    return {check.check_name: check for check in checks}


def test_nothing_scored_is_no_verdict() -> None:
    assert calibration_checks(by_horizon()) == []


def test_forecasts_that_hold_what_they_said_pass() -> None:
    found = verdicts(by_horizon((1, 26, 0.88, 0.4), (2, 25, 0.92, 0.5)))
    assert [check.status for check in found.values()] == ["pass", "pass"]


def test_too_few_weeks_inside_warn_and_name_the_horizon() -> None:
    check = verdicts(by_horizon((1, 26, 0.9, 0.4), (2, 26, 0.2, 0.5)))["forecast_coverage"]
    assert check.status == "warn"
    assert check.value == 0.2
    assert "26 weeks inside the 90 % interval forecast 2 weeks ahead" in check.description


@pytest.mark.parametrize(("horizon", "status"), [(1, "warn"), (13, "pass")])
def test_weeks_forecast_long_before_count_for_less(horizon: int, status: str) -> None:
    # 26 weeks of 13 weeks ahead are as two independent ones.
    found = verdicts(by_horizon((horizon, 26, 0.5, 0.5)))
    assert found["forecast_coverage"].status == status


def test_a_right_forecaster_is_seldom_warned_of() -> None:
    rng = np.random.default_rng(0)
    warned = [
        any(
            check.status == "warn"
            for check in calibration_checks(
                by_horizon(*((h, 26, rng.binomial(26, 0.9) / 26, 0.5) for h in range(1, 14)))
            )
        )
        for _ in range(1000)
    ]
    assert np.mean(warned) <= 0.01


def test_what_last_years_numbers_do_better_warns() -> None:
    found = verdicts(by_horizon((1, 26, 0.9, 0.4), (2, 25, 0.9, 1.2)))
    assert found["forecast_crps_vs_naive"].status == "warn"
    assert "2 weeks ahead" in found["forecast_crps_vs_naive"].description


def test_without_a_year_before_nothing_is_compared() -> None:
    assert list(verdicts(by_horizon((1, 3, 1.0, np.nan)))) == ["forecast_coverage"]
