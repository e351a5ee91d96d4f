"""What happens if? The response curves at spends of the reader's, interpolated in SQL alone."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import charts
from dashboards.data import Answer, ask
from dashboards.numbers import change, written
from dashboards.published import Published, opened
from dashboards.tables import NUMBER, PERCENT, show

BASES = {
    "steady_state": "The same every week",
    "historical_pattern": "In the pattern of the past weeks",
}
TODAY = """
select channel, weekly_spend, max_multiplier, seen_from, seen_multiplier
from (
    select
        channel,
        max(spend_multiplier) as max_multiplier,
        max(case when not is_extrapolated then spend_multiplier else 0 end) as seen_multiplier,
        -- Of a channel that was off, whose first point is seen, all that is below it is seen too.
        case
            when min(case when not is_extrapolated then spend_multiplier end)
                > min(spend_multiplier)
                then min(case when not is_extrapolated then spend_multiplier end)
            else 0
        end as seen_from,
        max(case when abs(spend_multiplier - 1) < 1e-9 then weekly_spend end) as weekly_spend
    from mmm.mmm_response_curve_latest
    where run_id = :run_id and series_key = :series_key and basis = :basis
    group by channel
) as curves
order by channel
"""
# More is not better by itself: no colour and no arrow.
PLAIN: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}
# The segment of a curve that a chosen spend lies in; 0 lies in the first.
IN_SEGMENT = """
        on chosen.channel = segments.channel
        and chosen.spend_multiplier <= segments.spend_multiplier
        and (
            chosen.spend_multiplier > from_multiplier
            or (chosen.spend_multiplier = 0 and from_multiplier = 0)
        )
"""
# A line between the two grid points about each spend; no spend brings nothing. An answer between
# two points is extrapolated if either is, and no spend if the first point is.
WHAT_IF = """
with
chosen (channel, state, spend_multiplier) as (
    values
    {chosen}
),
curves as (
    select
        channel, spend_multiplier, weekly_spend, contribution_mean, contribution_ci_lo,
        contribution_ci_hi, mroi_mean, mroi_ci_lo, mroi_ci_hi, is_extrapolated, ci_level
    from mmm.mmm_response_curve_latest
    where run_id = :run_id and series_key = :series_key and basis = :basis
    union all
    select
        channel, 0, 0, 0, 0, 0, mroi_mean, mroi_ci_lo, mroi_ci_hi, is_extrapolated, ci_level
    from mmm.mmm_response_curve_latest
    where
        run_id = :run_id and series_key = :series_key and basis = :basis and grid_index = 0
        and spend_multiplier > 0
),
segments as (
    select
        *,
        lag(spend_multiplier) over by_spend as from_multiplier,
        lag(weekly_spend) over by_spend as from_spend,
        lag(contribution_mean) over by_spend as from_mean,
        lag(contribution_ci_lo) over by_spend as from_ci_lo,
        lag(contribution_ci_hi) over by_spend as from_ci_hi,
        lag(mroi_mean) over by_spend as from_mroi_mean,
        lag(mroi_ci_lo) over by_spend as from_mroi_ci_lo,
        lag(mroi_ci_hi) over by_spend as from_mroi_ci_hi,
        lag(is_extrapolated) over by_spend as from_is_extrapolated
    from curves
    window by_spend as (partition by channel order by spend_multiplier)
),
placed as (
    select
        segments.*,
        chosen.state,
        chosen.spend_multiplier as chosen_multiplier,
        (chosen.spend_multiplier - from_multiplier)
            / (segments.spend_multiplier - from_multiplier) as share
    from chosen
    inner join segments{in_segment}
)
select
    channel,
    state,
    chosen_multiplier as spend_multiplier,
    from_spend + share * (weekly_spend - from_spend) as weekly_spend,
    from_mean + share * (contribution_mean - from_mean) as contribution_mean,
    from_ci_lo + share * (contribution_ci_lo - from_ci_lo) as contribution_ci_lo,
    from_ci_hi + share * (contribution_ci_hi - from_ci_hi) as contribution_ci_hi,
    from_mroi_mean + share * (mroi_mean - from_mroi_mean) as mroi_mean,
    from_mroi_ci_lo + share * (mroi_ci_lo - from_mroi_ci_lo) as mroi_ci_lo,
    from_mroi_ci_hi + share * (mroi_ci_hi - from_mroi_ci_hi) as mroi_ci_hi,
    (is_extrapolated and share > 0) or (from_is_extrapolated and share < 1) as is_extrapolated,
    ci_level
from placed
"""
TOTAL = """
select
    sum(case when state = 'now' then weekly_spend end) as spend_now,
    sum(case when state = 'then' then weekly_spend end) as spend_then,
    sum(case when state = 'now' then contribution_mean end) as outcome_now,
    sum(case when state = 'then' then contribution_mean end) as outcome_then
from ({what_if}) as answers
"""
# Channels are summed draw by draw, as they depend on each other; then the quantiles are taken.
# Each channel's change before their sum: one that is left as it is adds exactly nothing.
OF_SUMS = """
with
chosen (channel, state, spend_multiplier) as (
    values
    {chosen}
),
curves as (
    select draws.channel, draws.draw_index, points.spend_multiplier, draws.contribution
    from mmm.mmm_response_draw_latest as draws
    inner join mmm.mmm_response_curve_latest as points
        on draws.run_id = points.run_id
        and draws.series_key = points.series_key
        and draws.channel = points.channel
        and draws.basis = points.basis
        and draws.grid_index = points.grid_index
    where
        draws.run_id = :run_id and draws.series_key = :series_key and draws.basis = :basis
    union all
    select channel, draw_index, 0, 0
    from mmm.mmm_response_draw_latest
    where run_id = :run_id and series_key = :series_key and basis = :basis and grid_index = 0
),
segments as (
    select
        *,
        lag(spend_multiplier) over by_spend as from_multiplier,
        lag(contribution) over by_spend as from_contribution
    from curves
    window by_spend as (partition by channel, draw_index order by spend_multiplier)
),
placed as (
    select
        segments.channel,
        segments.draw_index,
        chosen.state,
        from_contribution
            + (contribution - from_contribution)
            * (chosen.spend_multiplier - from_multiplier)
            / (segments.spend_multiplier - from_multiplier) as contribution
    from chosen
    inner join segments{in_segment}
),
by_channel as (
    select
        draw_index,
        sum(case when state = 'then' then contribution end) as outcome_then,
        sum(case when state = 'now' then contribution end) as outcome_now
    from placed
    group by channel, draw_index
),
sums as (
    select
        draw_index,
        sum(outcome_then) as outcome_then,
        sum(outcome_then - outcome_now) as change
    from by_channel
    group by draw_index
)
select
    percentile_cont({low}) within group (order by outcome_then) as outcome_then_ci_lo,
    percentile_cont({high}) within group (order by outcome_then) as outcome_then_ci_hi,
    percentile_cont({low}) within group (order by change) as change_ci_lo,
    percentile_cont({high}) within group (order by change) as change_ci_hi,
    avg(cast(case when change > 0 then 1 else 0 end as double precision)) as prob_more,
    count(*) as n_draws
from sums
"""


def choose_spends(today: pd.DataFrame, basis: str, currency: str) -> dict[str, float]:
    """A slider for each channel: the multiple of its mean weekly spend."""
    multipliers: dict[str, float] = {}
    for first in range(0, len(today), 2):
        # Pair by pair, so that on a phone, where columns follow each other, the order stays.
        pair = today.iloc[first : first + 2].to_dict("records")
        for column, channel in zip(st.columns(2), pair, strict=False):
            name = channel["channel"]
            percent = column.slider(
                f"{name}, % of its {written(channel['weekly_spend'])} {currency} a week",
                0,
                round(100 * channel["max_multiplier"]),
                100,
                step=5,
                format="%d%%",
                help=f"The data have seen {channel['seen_from']:.0%} to "
                f"{channel['seen_multiplier']:.0%}.",
                key=f"{basis} {name}",
            )
            multipliers[name] = percent / 100
    return multipliers


def chosen(multipliers: dict[str, float]) -> tuple[str, dict[str, str | float]]:
    """The rows of `chosen`, as SQL and its parameters: each channel as it is and as chosen."""
    rows: list[str] = []
    values: dict[str, str | float] = {}
    for channel_index, (channel, multiplier) in enumerate(multipliers.items()):
        values |= {f"channel_{channel_index}": channel, f"multiplier_{channel_index}": multiplier}
        name = f"cast(:channel_{channel_index} as varchar)"
        rows.append(f"({name}, 'now', cast(1 as double precision))")
        rows.append(f"({name}, 'then', cast(:multiplier_{channel_index} as double precision))")
    return ",\n    ".join(rows), values


def show_total(
    total: Answer, of_sums: Answer, level: float, run: Published, *, is_as_now: bool
) -> None:
    """Both sums, and what the change is worth: its mean, and where draws are there, how sure."""
    sums, interval = total.rows.iloc[0], of_sums.rows.iloc[0]
    more = change(sums["spend_now"], sums["spend_then"])
    gain = change(sums["outcome_now"], sums["outcome_then"])
    left, right = st.columns(2)
    left.metric(
        f"Spend, {run.currency} a week",
        written(sums["spend_then"]),
        written(more, is_signed=True),
        **PLAIN,
    )
    right.metric(
        f"{run.outcome} from these channels a week",
        written(sums["outcome_then"]),
        written(gain, is_signed=True),
        **PLAIN,
    )
    if not interval["n_draws"]:
        st.caption(
            "Posterior means. Intervals of sums need mmm_response_draw_latest, which is of all "
            "series together, and written where evaluation.response_draws is not 0."
        )
        return
    sure = (
        f"Posterior means. With {level:.0%} probability the sum lies between "
        f"{written(interval['outcome_then_ci_lo'])} and {written(interval['outcome_then_ci_hi'])}"
    )
    if is_as_now:
        st.caption(f"{sure}. Nothing is changed yet: move a slider.")
        return
    low, high = (written(interval[f"change_{end}"], is_signed=True) for end in ("ci_lo", "ci_hi"))
    st.caption(
        f"{sure}, and the change between {low} and {high}. It is more than now in "
        f"{interval['prob_more']:.0%} of {interval['n_draws']:.0f} posterior draws."
    )


run = opened("What happens if?")
basis = st.radio("How the money is spent", BASES, format_func=BASES.__getitem__, horizontal=True)
of_curves = {**run.keys, "basis": basis}
today = ask(TODAY, **of_curves)
if today.rows.empty:
    st.info(f"{run.series_key} has no spend in any channel: there is no response curve to ask.")
    st.stop()
multipliers = choose_spends(today.rows, basis, run.currency)
rows, values = chosen(multipliers)
query = WHAT_IF.format(chosen=rows, in_segment=IN_SEGMENT)
answers = ask(f"{query}order by channel, state", **of_curves, **values)
level = float(answers.rows["ci_level"].max())
tail = (1 - level) / 2
then = answers.rows[answers.rows["state"] == "then"]
beyond = list(then.loc[then["is_extrapolated"], "channel"])
if beyond:
    st.warning(
        f"Outside of what the data have seen: {', '.join(beyond)}. Above the most adstock of any "
        "week, and below the least of a channel that was never off, the curve is the model's shape "
        "and its priors, not observation."
    )
total = ask(TOTAL.format(what_if=query), **of_curves, **values)
of_sums = ask(
    OF_SUMS.format(chosen=rows, in_segment=IN_SEGMENT, low=f"{tail:.6g}", high=f"{1 - tail:.6g}"),
    **of_curves,
    **values,
)
show_total(total, of_sums, level, run, is_as_now=set(multipliers.values()) == {1.0})
drawn = answers.rows.rename(columns=lambda name: name.removeprefix("contribution_"))
st.altair_chart(charts.before_after(drawn, f"{run.outcome} a week", ("now", "then")))
st.caption(
    f"{run.outcome} a week of each channel once carry-over has settled, mean and {level:.0%} "
    "interval, now and with the spend chosen. Straight lines between the published points of the "
    "response curves."
)
show(
    answers,
    "what_if",
    dict.fromkeys(
        ["weekly_spend", "contribution_mean", "contribution_ci_lo", "contribution_ci_hi"], NUMBER
    )
    | dict.fromkeys(["mroi_mean", "mroi_ci_lo", "mroi_ci_hi"], NUMBER)
    | dict.fromkeys(["spend_multiplier", "ci_level"], PERCENT),
)
show(
    total,
    "what_if_total",
    dict.fromkeys(["spend_now", "spend_then", "outcome_now", "outcome_then"], NUMBER),
)
show(
    of_sums,
    "what_if_interval",
    dict.fromkeys(
        ["outcome_then_ci_lo", "outcome_then_ci_hi", "change_ci_lo", "change_ci_hi"], NUMBER
    )
    | {"prob_more": PERCENT},
)
