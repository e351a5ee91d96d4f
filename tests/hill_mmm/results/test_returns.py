"""Returns of a period's spend, against panels in which that spend is taken away."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._results.learned import LEAST_SPEND_SHARE
from hill_mmm._results.periods import Period, period_between, summary_periods
from hill_mmm._results.returns import WEEKS_AFTER, returns_with_total
from hill_mmm.panel import WEEK
from hill_mmm.panel.rows import DAY
from hill_mmm.results import estimates, summary_between, with_total

InventFit = Callable[..., Fit]


def going_on(panel: Panel) -> Panel:
    """The panel and the weeks after it, in which media are as in the last quarter on average."""
    ahead = (WEEKS_AFTER, len(panel.series))
    media = np.tile(panel.media[-13:].mean(axis=0), (WEEKS_AFTER, 1, 1))
    paid = len(panel.channels)
    return replace(
        panel,
        weeks=np.concatenate([panel.weeks, panel.weeks[-1] + WEEK * np.arange(1, ahead[0] + 1)]),
        outcome=np.concatenate([panel.outcome, np.full(ahead, np.nan)]),
        spend=np.concatenate([panel.spend, media[:, :, :paid]]),
        organic=np.concatenate([panel.organic, media[:, :, paid:]]),
        controls=np.concatenate([panel.controls, np.zeros((*ahead, len(panel.control_names)))]),
    )


def scaled(panel: Panel, period: Period, factor: float) -> Panel:
    """The panel with the media of a period multiplied."""
    weeks = period.within(panel.weeks)
    spend, organic = panel.spend.copy(), panel.organic.copy()
    spend[weeks] *= factor
    organic[weeks] *= factor
    return replace(panel, spend=spend, organic=organic)


def without_carry_in(fit: Fit) -> Fit:
    """The fit without anything before the first week: it would change with the first weeks."""
    return replace(fit, draws=fit.draws | {"carry_in": np.zeros_like(fit.draws["carry_in"])})


@pytest.mark.parametrize("name", ["all", "last_52_weeks", "last_13_weeks", "2021", "2022-04"])
def test_the_return_of_a_period_is_that_of_its_own_spend(mixture: Fit, name: str) -> None:
    """Without its spend alone: what came before it still works in it, what it left goes with it."""
    panel, step = mixture.panel, 1e-5
    fit = mixture if name in ("last_13_weeks", "2022-04") else without_carry_in(mixture)
    (period,) = (each for each in summary_periods(panel.weeks) if each.name == name)
    longer = going_on(panel)
    panels = (longer, scaled(longer, period, 0.0), scaled(longer, period, 1 + step))
    found = returns_with_total(fit, panel, [period])
    of_panels = (with_total(fit, each) for each in panels)
    for returns, as_it_was, without, raised in zip(found, *of_panels, strict=True):
        assert returns.series == as_it_was.series
        weeks = period.within(as_it_was.weeks)
        counted = slice(weeks.start, weeks.stop + WEEKS_AFTER)
        effect = (as_it_was.media - without.media)[:, counted].sum(axis=1)
        np.testing.assert_allclose(returns.effect[:, 0], effect, rtol=1e-7, atol=1e-7)
        gain = (raised.media - as_it_was.media)[:, counted].sum(axis=1) / step
        np.testing.assert_allclose(returns.gain[:, 0], gain, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["delayed", "weibull"])
def test_returns_follow_every_kind_of_carry_over(
    market: Panel, invent_fit: InventFit, kind: str
) -> None:
    spec = ModelSpec(adstock=kind, trend="linear", fourier_order=1)  # pyright: ignore[reportArgumentType]
    fit = invent_fit(market.head(91), spec)
    (period,) = (p for p in summary_periods(fit.panel.weeks) if p.name == "2021-Q3")
    longer = going_on(fit.panel)
    (returns,) = returns_with_total(fit, fit.panel, [period])
    (as_it_was,), (without,) = (
        with_total(fit, each) for each in (longer, scaled(longer, period, 0.0))
    )
    effect = (as_it_was.media - without.media).sum(axis=1)
    np.testing.assert_allclose(returns.effect[:, 0], effect, rtol=1e-7, atol=1e-7)


def test_several_periods_at_once_are_what_each_is_alone(mixture: Fit) -> None:
    periods = summary_periods(mixture.panel.weeks)
    together = list(returns_with_total(mixture, mixture.panel, periods))
    for index in (0, 2, len(periods) - 1):
        alone = returns_with_total(mixture, mixture.panel, [periods[index]])
        for one, of_all in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.effect[:, 0], of_all.effect[:, index], rtol=1e-12)
            np.testing.assert_allclose(one.gain[:, 0], of_all.gain[:, index], rtol=1e-12)


def test_a_channel_that_pauses_keeps_the_return_of_what_it_spent(national_mixture: Fit) -> None:
    """Spend of three weeks, all of it before the last quarter, is in no return of that quarter."""
    spend = national_mixture.panel.spend.copy()
    tv = national_mixture.panel.channels.index("tv")
    spend[-16:-13, :, tv] = 3 * spend[:, :, tv].mean()
    spend[-13:, :, tv] = 1.0
    fit = replace(national_mixture, panel=replace(national_mixture.panel, spend=spend))
    rows = estimates(fit).channel_summary.query("channel == 'tv'").set_index("period")
    quarter = rows.loc["last_13_weeks"]
    assert quarter["contribution_mean"] > 100 * quarter["spend"]
    assert quarter["incremental_outcome_mean"] < quarter["contribution_mean"] / 100
    assert quarter["no_return_reason"] == "spend under 5% of the channel's usual week"
    returns = [f"{name}_{end}" for name in ("roi", "mroi") for end in ("mean", "ci_lo", "ci_hi")]
    assert quarter[[*returns, "cpik_median", "prob_roi_gt_1"]].isna().all()
    assert pd.isna(rows.loc["all", "no_return_reason"])
    assert rows.loc["all", returns].notna().all()


@pytest.mark.parametrize(("share", "has_return"), [(0.9, False), (1.1, True)])
def test_the_least_share_of_usual_spend_is_as_stated(
    national_mixture: Fit, share: float, has_return: bool
) -> None:
    spend = national_mixture.panel.spend.copy()
    spend[:] = 1000.0
    # Of a flight, its own weeks count: pauses about it are no low spend.
    spend[-13:] = 0.0
    little = share * LEAST_SPEND_SHARE
    # Of 78 weeks of 1,000 and two of x: x is this share of the mean of all.
    spend[-5:-3] = 78 * 1000.0 * little / (80 - 2 * little)
    fit = replace(national_mixture, panel=replace(national_mixture.panel, spend=spend))
    rows = estimates(fit).channel_summary.query("period == 'last_13_weeks' and is_paid")
    assert rows["roi_mean"].notna().all() == has_return
    assert rows["no_return_reason"].isna().all() == has_return


def test_periods_are_those_of_the_calendar() -> None:
    # From a Monday whose week has one day in 2023 to one whose week has three in April.
    weeks = np.arange(np.datetime64("2022-12-26"), np.datetime64("2024-04-01"), WEEK)
    periods = {period.name: period for period in summary_periods(weeks)}
    assert [name for name in periods if len(name) == 4] == ["2022", "2023", "2024"]
    assert [name for name in periods if "Q" in name] == [
        *("2022-Q4", "2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4", "2024-Q1")
    ]
    assert periods["2023"] == Period(
        "2023", np.datetime64("2023-01-02"), np.datetime64("2023-12-25")
    )
    # The week of 29 January has four days in February.
    assert periods["2024-02"] == Period(
        "2024-02", np.datetime64("2024-01-29"), np.datetime64("2024-02-26")
    )
    for names in (["2023-01", "2023-02", "2023-03"], [f"2023-Q{n}" for n in range(1, 5)]):
        whole = periods["2023-Q1"] if len(names) == 3 else periods["2023"]
        assert periods[names[0]].first == whole.first
        assert periods[names[-1]].last == whole.last
    assert periods["last_13_weeks"].first == weeks[-13]
    assert periods["all"] == Period("all", weeks[0], weeks[-1])


def test_months_add_up_to_their_year_in_contribution_and_spend(mixture: Fit) -> None:
    rows = estimates(mixture).channel_summary
    year = rows["period"].str[:4]
    keys = ["series_key", "channel"]
    months = rows[rows["period"].str.fullmatch(r"\d{4}-\d{2}")].groupby([*keys, year])
    of_years = rows[rows["period"].str.fullmatch(r"\d{4}")].set_index([*keys, "period"])
    for column in ("spend", "contribution_mean"):
        summed = months[column].sum()
        np.testing.assert_allclose(summed, of_years[column].loc[summed.index], rtol=1e-9)


def test_between_two_days_are_the_weeks_that_mostly_lie_there(mixture: Fit) -> None:
    weeks = mixture.panel.weeks
    found = summary_between(mixture, weeks[20] + 3 * DAY, weeks[30] + 3 * DAY)
    starts = found.groupby("series_key")["period_start"].first()
    for series, start in zip(mixture.panel.series, mixture.panel.starts, strict=True):
        # One of the regions begins after the first of these weeks.
        assert starts[series] == pd.Timestamp(weeks[max(start, 20)])
    assert (found["period_end"] == pd.Timestamp(weeks[30] + 6 * DAY)).all()
    assert period_between(weeks, weeks[20] + 4 * DAY, weeks[30] + 2 * DAY) == Period(
        f"{weeks[20] + 4 * DAY} to {weeks[30] + 2 * DAY}", weeks[21], weeks[29]
    )
    with pytest.raises(ValueError, match=f"no week lies between .*: the weeks go from {weeks[0]}"):
        summary_between(mixture, weeks[0] - 30 * DAY, weeks[0] - 20 * DAY)


def test_what_led_in_is_in_no_period(national_mixture: Fit) -> None:
    """Spend of weeks before the first outcome works on, and is nobody's to be divided by."""
    whole = national_mixture.panel
    outcome = whole.outcome.copy()
    outcome[:10] = np.nan
    panel = replace(whole, outcome=outcome, starts=np.array([10]))
    fit = replace(without_carry_in(national_mixture), panel=panel)
    (period, *_) = summary_periods(panel.outcome_weeks)
    assert period == Period("all", panel.weeks[10], panel.weeks[-1])
    longer = going_on(panel)
    # A period that began with the lead-in has no more.
    from_the_first = replace(period, first=panel.weeks[0])
    (returns,) = returns_with_total(fit, panel, [period, from_the_first])
    (as_it_was,), (without,) = (
        with_total(fit, each) for each in (longer, scaled(longer, period, 0.0))
    )
    effect = (as_it_was.media - without.media).sum(axis=1)
    for index in (0, 1):
        np.testing.assert_allclose(returns.effect[:, index], effect, rtol=1e-7)
    rows = estimates(fit).channel_summary.query("period == 'all'")
    np.testing.assert_allclose(rows["spend"], panel.spend[10:, 0].sum(axis=0))
    assert (rows["period_start"] == pd.Timestamp(panel.weeks[10])).all()
