"""The whole job on simulated markets: published, refitted, rejected."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

import hill_mmm
from dagster_mmm.cli import demo
from dagster_mmm.cli.jobs import run_job
from dagster_mmm.warehouse.tables import LIFT_TEST, RESULT_TABLES, RUN, RUN_DELTA, RUN_DELTA_CAUSE
from hill_mmm import SamplerError, simulate_geo_market, simulate_lift_test
from tests.conftest import QUICK, Project
from tests.dagster_mmm.inputs.conftest import in_orders

LATEST = {table: f"{table.name}_latest" for table in RESULT_TABLES}
# Of a first run without experiments.
EMPTY = (LIFT_TEST, RUN_DELTA, RUN_DELTA_CAUSE)
RESULTS = [f"results/{table.name}" for table in RESULT_TABLES]
# From the panel of the last run on, without dbt, whose views follow the publish pointer.
REFIT = ["fit", *RESULTS, "published"]
# Far too short for anything to converge.
HASTY = {"chains": 2, "warmup": 4, "draws": 20}
ANYTHING_GOES = {
    "max_r_hat": 1e6,
    "min_ess": 1e-6,
    "max_divergence_rate": 1.0,
    "min_bfmi": 1e-6,
    "max_saturated_tree_rate": 1.0,
}


def row_of(project: Project, run_id: str) -> "pd.Series[Any]":
    return project.query(f"select * from mmm.mmm_run where run_id = '{run_id}'").iloc[0]


def description_of(project: Project, run_id: str) -> dict[str, Any]:
    """What stands beside a run's draws."""
    folder = project.folder / "artefacts" / "demo" / "runs" / run_id
    return json.loads((folder / "run.json").read_text())


def test_a_good_run_is_judged_and_visible_in_every_latest_view(
    published: tuple[Project, str],
) -> None:
    project, run_id = published
    for table, view in LATEST.items():
        runs = project.query(f"select distinct run_id from mmm.{view}")
        # No experiment was made.
        assert list(runs.get("run_id", [])) == ([] if table in EMPTY else [run_id]), view
    run = project.query("select * from mmm.mmm_run_history").iloc[0]
    assert (run["status"], run["is_published"], run["gate_reason"]) == ("published", True, None)
    assert (run["n_weeks"], run["n_series"], run["currency"]) == (156, 1, "EUR")
    assert (run["components_requested"], run["components_selected"]) == ("1", 1)


def test_parts_sum_to_the_expected_outcome_in_sql(published: tuple[Project, str]) -> None:
    project, _ = published
    weeks = project.query(
        """
        select f.expected_mean, sum(c.contribution_mean) as parts
        from mmm.mmm_model_fit_latest f join mmm.mmm_contribution_latest c using (week_start)
        group by f.week_start, f.expected_mean
        """
    )
    assert len(weeks) == 156
    np.testing.assert_allclose(weeks["parts"], weeks["expected_mean"], rtol=1e-6)


def test_roi_is_incremental_outcome_over_the_spend_that_came_in(
    published: tuple[Project, str],
) -> None:
    project, _ = published
    rows = project.query(
        """
        select s.roi_mean, s.incremental_outcome_mean / i.spend as ratio
        from mmm.mmm_channel_summary_latest s
        join (
            select variable, sum(value) as spend from mmm.mmm_input_snapshot_latest
            where role = 'spend' and is_used group by variable
        ) i on i.variable = s.channel
        where s.period = 'all'
        """
    )
    assert len(rows) == 5
    np.testing.assert_allclose(rows["roi_mean"], rows["ratio"], rtol=1e-9)


def test_most_channels_cover_the_simulated_truth(published: tuple[Project, str]) -> None:
    project, _ = published
    rows = project.query(
        "select channel, roi_ci_lo, roi_ci_hi from mmm.mmm_channel_summary_latest "
        "where period = 'all'"
    ).set_index("channel")
    truth = demo.true_roi()
    covered = (rows["roi_ci_lo"] <= truth) & (truth <= rows["roi_ci_hi"])
    # Five independent 90 % intervals cover fewer than three of five in 0.9 % of markets.
    assert covered.sum() >= 3


def test_results_of_a_published_run_are_never_written_again(rerun: tuple[Project, str]) -> None:
    project, run_id = rerun
    count = "select count(*) as n, sum(contribution_mean) as total from mmm.mmm_contribution"
    before = project.query(count)
    assert project.run(selection=RESULTS).success
    assert project.query(count).equals(before)
    run = project.query("select run_id, status from mmm.mmm_run_latest").iloc[0]
    assert (run["run_id"], run["status"]) == (run_id, "published")


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {"/".join(event.asset_key.path[1:]) for event in events if event.asset_key}


def test_where_nothing_is_new_nothing_is_fitted(rerun: tuple[Project, str]) -> None:
    project, good = rerun
    again = project.run()
    assert again.success
    assert "mmm_weekly_input" in materialized(again)
    assert not materialized(again) & {"panel", "fit", "published", "dashboard_snapshot"}
    (observation,) = again.get_asset_observation_events()
    assert observation.asset_observation_data.asset_observation.metadata[
        "nothing_new_since"
    ] == dg.MetadataValue.text(good)
    assert list(project.query("select run_id from mmm.mmm_run")["run_id"]) == [good]
    # Whoever asks for it gets a panel all the same.
    assert "panel" in materialized(project.run(selection=["panel"], force=True))


def test_the_ui_sees_a_fit_while_it_runs(published: tuple[Project, str]) -> None:
    project, run_id = published
    kinds = {dg.DagsterEventType.ASSET_OBSERVATION, dg.DagsterEventType.STEP_SUCCESS}
    records = project.instance.get_records_for_run(run_id, of_type=kinds).records
    events = [event for r in records if (event := r.event_log_entry.dagster_event)]
    ended = next(n for n, e in enumerate(events) if e.is_step_success and e.step_key == "mmm__fit")
    seen = [
        event.asset_observation_data.asset_observation.metadata
        for event in events[:ended]
        if event.is_asset_observation and event.step_key == "mmm__fit"
    ]
    # Recorded one by one, and not with the step's end.
    assert [metadata["percent_done"].value // 20 for metadata in seen] == [1, 2, 3, 4, 5]
    assert {metadata["fitting"].value for metadata in seen} == {"fit on 156 weeks"}
    assert all({"divergences_so_far", "seconds_left"} <= metadata.keys() for metadata in seen)


def metadata_of(project: Project, run_id: str) -> dict[str, dict[str, dg.MetadataValue]]:
    """What each asset of a run shows in the UI."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    records = project.instance.get_records_for_run(run_id, of_type=kind).records
    found = [m for r in records if (m := r.event_log_entry.asset_materialization)]
    return {"/".join(m.asset_key.path[1:]): dict(m.metadata) for m in found}


def test_pictures_are_there_and_small(published: tuple[Project, str]) -> None:
    sizes = {
        f"{asset}: {name}": len(value.value)
        for asset, metadata in metadata_of(*published).items()
        for name, value in metadata.items()
        if isinstance(value, dg.MarkdownMetadataValue) and "data:image/png" in str(value.value)
    }
    assert sizes.keys() == {
        "results/mmm_channel_summary: roi_plot",
        "results/mmm_contribution: contributions",
        "results/mmm_diagnostic: convergence",
        "results/mmm_model_fit: fit_against_actual",
        "results/mmm_response_curve: response_curves",
    }
    # As base64, four bytes of text for three of picture.
    assert max(sizes.values()) < 60_000, sizes


def test_what_is_plotted_from_fit_to_fit_is_a_number(published: tuple[Project, str]) -> None:
    shown = metadata_of(*published)
    of_fit = {"max_r_hat", "min_ess", "divergence_rate", "divergences", "cpu_seconds"}
    of_live = {"max_r_hat", "min_ess", "divergence_rate", "staleness_weeks"}
    for asset, names in (("fit", of_fit), ("published", of_live)):
        for name in names:
            assert isinstance(shown[asset][name].value, int | float), (asset, name)
    assert "| max_r_hat |" in str(shown["fit"]["summary"].value)


def test_a_fit_over_its_budget_is_rejected_and_a_killed_run_noticed(
    rerun: tuple[Project, str],
) -> None:
    project, good = rerun
    with project.warehouse.begin() as connection:
        columns = [c if c.name != "run_id" else sa.literal("killed") for c in RUN.columns]
        copy = sa.select(*columns).where(RUN.c.run_id == good)
        connection.execute(RUN.insert().from_select(RUN.columns.keys(), copy))
        killed = {"status": "running", "n_weeks": None}
        connection.execute(RUN.update().where(RUN.c.run_id == "killed").values(**killed))
    project.configure(sampler={**QUICK["sampler"], "max_minutes": 1e-6})
    result = project.run(selection=REFIT)
    assert not result.success
    run = row_of(project, result.run_id)
    assert run["status"] == "rejected"
    assert run["gate_reason"].startswith("stopped after 0.")
    assert "as sampler.max_minutes is 1e-06. Raise it" in run["gate_reason"]
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["mmm__fit"]
    assert not [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    noticed = row_of(project, "killed")
    assert (noticed["status"], noticed["gate_reason"].split(",")[0]) == (
        "rejected",
        "the run was killed",
    )
    assert project.query("select run_id from mmm.mmm_run_latest")["run_id"].item() == good


def test_a_warehouse_of_an_earlier_version_is_carried_over(rerun: tuple[Project, str]) -> None:
    project, good = rerun
    kept = row_of(project, good)["config_fingerprint"]
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "alter table mmm.mmm_run rename column config_fingerprint to config_hash"
        )
    again = project.run()
    assert again.success
    # By the fingerprint that it has kept, the published run is as the settings ask.
    assert len(list(again.get_asset_observation_events())) == 1
    assert run_job(project.instance, "dashboards").success
    of_view = project.query("select run_id, config_fingerprint from mmm.mmm_run_latest")
    assert of_view.to_dict("records") == [{"run_id": good, "config_fingerprint": kept}]


def test_a_restated_week_is_fitted_again_and_marked(rerun: tuple[Project, str]) -> None:
    project, good = rerun
    week = "2023-06-05"
    with project.warehouse.begin() as connection:
        before = connection.exec_driver_sql(
            f"select cast(tv_spend as double) from raw.weekly_media where week = '{week}'"
        ).scalar_one()
        connection.exec_driver_sql(
            f"update raw.weekly_media set tv_spend = '123' where week = '{week}'"
        )
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    result = project.run()
    assert result.success
    restated = project.query(
        "select week_start, variable, value, previous_value from mmm.mmm_input_snapshot_latest "
        "where is_restated"
    )
    assert len(restated) == 1
    found = restated.iloc[0]
    assert (str(found["week_start"])[:10], found["variable"]) == (week, "tv")
    assert (found["value"], found["previous_value"]) == (123.0, before)
    # What was published before is one WHERE clause away.
    earlier = project.query(
        "select distinct run_id from mmm.mmm_channel_summary_history where published_from <= "
        f"(select published_at from mmm.mmm_run where run_id = '{good}') and published_until > "
        f"(select published_at from mmm.mmm_run where run_id = '{good}')"
    )
    assert list(earlier["run_id"]) == [good]
    delta = project.query(
        "select distinct previous_run_id, cause, changed from mmm.mmm_run_delta_latest"
    )
    assert delta.to_dict("records") == [
        {
            "previous_run_id": good,
            "cause": "several",
            "changed": "restated_weeks,configuration",
        }
    ]


def test_when_no_rung_converges_the_run_is_rejected_and_the_last_good_one_stays_published(
    rerun: tuple[Project, str],
) -> None:
    project, good = rerun
    project.configure(sampler=HASTY, gate={})
    rejected = project.run(selection=REFIT)
    assert not rejected.success
    failed = {event.step_key for event in rejected.get_step_failure_events()}
    assert failed == {"mmm__results__mmm_diagnostic_converged"}

    row = row_of(project, rejected.run_id)
    assert row["status"] == "rejected"
    rungs = row["gate_reason"].split("; ")
    assert [rung.split(":")[0] for rung in rungs] == [
        "K = 1, 4 + 20 draws",
        "K = 1, 8 + 40 draws",
    ]
    # So few draws explain any R-hat by chance; it is their ESS that fails.
    assert all("min_ess" in rung for rung in rungs)
    ladder = description_of(project, rejected.run_id)["record"]["ladder"]
    assert [(rung["reason"], rung["has_passed"]) for rung in ladder] == [
        (rung, False) for rung in rungs
    ]
    # What it last found is there to be looked at.
    summary = f"select * from mmm.mmm_channel_summary where run_id = '{rejected.run_id}'"
    assert not project.query(summary).empty

    # Not even asked for by itself, past the check.
    assert not project.run(selection=["published"]).success
    for table, view in LATEST.items():
        if table not in EMPTY:
            assert set(project.query(f"select run_id from mmm.{view}")["run_id"]) == {good}, view


def test_a_fit_without_any_draws_is_rejected_with_its_reason(
    rerun: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, good = rerun

    def no_start(*_: object, **__: object) -> None:
        raise SamplerError("the model has no finite density")

    monkeypatch.setattr("hill_mmm._ladder.fit", no_start)
    dead = project.run(selection=REFIT)
    assert not dead.success
    (failure,) = dead.get_step_failure_events()
    assert failure.step_key == "mmm__fit"
    row = row_of(project, dead.run_id)
    assert row["status"] == "rejected"
    assert row["gate_reason"] == (
        "K = 1, 300 + 300 draws: the model has no finite density; "
        "K = 1, 600 + 600 draws: the model has no finite density"
    )
    assert project.query("select run_id from mmm.mmm_run_latest")["run_id"].item() == good


def test_a_fit_that_dies_is_rejected_with_its_reason(
    rerun: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, good = rerun

    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError("no room for the draws")

    monkeypatch.setattr("hill_mmm._ladder.fit", out_of_memory)
    dead = project.run(selection=["fit"])
    assert not dead.success
    row = row_of(project, dead.run_id)
    assert row["status"] == "rejected"
    assert row["gate_reason"] == "the fit stopped with MemoryError: no room for the draws"
    assert project.query("select run_id from mmm.mmm_run_latest")["run_id"].item() == good


@pytest.mark.slow
@pytest.mark.long
def test_components_are_chosen_by_forecast_and_the_choice_is_kept(
    rerun: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = rerun
    # Each candidate is a program to compile.
    two = partial(hill_mmm.choose_components, candidates=(1, 2))
    monkeypatch.setattr(hill_mmm, "choose_components", two)
    project.configure(
        sampler=HASTY,
        model={"components": "auto"},
        gate=ANYTHING_GOES,
        evaluation={"holdout_weeks": 13},
    )
    result = project.run(selection=REFIT)
    assert result.success

    choice = description_of(project, result.run_id)["record"]["choice"]
    assert choice["scores"].keys() == {"1", "2"}
    assert all(np.isfinite(score["elpd"]) for score in choice["scores"].values())
    row = row_of(project, result.run_id)
    assert row["components_requested"] == "auto"
    assert row["components_selected"] == choice["components"]
    # The holdout is the comparison's own fit, and so is its score.
    elpd = project.query(
        "select value from mmm.mmm_accuracy_latest "
        "where evaluation_set = 'holdout' and metric = 'elpd'"
    )
    score = choice["scores"][str(choice["components"])]
    assert elpd["value"].item() == pytest.approx(score["elpd_by_origin"][0], rel=1e-9)
    assert len(score["origins"]) == 4


def test_with_too_few_weeks_to_compare_auto_is_one_curve(rerun: tuple[Project, str]) -> None:
    project, _ = rerun
    project.configure(
        sampler=HASTY,
        model={"components": "auto"},
        gate=ANYTHING_GOES,
        evaluation={"holdout_weeks": 105},
    )
    result = project.run(selection=REFIT)
    assert result.success
    assert row_of(project, result.run_id)["components_selected"] == 1
    check = project.query(
        "select status, description from mmm.mmm_diagnostic_latest "
        "where check_name = 'holdout_coverage'"
    ).iloc[0]
    assert check["status"] == "warn"
    assert "only 51 weeks are left before it" in check["description"]


def test_a_refit_of_the_same_model_version_is_on_the_same_scales(
    rerun: tuple[Project, str],
) -> None:
    project, good = rerun
    hasty = {"sampler": HASTY, "gate": ANYTHING_GOES}
    scales = description_of(project, good)["scales"]
    # The source has restated all spend.
    snapshot = project.folder / "artefacts" / "demo" / "panel.parquet"
    rows = pd.read_parquet(snapshot)
    rows["value"] = rows["value"].where(rows["role"] != "spend", 2 * rows["value"])
    rows.to_parquet(snapshot)
    project.configure(**hasty)
    again = project.run(selection=REFIT)
    assert again.success
    found = description_of(project, again.run_id)
    assert found["record"]["scales_of"] == good
    assert found["scales"] == scales
    versions = [row_of(project, run_id)["model_version"] for run_id in (good, again.run_id)]
    assert versions[0] == versions[1]

    project.configure(**hasty, model={"version": "2"})
    renewed = project.run(selection=["fit"])
    found = description_of(project, renewed.run_id)
    assert found["record"]["scales_of"] is None
    assert found["scales"] != scales
    assert row_of(project, renewed.run_id)["model_version"] not in versions


def test_a_lost_artefact_gives_the_scales_of_the_run_before_it(rerun: tuple[Project, str]) -> None:
    project, good = rerun
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    second = project.run(selection=REFIT)
    runs = project.folder / "artefacts" / "demo" / "runs"
    (runs / second.run_id).rename(project.folder / "lost")
    third = project.run(selection=["fit"])
    assert description_of(project, third.run_id)["record"]["scales_of"] == good

    (runs / good).rename(project.folder / "lost as well")
    (runs / third.run_id).rename(project.folder / "never published")
    fourth = project.run(selection=["fit"])
    assert description_of(project, fourth.run_id)["record"]["scales_of"] is None


def write_regions(path: Path) -> dict[str, Any]:
    """Two regions of a simulated market as a CSV, and the settings that describe it."""
    market, truth = simulate_geo_market(seed=1, series=2, weeks=122)
    test = simulate_lift_test(market, truth, "tv", 60, 6, 0.2, seed=1)
    frames = [
        pd.DataFrame(
            {
                "week": market.weeks,
                "region": name,
                "revenue": market.outcome[:, region],
                **dict(zip(market.channels, market.spend[:, region].T, strict=True)),
                "mails": np.arange(len(market)) % 3,
                "price": market.controls[:, region, 0],
            }
        )
        for region, name in enumerate(market.series)
    ]
    # The second region starts 26 weeks later, and never buys radio.
    frames[1] = frames[1].iloc[26:].assign(radio=0.0)
    pd.concat(frames).to_csv(path, index=False)
    return {
        "input": {"series_column": "region"},
        "channels": [{"name": name} for name in market.channels],
        "organic": [{"name": "newsletter", "column": "mails"}],
        "controls": [{"name": "price"}],
        "evaluation": {"holdout_weeks": 13},
        "lift_tests": [
            {
                "channel": test.channel,
                "start": test.start,
                "end": test.end,
                "lift": test.lift,
                "standard_error": test.standard_error,
            }
        ],
    }


def test_a_panel_is_published_with_its_total_and_its_experiments(project: Project) -> None:
    data = project.folder / "regions.csv"
    regions = write_regions(data)
    project.configure(**regions, sampler=HASTY, gate=ANYTHING_GOES)
    result = project.run(data)
    assert result.success

    run = project.query("select * from mmm.mmm_run_latest").iloc[0]
    assert (run["n_series"], run["n_weeks"]) == (2, 122)
    for view in ("channel_summary", "contribution", "response_curve", "model_fit"):
        series = project.query(f"select distinct series_key from mmm.mmm_{view}_latest")
        assert set(series["series_key"]) == {"region_01", "region_02", "all"}, view
    held_out = project.query(
        "select series_key, count(*) as weeks from mmm.mmm_model_fit_latest "
        "where evaluation_set = 'holdout' group by series_key"
    ).set_index("series_key")["weeks"]
    assert dict(held_out) == {"region_01": 13, "region_02": 13, "all": 13}

    summary = project.query(
        "select * from mmm.mmm_channel_summary_latest where period = 'all'"
    ).set_index(["series_key", "channel"])
    newsletter = summary.loc[("all", "newsletter")]
    assert (newsletter["is_paid"], newsletter["spend"]) == (False, 0)
    assert newsletter["contribution_mean"] > 0
    assert np.isnan(newsletter["roi_mean"])
    no_radio = summary.loc[("region_02", "radio")]
    assert (no_radio["is_paid"], no_radio["contribution_mean"]) == (True, 0)
    assert summary.loc[("all", "radio"), "contribution_mean"] == pytest.approx(
        summary.loc[("region_01", "radio"), "contribution_mean"]
    )

    (test,) = project.query("select * from mmm.mmm_lift_test_latest").itertuples()
    (asked,) = regions["lift_tests"]
    assert (test.channel, test.series_key, test.lift) == ("tv", "all", asked["lift"])
    assert (str(test.start_week), str(test.end_week)) == (asked["start"], asked["end"])
    assert test.z_score == pytest.approx(
        (test.lift_without_test_mean - test.lift)
        / np.hypot(test.lift_without_test_sd, test.standard_error)
    )
    checks = project.query("select check_name from mmm.mmm_diagnostic_latest")["check_name"]
    assert {"lift_test_disagreement", "lift_test_size", "holdout_coverage"} <= set(checks)


def test_orders_have_returns_by_what_those_of_each_week_are_worth(
    project: Project, market: Path
) -> None:
    """Orders of 80 each, and of 100 in the last year: from the raw table to the published ROI."""
    frame = in_orders(pd.read_csv(market))
    data = project.folder / "orders.csv"
    frame.to_csv(data, index=False)
    project.configure(
        outcome={"name": "orders", "kind": "count", "value_column": "revenue"},
        sampler=HASTY,
        gate=ANYTHING_GOES,
    )
    assert project.run(data).success
    run = project.query("select * from mmm.mmm_run_latest").iloc[0]
    mean = frame["revenue"].sum() / frame["orders"].sum()
    assert (run["outcome_kind"], run["value_per_unit"]) == ("count", pytest.approx(mean))
    rows = project.query(
        "select *, roi_mean * spend / incremental_outcome_mean as worth "
        "from mmm.mmm_channel_summary_latest where no_return_reason is null"
    ).set_index("period")
    np.testing.assert_allclose(rows.loc[["2021-Q1", "2022-Q1"], "worth"], 80.0, rtol=1e-6)
    np.testing.assert_allclose(rows.loc[["last_13_weeks", "2023-Q2"], "worth"], 100.0, rtol=1e-6)
    assert rows.loc["all", "worth"].between(80.0, 100.0, inclusive="neither").all()
    roles = project.query(
        "select role, sum(value) as total from mmm.mmm_weekly_input group by role"
    )
    totals = roles.set_index("role")["total"]
    assert totals["value"] == pytest.approx(frame["revenue"].sum())
