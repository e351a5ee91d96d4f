"""Each page on a really published warehouse: all that it shows is what its SQL answers."""

from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards import data
from dashboards.numbers import written
from tests.conftest import Project
from tests.dashboards.harness import APP, PAGES, assert_tables_are_their_answers, opened, rerun


@pytest.fixture(autouse=True)
def _forget_other_warehouses() -> Iterator[None]:
    st.cache_data.clear()
    yield


def text(app: AppTest) -> str:
    return "\n".join(
        str(part.value) for part in [*app.caption, *app.info, *app.warning, *app.markdown]
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_number_is_what_its_sql_answers(published: tuple[Project, str], page: str) -> None:
    project, run_id = published
    app = opened(page)
    assert_tables_are_their_answers(app, project)
    assert len(app.get("download_button")) == len(app.dataframe)

    run = project.query("select * from mmm.mmm_trust_latest").iloc[0]
    rests_on = next(caption.value for caption in app.caption if run_id in caption.value)
    for said in ("**demo**", "EUR", "revenue", f"{run['published_at']:%Y-%m-%d %H:%M} UTC"):
        assert said in rests_on
    assert f"to {run['window_end']:%Y-%m-%d}" in rests_on
    assert app.title[0].value.endswith("?")
    verdict = {
        "pass": f"all {run['n_checks']} checks pass",
        "warn": "checks warn",
        # The demo's market ends in 2023.
        "outdated": "outdated, the data end",
    }[run["verdict"]]
    assert any(verdict in badge.value for badge in app.markdown)


def test_the_parts_of_a_period_sum_to_what_was_expected(published: tuple[Project, str]) -> None:
    app = opened("sales")
    waterfall = app.dataframe[0].value.set_index("component")["contribution_mean"]
    assert waterfall.drop("expected").sum() == pytest.approx(waterfall["expected"])
    weeks = app.dataframe[1].value
    assert weeks.groupby("week_start")["contribution"].sum().tail(52).sum() == pytest.approx(
        waterfall["expected"]
    )


def test_another_period_is_another_answer(published: tuple[Project, str]) -> None:
    project, _ = published
    app = opened("worth")
    last_year = app.dataframe[0].value
    app.segmented_control(key="period").set_value("all")
    rerun(app)
    assert_tables_are_their_answers(app, project)
    assert app.dataframe[0].value["spend"].sum() > 2 * last_year["spend"].sum()


def what_if(app: AppTest, **multiples: int) -> pd.DataFrame:
    for channel, percent in multiples.items():
        app.slider(key=f"steady_state {channel}").set_value(percent)
    rows: pd.DataFrame = rerun(app).dataframe[0].value
    return rows[rows["state"] == "then"].set_index("channel")


def test_a_spend_on_the_grid_has_the_grids_answer(published: tuple[Project, str]) -> None:
    project, _ = published
    then = what_if(opened("what_if"), tv=150, radio=200, search=5)
    for channel, multiple in {"tv": 1.5, "radio": 2.0, "search": 0.05, "social": 1.0}.items():
        point = project.query(
            "select * from mmm.mmm_response_curve_latest where basis = 'steady_state' "
            f"and channel = '{channel}' and abs(spend_multiplier - {multiple}) < 1e-6"
        ).iloc[0]
        for figure in ("weekly_spend", "contribution_mean", "contribution_ci_hi", "mroi_ci_lo"):
            assert then.loc[channel, figure] == pytest.approx(point[figure]), (channel, figure)
        assert then.loc[channel, "is_extrapolated"] == point["is_extrapolated"]


def test_no_spend_brings_nothing(published: tuple[Project, str]) -> None:
    then = what_if(opened("what_if"), tv=0)
    figures = ["weekly_spend", "contribution_mean", "contribution_ci_lo", "contribution_ci_hi"]
    assert then.loc["tv", figures].tolist() == [0, 0, 0, 0]


def test_between_two_points_lies_a_line(published: tuple[Project, str]) -> None:
    """The historical pattern is published in steps of a quarter, the sliders move by less."""
    project, _ = published
    app = opened("what_if")
    app.radio[0].set_value("historical_pattern")
    rerun(app)
    app.slider(key="historical_pattern tv").set_value(110)
    rows = rerun(app).dataframe[0].value
    then = rows[(rows["state"] == "then") & (rows["channel"] == "tv")].iloc[0]
    points = project.query(
        "select * from mmm.mmm_response_curve_latest where basis = 'historical_pattern' "
        "and channel = 'tv' and spend_multiplier in (1, 1.25) order by spend_multiplier"
    )
    for figure in ("weekly_spend", "contribution_mean", "contribution_ci_lo", "mroi_mean"):
        lower, upper = points[figure]
        assert then[figure] == pytest.approx(lower + 0.4 * (upper - lower))
    # Between a spend that was seen and one that was not, nothing was seen.
    assert then["is_extrapolated"] == points["is_extrapolated"].iloc[1]
    assert_tables_are_their_answers(app, project)


def test_the_sums_of_what_if_are_those_of_its_rows(published: tuple[Project, str]) -> None:
    app = opened("what_if")
    then = what_if(app, tv=120, search=60)
    total = app.dataframe[1].value.iloc[0]
    assert total["outcome_then"] == pytest.approx(then["contribution_mean"].sum())
    spend, outcome = app.metric
    assert spend.value == written(then["weekly_spend"].sum())
    assert outcome.value == written(then["contribution_mean"].sum())
    assert outcome.delta == written(total["outcome_then"] - total["outcome_now"], is_signed=True)


def test_the_interval_of_a_sum_is_of_the_draws_sums(published: tuple[Project, str]) -> None:
    project, _ = published
    app = opened("what_if")
    what_if(app, tv=150, radio=50)
    found = app.dataframe[2].value.iloc[0]
    multiplier = "case channel when 'tv' then 1.5 when 'radio' then 0.5 else 1 end"
    draws = project.query(
        f"""
        select
            d.draw_index,
            sum(d.contribution) filter (abs(c.spend_multiplier - {multiplier}) < 1e-6) as chosen,
            sum(d.contribution) filter (abs(c.spend_multiplier - 1) < 1e-6) as now
        from mmm.mmm_response_draw_latest as d
        join mmm.mmm_response_curve_latest as c using (channel, basis, grid_index)
        where basis = 'steady_state'
        group by d.draw_index
        """
    )
    assert found["n_draws"] == len(draws) == 200
    change = draws["chosen"] - draws["now"]
    for figure, expected in {
        "outcome_then_ci_lo": draws["chosen"].quantile(0.05),
        "outcome_then_ci_hi": draws["chosen"].quantile(0.95),
        "change_ci_lo": change.quantile(0.05),
        "change_ci_hi": change.quantile(0.95),
        "prob_more": (change > 0).mean(),
    }.items():
        assert found[figure] == pytest.approx(expected), figure
    total = app.dataframe[1].value.iloc[0]
    assert found["outcome_then_ci_lo"] < total["outcome_then"] < found["outcome_then_ci_hi"]
    low, high = (written(change.quantile(level), is_signed=True) for level in (0.05, 0.95))
    assert f"between {low} and {high}" in text(app)


@pytest.mark.parametrize("basis", ["steady_state", "historical_pattern"])
def test_what_is_left_as_it_is_changes_nothing(published: tuple[Project, str], basis: str) -> None:
    app = opened("what_if")
    app.radio[0].set_value(basis)
    rerun(app)
    found = app.dataframe[2].value.iloc[0]
    assert found[["change_ci_lo", "change_ci_hi", "prob_more"]].tolist() == [0, 0, 0]
    assert [figure.delta for figure in app.metric] == ["+0", "+0"]
    assert "Nothing is changed yet" in text(app)


@pytest.mark.usefixtures("rerun")
def test_a_change_is_told_however_few_draws_are_kept() -> None:
    """With one draw its interval is empty, as that of no change is."""
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute("delete from mmm.mmm_response_draw_latest where draw_index > 0")
    app = opened("what_if")
    what_if(app, tv=150)
    found = app.dataframe[2].value.iloc[0]
    assert found["n_draws"] == 1
    assert found["change_ci_lo"] == found["change_ci_hi"] > 0
    assert "It is more than now in 100% of 1 posterior draws" in text(app)


def test_a_plan_is_read_out_with_its_interval(published: tuple[Project, str]) -> None:
    project, _ = published
    app = opened("next_unit")
    for scenario in app.selectbox[-1].options:
        app.selectbox[-1].set_value(scenario)
        rerun(app)
        row = project.query(
            f"select * from mmm.mmm_budget_plan_summary_latest where scenario = '{scenario}'"
        ).iloc[0]
        gain, low, high = (
            written(row[f"gain_{end}"], is_signed=True) for end in ("mean", "ci_lo", "ci_hi")
        )
        assert f"**{gain} revenue in 13 weeks**" in text(app)
        assert f"90% probability it is between {low} and {high}" in text(app)


def test_the_forecast_follows_the_last_week_and_sums_up(published: tuple[Project, str]) -> None:
    project, _ = published
    app = opened("next_weeks")
    rows = app.dataframe[0].value
    last = project.query("select max(week_start) as week from mmm.mmm_model_fit_latest")["week"][0]
    assert (rows["week_start"].iloc[0] - last).days == 7
    assert rows["outcome_q05"].lt(rows["outcome_q50"]).all()
    outcome, spend = app.metric
    assert outcome.value == written(rows["outcome_mean"].sum())
    assert spend.value == written(rows["planned_spend"].sum())


@pytest.mark.usefixtures("rerun")
def test_forecasts_that_were_scored_stand_beside_what_came() -> None:
    """On the copy that the dashboard reads, with one forecast of a week that has come."""
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute(
            """
            insert into mmm.mmm_forecast_ledger by name
            select
                model_key, 'refit' as run_type, series_key, as_of_week, week_start, 1 as horizon,
                outcome_q05, outcome_q50, outcome_q95, outcome_q50 + 1000 as actual,
                outcome_q50 - 3000 as naive, true as is_within_90, 1000 as absolute_error
            from mmm.mmm_forecast_ledger order by week_start limit 1
            """
        )
        copy.execute(
            """
            insert into mmm.mmm_forecast_calibration by name
            select
                'demo' as model_key, 'refit' as run_type, 'national' as series_key, 1 as horizon,
                26 as n_weeks, 0.88 as coverage_90, 0.7 as crps_vs_naive, true as is_current
            """
        )
    app = opened("next_weeks")
    calibration, ledger = (table.value.iloc[0] for table in app.dataframe[2:])
    assert (calibration["horizon"], calibration["coverage_90"]) == (1, 0.88)
    assert ledger["actual"] - ledger["outcome_q50"] == pytest.approx(1000)
    assert ledger["outcome_q50"] - ledger["naive"] == pytest.approx(3000)


@pytest.mark.usefixtures("rerun")
def test_the_causes_of_a_move_stand_below_it_the_largest_first() -> None:
    """On the copy that the dashboard reads, with a move of each channel and its causes."""
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute(
            """
            insert into mmm.mmm_run_delta_latest by name
            select
                run_id, model_key, series_key, channel, 'roi' as metric,
                'before' as previous_run_id, roi_mean as previous_mean, roi_sd as previous_sd,
                roi_ci_lo as previous_ci_lo, roi_ci_hi as previous_ci_hi,
                roi_mean + roi_sd as current_mean, roi_sd as current_sd,
                roi_ci_lo as current_ci_lo, roi_ci_hi as current_ci_hi, 1 as shift_sd,
                0.5 as interval_overlap, 'several' as cause, 'new_weeks,seed' as changed
            from mmm.mmm_channel_summary_latest where period = 'all'
            """
        )
    app = opened("trust")
    assert "`mmm changes" in text(app)
    n_tables = len(app.dataframe)
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute(
            """
            insert into mmm.mmm_run_delta_cause_latest by name
            select
                run_id, model_key, series_key, channel, metric, step_index,
                case step_index when 0 then 'seed' else 'new_weeks' end as cause,
                previous_run_id, previous_mean, current_mean,
                case step_index when 0 then -1 else 2 end * size as shift, shift as shift_sd,
                true as has_passed
            from mmm.mmm_run_delta_latest
            cross join (values (0), (1)) as steps (step_index)
            cross join lateral (select case channel when 'radio' then 3 else 1 end as size)
            """
        )
    st.cache_data.clear()
    app = opened("trust")
    assert len(app.dataframe) == n_tables + 1
    (causes,) = (table.value for table in app.dataframe if "step_index" in table.value)
    assert list(causes["channel"].iloc[:3]) == ["radio", "radio", "display"]
    assert list(causes["cause"].iloc[:2]) == ["seed", "new_weeks"]
    assert list(causes["shift_sd"].iloc[:2]) == [-3, 6]
    assert "The move from run `before` by cause" in text(app)


def test_what_is_missing_is_said(published: tuple[Project, str]) -> None:
    assert "No forecast has been scored yet" in text(opened("next_weeks"))
    assert "No lift tests" in text(opened("trust"))


@pytest.mark.usefixtures("rerun")
@pytest.mark.parametrize("page", ["what_if", "worth", "next_unit"])
def test_a_region_without_media_has_pages_without_its_curves(page: str) -> None:
    """On the copy that the dashboard reads, with a region in which nothing was spent."""
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute(
            """
            insert into mmm.mmm_channel_summary_latest by name
            select
                run_id, model_key, 'a region' as series_key, channel, period, is_paid, 0 as spend,
                0 as contribution_mean, 0 as contribution_ci_lo, 0 as contribution_ci_hi,
                'no spend' as no_return_reason, ci_level
            from mmm.mmm_channel_summary_latest
            """
        )
    app = opened(page)
    assert not app.exception
    said = "a region has no spend in any channel" if page == "what_if" else "no spend"
    assert said in text(app)
    assert "nan" not in text(app)


@pytest.mark.usefixtures("rerun")
@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e4])
def test_sums_are_written_by_their_size(unit: float) -> None:
    """On the copy that the dashboard reads, with outcome and spend in another unit."""
    money = ["weekly_spend", "contribution_mean", "contribution_ci_lo", "contribution_ci_hi"]
    with duckdb.connect(str(data.source().database)) as copy:
        scaled = ", ".join(f"{name} = {name} * {unit}" for name in money)
        copy.execute(f"update mmm.mmm_response_curve_latest set {scaled}")
        scaled = f"contribution = contribution * {unit}"
        copy.execute(f"update mmm.mmm_response_draw_latest set {scaled}")
    app = opened("what_if")
    what_if(app, tv=120)
    total = app.dataframe[1].value.iloc[0]
    for metric, name in zip(app.metric, ("spend_then", "outcome_then"), strict=True):
        shown = float(metric.value.replace(",", ""))
        assert shown == pytest.approx(total[name], rel=0.005)
        assert float(str(metric.delta).replace(",", "")) > 0


def test_a_channel_without_a_return_is_named_with_the_reason(rerun: tuple[Project, str]) -> None:
    with duckdb.connect(str(data.source().database)) as copy:
        copy.execute(
            """
            update mmm.mmm_channel_summary_latest
            set roi_mean = null, mroi_mean = null, no_return_reason = 'spend under a share'
            where channel = 'tv'
            """
        )
    for page in ("worth", "next_unit"):
        st.cache_data.clear()
        app = opened(page)
        assert "No return for tv: spend under a share." in text(app)
        assert app.dataframe[0].value["channel"].iloc[-1] == "tv"


def test_without_a_published_run_it_says_what_to_do(project: Project) -> None:
    app = rerun(AppTest.from_file(str(APP), default_timeout=60))
    assert "There is no published run" in text(app)
    assert not app.dataframe


def test_no_connection_is_held(published: tuple[Project, str]) -> None:
    """Another process may replace and write the copy while the dashboard is open."""
    opened("worth")
    with duckdb.connect(str(data.source().database)) as writer:
        writer.execute("create or replace temp table mine as select 1")
