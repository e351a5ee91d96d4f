"""The plans of a real run: in the tables, on the dashboards' views, and where there can be none."""

from dataclasses import replace

import pandas as pd
import pytest

from dagster_mmm.fitting.artefacts import FittedRun, load_run
from dagster_mmm.fitting.plan_rows import plan_frames
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.rows.bulk import replace_run
from tests.conftest import Project


@pytest.fixture(scope="module")
def run(published: tuple[Project, str]) -> FittedRun:
    project, run_id = published
    return load_run(project.folder / "artefacts" / "demo" / "runs" / run_id)


def with_plans(run: FittedRun, *plans: dict[str, object]) -> FittedRun:
    document = run.settings.model_dump(mode="json") | {"plans": list(plans)}
    return replace(run, settings=Settings.read(document))


def summary_of(run: FittedRun) -> pd.DataFrame:
    return plan_frames(run)[tables.BUDGET_PLAN_SUMMARY].set_index("scenario")


def test_the_plans_of_the_settings_are_published(published: tuple[Project, str]) -> None:
    project, run_id = published
    rows = project.query(
        """
        select s.*, p.planned, p.today, p.gain, p.beyond
        from mmm.budget_plan_summary_latest s
        join (
            select scenario, sum(planned_weekly_spend) as planned,
                sum(current_weekly_spend) as today, sum(contribution_change_mean) as gain,
                sum(case when planned_weekly_spend > highest_weekly_spend * 1.000001
                    then 1 else 0 end) as beyond
            from mmm.budget_plan_latest group by scenario
        ) p on p.scenario = s.scenario
        order by s.scenario
        """
    )
    assert list(rows["scenario"]) == ["next_quarter", "next_quarter_with_more"]
    assert set(rows["run_id"]) == {run_id}
    assert set(rows["status"]) <= {"planned", "unsure", "kept"}
    assert rows["planned_spend"].to_numpy() == pytest.approx(13 * rows["planned"].to_numpy())
    # In round amounts, so that a little is left.
    assert set(rows["utility"]) == {"mean_minus_sd 0.5"}
    left = rows["budget"] - rows["planned_spend"]
    assert left.to_numpy() == pytest.approx(rows["unspent"].to_numpy(), abs=0.01)
    assert ((left > -0.01) & (left < 0.001 * rows["budget"])).all()
    assert rows["current_spend"].to_numpy() == pytest.approx(13 * rows["today"].to_numpy())
    assert rows["gain_mean"].to_numpy() == pytest.approx(rows["gain"].to_numpy(), abs=1.0)
    assert (rows["utility_gain"] >= 0).all() and (rows["beyond"] == 0).all()


def test_a_plan_moves_no_channel_further_than_allowed(
    published: tuple[Project, str],
) -> None:
    project, _ = published
    rows = project.query(
        "select * from mmm.budget_plan_latest where scenario = 'next_quarter_with_more'"
    )
    change = rows["planned_weekly_spend"] / rows["reference_weekly_spend"] - 1.0
    assert change.abs().max() <= 0.3 + 1e-6


def test_experiments_are_ranked_where_a_plan_asks_for_them(published: tuple[Project, str]) -> None:
    project, _ = published
    rows = project.query("select * from mmm.experiment_value_latest order by rank")
    assert list(rows["rank"]) == [1, 2, 3, 4, 5] and set(rows["scenario"]) == {"next_quarter"}
    assert rows["value"].is_monotonic_decreasing
    # A test is worth nothing, or more: below 0 is Monte-Carlo error alone.
    assert (rows["value"] >= -4 * rows["value_mcse"]).all()
    assert rows["standard_error"].to_numpy() == pytest.approx(0.2 * rows["lift_mean"].to_numpy())


def test_an_impossible_plan_is_a_row_beside_the_others(run: FittedRun) -> None:
    both = with_plans(run, {"name": "too_much", "budget_multiplier": 99.0}, {"name": "as_today"})
    summary = summary_of(both)
    assert list(summary["status"]) == ["impossible", summary.loc["as_today", "status"]]
    assert "allow_extrapolation" in str(summary.loc["too_much", "reason"])
    assert set(plan_frames(both)[tables.BUDGET_PLAN]["scenario"]) == {"as_today"}


def test_a_target_beyond_reach_is_impossible_with_the_best(run: FittedRun) -> None:
    targets = with_plans(
        run,
        {"name": "roi", "objective": "target_roi", "target": 50.0},
        {"name": "mroi", "objective": "target_mroi", "target": 50.0},
    )
    summary = summary_of(targets)
    assert set(summary["status"]) == {"impossible"}
    assert summary["best_reachable"].between(0.5, 20.0).all()
    for name, best in summary["best_reachable"].items():
        assert f"{best:.3g}" in str(summary.loc[name, "reason"])
    assert plan_frames(targets)[tables.BUDGET_PLAN].empty


def test_a_rejected_fit_is_not_planned_by(run: FittedRun) -> None:
    rejected = replace(run, record=replace(run.record, refusal="R-hat is 1.5"))
    summary = summary_of(rejected)
    assert set(summary["status"]) == {"impossible"}
    assert "R-hat is 1.5" in str(summary["reason"].iloc[0])


def test_all_kinds_of_rows_can_be_written(run: FittedRun, published: tuple[Project, str]) -> None:
    project, _ = published
    for one in (with_plans(run), with_plans(run, {"name": "much", "budget_multiplier": 99.0})):
        other = replace(one, run_id="another")
        with project.warehouse.begin() as connection:
            replace_run(connection, "another", plan_frames(other))
        written = project.query("select * from mmm.mmm_budget_plan_summary where run_id='another'")
        assert len(written) == len(one.settings.plans)
    with project.warehouse.begin() as connection:
        for table in tables.PLAN_TABLES:
            connection.execute(table.delete().where(table.c.run_id == "another"))
