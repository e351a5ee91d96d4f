"""The whole job on a simulated market: published, rewritten, rejected."""

import numpy as np

from dagster_mmm import demo
from dagster_mmm.warehouse.tables import RESULT_TABLES
from tests.conftest import Project

LATEST = [
    "run_latest",
    "channel_summary_latest",
    "contribution_latest",
    "response_curve_latest",
    "model_fit_latest",
    "accuracy_latest",
    "diagnostic_latest",
    "parameter_summary_latest",
    "input_snapshot_latest",
]
RESULTS = [f"results/{table.name}" for table in RESULT_TABLES]


def test_a_good_run_is_judged_and_visible_in_every_latest_view(
    published: tuple[Project, str],
) -> None:
    project, run_id = published
    for view in LATEST:
        runs = project.query(f"select distinct run_id from mmm.{view}")
        assert list(runs["run_id"]) == [run_id], view
    run = project.query("select * from mmm.run_history").iloc[0]
    assert (run["status"], run["is_live"], run["gate_reason"]) == ("published", True, None)
    assert (run["n_weeks"], run["currency"], run["components_selected"]) == (156, "EUR", 1)


def test_parts_sum_to_the_expected_outcome_in_sql(published: tuple[Project, str]) -> None:
    project, _ = published
    weeks = project.query(
        """
        select f.expected_mean, sum(c.contribution_mean) as parts
        from mmm.model_fit_latest f join mmm.contribution_latest c using (week_start)
        group by f.week_start, f.expected_mean
        """
    )
    assert len(weeks) == 156
    np.testing.assert_allclose(weeks["parts"], weeks["expected_mean"], rtol=1e-6)


def test_roi_is_contribution_over_the_spend_that_came_in(published: tuple[Project, str]) -> None:
    project, _ = published
    rows = project.query(
        """
        select s.roi_mean, s.contribution_mean / i.spend as ratio
        from mmm.channel_summary_latest s
        join (
            select variable, sum(value) as spend from mmm.input_snapshot_latest
            where role = 'spend' and is_used group by variable
        ) i on i.variable = s.channel
        """
    )
    assert len(rows) == 5
    np.testing.assert_allclose(rows["roi_mean"], rows["ratio"], rtol=1e-9)


def test_most_channels_cover_the_simulated_truth(published: tuple[Project, str]) -> None:
    project, _ = published
    rows = project.query(
        "select channel, roi_ci_lo, roi_ci_hi from mmm.channel_summary_latest"
    ).set_index("channel")
    truth = demo.true_roi()
    covered = (rows["roi_ci_lo"] <= truth) & (truth <= rows["roi_ci_hi"])
    # Five independent 90 % intervals cover fewer than three of five in 0.9 % of markets.
    assert covered.sum() >= 3


def test_results_of_a_published_run_are_never_written_again(
    published: tuple[Project, str],
) -> None:
    project, run_id = published
    count = "select count(*) as n, sum(contribution_mean) as total from mmm.mmm_contribution"
    before = project.query(count)
    assert project.run(selection=RESULTS).success
    assert project.query(count).equals(before)
    run = project.query("select run_id, status from mmm.run_latest").iloc[0]
    assert (run["run_id"], run["status"]) == (run_id, "published")


def test_an_unconverged_fit_is_refused_and_the_last_good_run_stays_live(
    published: tuple[Project, str],
) -> None:
    project, good = published
    project.configure(gate={"max_r_hat": 1.0000001, "min_ess": 1e6})
    refused = project.run()
    assert not refused.success
    failed = {event.step_key for event in refused.get_step_failure_events()}
    assert failed == {"results__mmm_diagnostic_converged"}

    for view in LATEST:
        runs = project.query(f"select distinct run_id from mmm.{view}")
        assert list(runs["run_id"]) == [good], view
    row = project.query(f"select * from mmm.run_history where run_id = '{refused.run_id}'").iloc[0]
    assert (row["status"], row["is_live"]) == ("rejected", False)
    assert "max_r_hat" in row["gate_reason"] and "min_ess" in row["gate_reason"]

    # Not even asked for by itself, past the check.
    assert not project.run(selection=["published"]).success
    assert project.query("select run_id from mmm.run_latest")["run_id"].item() == good
