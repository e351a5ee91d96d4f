import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, Panel
from hill_mmm.checks import history_checks
from hill_mmm.panel.rows import DAY
from hill_mmm.results import run_delta, split_delta, summary_between

COMPARED = ["mean", "sd", "ci_lo", "ci_hi"]


def summary(channel: str, mean: float, sd: float, **others: float) -> pd.DataFrame:
    """A row of a summary: every metric the same, with an interval of two deviations."""
    values = dict(zip(COMPARED, (mean, sd, mean - 2 * sd, mean + 2 * sd), strict=True)) | others
    return pd.DataFrame(
        [
            {"series_key": "all", "channel": channel}
            | {
                f"{metric}_{key}": value
                for metric in ("contribution", "roi", "mroi")
                for key, value in values.items()
            }
        ]
    )


def test_a_shift_is_counted_in_deviations_of_what_was_said() -> None:
    rows = run_delta(summary("tv", 2.0, 0.5), summary("tv", 3.0, 0.1))
    assert list(rows["metric"]) == ["contribution", "roi", "mroi"]
    np.testing.assert_allclose(rows["shift_sd"], 2.0)
    assert (rows["previous_mean"] == 2.0).all() and (rows["current_mean"] == 3.0).all()


@pytest.mark.parametrize(
    ("mean", "sd", "overlap"),
    [(2.0, 0.5, 1.0), (4.0, 0.5, 0.0), (9.0, 0.5, 0.0), (2.0, 0.25, 0.5), (3.0, 0.5, 1 / 3)],
)
def test_overlap_is_what_is_shared_over_what_is_covered(
    mean: float, sd: float, overlap: float
) -> None:
    rows = run_delta(summary("tv", 2.0, 0.5), summary("tv", mean, sd))
    np.testing.assert_allclose(rows["interval_overlap"], overlap)


def test_what_only_one_run_has_is_left_out() -> None:
    before = pd.concat([summary("tv", 2.0, 0.5), summary("radio", 1.0, 0.5)])
    now = pd.concat([summary("tv", 2.0, 0.5), summary("social", 1.0, 0.5)])
    assert set(run_delta(before, now)["channel"]) == {"tv"}


def test_a_medium_without_effect_has_no_shift() -> None:
    rows = run_delta(summary("tv", 0.0, 0.0), summary("tv", 0.0, 0.0))
    assert rows[["shift_sd", "interval_overlap"]].isna().all(axis=None)
    assert history_checks(rows, 3.0) == []


def test_the_steps_sum_to_the_whole_move_and_are_counted_in_what_was_said_first() -> None:
    before, now = (
        pd.concat([summary("tv", tv, 0.5), summary("radio", 1.0, sd)])
        for tv, sd in ((2.0, 0.25), (3.5, 0.5))
    )
    between = pd.concat([summary("tv", 1.5, 0.1), summary("radio", 2.0, 0.1)])
    rows = split_delta(before, {"seed": between, "new_weeks": now})
    assert list(rows["cause"].unique()) == ["seed", "new_weeks"]
    assert dict(zip(rows["cause"], rows["step_index"], strict=True)) == {"seed": 0, "new_weeks": 1}
    of_tv = rows[(rows["channel"] == "tv") & (rows["metric"] == "roi")]
    assert list(of_tv["previous_mean"]) == [2.0, 1.5]
    assert list(of_tv["current_mean"]) == [1.5, 3.5]
    assert list(of_tv["shift"]) == [-0.5, 2.0]
    np.testing.assert_allclose(of_tv["shift_sd"], [-1.0, 4.0])
    keys = ["channel", "metric"]
    whole = run_delta(before, now).set_index(keys)
    summed = rows.groupby(keys)[["shift", "shift_sd"]].sum().loc[whole.index]
    np.testing.assert_allclose(summed["shift"], whole["current_mean"] - whole["previous_mean"])
    np.testing.assert_allclose(summed["shift_sd"], whole["shift_sd"])


def test_one_cause_alone_has_the_whole_move() -> None:
    before, now = summary("tv", 2.0, 0.5), summary("tv", 3.0, 0.1)
    whole = run_delta(before, now)
    rows = split_delta(before, {"restated_weeks": now})
    assert set(rows["cause"]) == {"restated_weeks"}
    shared = ["series_key", "channel", "metric", "previous_mean", "current_mean", "shift_sd"]
    pd.testing.assert_frame_equal(rows[shared], whole[shared])


def test_what_a_step_lacks_is_not_split() -> None:
    both = pd.concat([summary("tv", 2.0, 0.5), summary("radio", 1.0, 0.5)])
    rows = split_delta(both, {"seed": summary("tv", 2.0, 0.5), "new_weeks": both})
    assert list(rows["channel"]) == ["tv"] * 6
    no_effect = summary("tv", 0.0, 0.0)
    assert split_delta(no_effect, {"seed": no_effect})["shift_sd"].isna().all()


def test_organic_media_have_no_return_to_compare(regional_fit: Fit) -> None:
    weeks = regional_fit.panel.weeks
    now = summary_between(regional_fit, weeks[0], weeks[-1] + 6 * DAY)
    rows = run_delta(now, now)
    assert set(rows.loc[rows["channel"] == "newsletter", "metric"]) == {"contribution"}
    np.testing.assert_allclose(rows["shift_sd"].dropna(), 0.0)


def test_a_summary_of_all_weeks_is_the_published_one(fitted: Fit) -> None:
    weeks = fitted.panel.weeks
    published = fitted.summary()
    of_all = published[published["period"] == "all"].reset_index(drop=True)
    found = summary_between(fitted, weeks[0], weeks[-1] + 6 * DAY)
    assert set(found["period"]) == {f"{weeks[0]} to {weeks[-1] + 6 * DAY}"}
    pd.testing.assert_frame_equal(found.assign(period="all"), of_all, rtol=1e-9)


def test_later_weeks_do_not_change_what_is_said_of_earlier_ones(
    regional_fit: Fit, regions: Panel
) -> None:
    weeks = regional_fit.panel.weeks
    alone = summary_between(regional_fit, weeks[10], weeks[-1] + 6 * DAY)
    longer = summary_between(regional_fit, weeks[10], weeks[-1] + 6 * DAY, panel=regions)
    of_weeks = [name for name in map(str, alone) if name.startswith(("spend", "contribution"))]
    pd.testing.assert_frame_equal(longer[of_weeks], alone[of_weeks], rtol=1e-9)
    # What the spend still brings after those weeks is known better by now, and is a small part.
    np.testing.assert_allclose(longer["roi_mean"], alone["roi_mean"], rtol=0.02)


def test_a_rewrite_of_history_fails_beyond_the_limit() -> None:
    rows = run_delta(
        pd.concat([summary("tv", 2.0, 0.5), summary("radio", 1.0, 0.5)]),
        pd.concat([summary("tv", 2.2, 0.5), summary("radio", -1.0, 0.5)]),
    )
    (check,) = history_checks(rows, 3.0)
    assert (check.status, check.is_blocking, check.value) == ("fail", True, 4.0)
    assert "radio in all, from 1 to -1" in check.description
    assert history_checks(rows, 5.0)[0].status == "pass"


def test_the_slope_is_no_history() -> None:
    rows = run_delta(summary("tv", 2.0, 0.5), summary("tv", 4.0, 0.5))
    (check,) = history_checks(rows[rows["metric"] != "mroi"], 3.0)
    assert check.status == "fail"
    assert history_checks(rows[rows["metric"] == "mroi"], 3.0) == []
