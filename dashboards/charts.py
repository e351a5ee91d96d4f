"""The charts, as the field draws them. They draw rows as they are; nothing is computed here."""

import altair as alt
import pandas as pd

from dashboards.numbers import AXIS, TOOLTIP

Drawing = alt.Chart | alt.LayerChart | alt.FacetChart

INK, QUIET, GRID = "#1f2933", "#6b7785", "#e4e8ec"
ACCENT, WITHOUT_MEDIA, GAIN, LOSS = "#2f5d8a", "#d5dae0", "#2f5d8a", "#a5545f"
MEDIA = [
    "#2f5d8a",
    "#c27c3e",
    "#5b8c5a",
    "#a5545f",
    "#7a6a9b",
    "#4a9a9a",
    "#9a8a4a",
    "#b58db0",
    "#3d4f5f",
    "#8fa8c4",
]
REST = "without media"
ENDS = ("mean", "ci_lo", "ci_hi")


def colours(media: list[str]) -> alt.Scale:
    """The same colour for a medium on every page, whatever else is shown."""
    ordered = sorted(media)
    drawn = [MEDIA[position % len(MEDIA)] for position in range(len(ordered))]
    return alt.Scale(domain=[REST, *ordered], range=[WITHOUT_MEDIA, *drawn])


def finished(chart: Drawing, about: str, height: int) -> Drawing:
    """A chart in the house's style, with what it shows as its text for screen readers."""
    return (
        alt.layer(chart)
        .properties(height=height, description=about)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GRID,
            domainColor=QUIET,
            tickColor=GRID,
            labelColor=INK,
            titleColor=QUIET,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_legend(labelColor=INK, labelFontSize=12, symbolType="square")
        .configure_title(anchor="start", color=INK, fontSize=14, fontWeight=600)
        .configure_text(fontSize=12)
    )


def weekly_parts(rows: pd.DataFrame, fit: pd.DataFrame, outcome: str) -> Drawing:
    """Stacked parts of each week, and what was sold as a line.

    Args:
        rows: week_start, part, contribution; one part is `without media`.
        fit: week_start, actual.
        outcome: its name.
    """
    media = [part for part in rows["part"].unique() if part != REST]
    stack = _stack(rows, media, outcome)
    actual = (
        alt.Chart(fit.assign(week_start=pd.to_datetime(fit["week_start"])))
        .mark_line(color=INK, strokeWidth=1.2)
        .encode(
            x="week_start:T",
            y="actual:Q",
            tooltip=[
                alt.Tooltip("week_start:T", title="week", format="%Y-%m-%d"),
                alt.Tooltip("actual:Q", title="actual", format=TOOLTIP),
            ],
        )
    )
    about = f"{outcome} by week: stacked parts without and with media, and the actual as a line"
    return finished(stack + actual, about, 360)


def weekly_media(rows: pd.DataFrame, outcome: str) -> Drawing:
    """Stacked contributions of the media alone: week_start, part, contribution."""
    of_media = rows[rows["part"] != REST]
    stack = _stack(of_media, list(of_media["part"].unique()), outcome)
    return finished(stack, f"{outcome} from each medium by week, stacked", 260)


def _stack(rows: pd.DataFrame, media: list[str], outcome: str) -> alt.Chart:
    scale = colours(media)
    shown = [part for part in scale.domain if part in set(rows["part"])]
    order = {part: position for position, part in enumerate(shown)}
    data = rows.assign(
        week_start=pd.to_datetime(rows["week_start"]), position=rows["part"].map(order)
    )
    legend = alt.Legend(orient="top", title=None, columns=0, values=shown, labelLimit=200)
    return (
        alt.Chart(data)
        .mark_area()
        .encode(
            x=alt.X("week_start:T", title=None, axis=alt.Axis(grid=False, format="%b %Y")),
            y=alt.Y(
                "contribution:Q",
                stack="zero",
                title=f"{outcome} a week",
                axis=alt.Axis(labelExpr=AXIS, tickCount=5),
            ),
            color=alt.Color("part:N", scale=scale, legend=legend),
            order="position:Q",
            tooltip=[
                alt.Tooltip("week_start:T", title="week", format="%Y-%m-%d"),
                alt.Tooltip("part:N"),
                alt.Tooltip("contribution:Q", title=outcome, format=TOOLTIP),
            ],
        )
    )


def waterfall(rows: pd.DataFrame, outcome: str) -> Drawing:
    """Bars from where the part before ended, with the interval of each medium's own end.

    Args:
        rows: of mmm_waterfall_latest, one series and period.
        outcome: its name.
    """
    base = rows.loc[rows["component_type"] == "baseline", "ends_at"].iloc[0]
    others = rows[~rows["component_type"].isin(["baseline", "expected"])]
    tops = [*rows["ends_at"], *rows["starts_at"], *rows["interval_ends_at"].dropna()]
    low = min([base, *others["ends_at"], *others["starts_at"]])
    # Where the baseline dwarfs the rest the axis begins below it, and says so.
    first = low - 0.35 * (max(tops) - low)
    cut = first > 0
    title = f"{outcome}; the axis begins at {_short(first)}" if cut else outcome
    domain = alt.Scale(domain=[first if cut else min(0, low), max(tops)], nice=False)
    data = rows.assign(
        kind=rows["component_type"].map(_kind),
        drawn_from=rows["starts_at"].clip(lower=first) if cut else rows["starts_at"],
        label=rows["contribution_mean"].map(_short),
        label_at=rows[["starts_at", "ends_at", "interval_ends_at"]].max(axis=1),
    )
    y = alt.Y("component:N", sort=list(rows["component"]), title=None)
    x = alt.X("drawn_from:Q", scale=domain, title=title, axis=alt.Axis(labelExpr=AXIS, tickCount=5))
    kinds = alt.Scale(
        domain=["without media", "media", "expected"], range=["#aab4bf", ACCENT, "#3d4f5f"]
    )
    bars = (
        alt.Chart(data)
        .mark_bar(height={"band": 0.62})
        .encode(
            y=y,
            x=x,
            x2="ends_at:Q",
            color=alt.Color("kind:N", scale=kinds, legend=None),
            tooltip=[
                "component",
                alt.Tooltip("contribution_mean:Q", title="mean", format=TOOLTIP),
                alt.Tooltip("contribution_ci_lo:Q", title="interval from", format=TOOLTIP),
                alt.Tooltip("contribution_ci_hi:Q", title="to", format=TOOLTIP),
            ],
        )
    )
    intervals = (
        alt.Chart(data.dropna(subset=["interval_ends_at"]))
        .mark_rule(color=INK, strokeWidth=1.5)
        .encode(y=y, x="interval_starts_at:Q", x2="interval_ends_at:Q")
    )
    labels = (
        alt.Chart(data)
        .mark_text(align="left", dx=6, color=INK)
        .encode(y=y, x="label_at:Q", text="label:N")
    )
    about = f"Waterfall of {outcome} from the baseline to the expected outcome"
    return finished(bars + intervals + labels, about, 40 + 30 * len(rows)).properties(
        padding={"right": 60, "left": 5, "top": 5, "bottom": 5}
    )


def _kind(component_type: str) -> str:
    if component_type == "expected":
        return "expected"
    return "media" if component_type in ("channel", "organic") else "without media"


def intervals(
    rows: pd.DataFrame, name: str, unit: str, *, reference: float | None, at_least: float = 0
) -> Drawing:
    """A point with its interval for each channel, labelled with its value.

    Args:
        rows: channel, and `{name}_mean, _ci_lo, _ci_hi`, in the order to be shown.
        name: of the statistic.
        unit: of its axis.
        reference: where to draw a line across, or None.
        at_least: where the axis begins.
    """
    ends = rows[f"{name}_ci_lo"], rows[f"{name}_ci_hi"]
    data = rows.assign(
        label=[f"{mean:.2f}" for mean in rows[f"{name}_mean"]],
        ends=[f"{low:.2f} to {high:.2f}" for low, high in zip(*ends, strict=True)],
    )
    y = alt.Y("channel:N", sort=list(rows["channel"]), title=None)
    scale = alt.Scale(domainMin=at_least, nice=True)
    base = alt.Chart(data)
    tooltip = ["channel", alt.Tooltip("label:N", title="mean"), alt.Tooltip("ends:N", title="from")]
    line = base.mark_rule(color="#8fa8c4", strokeWidth=6, strokeCap="round").encode(
        y=y,
        x=alt.X(f"{name}_ci_lo:Q", scale=scale, title=unit, axis=alt.Axis(tickCount=5)),
        x2=f"{name}_ci_hi:Q",
        tooltip=tooltip,
    )
    point = base.mark_point(color=ACCENT, filled=True, size=90, opacity=1).encode(
        y=y, x=f"{name}_mean:Q", tooltip=tooltip
    )
    label = base.mark_text(dy=-13, color=INK).encode(y=y, x=f"{name}_mean:Q", text="label:N")
    layers = [line, point, label]
    if reference is not None:
        across = alt.Chart(pd.DataFrame({"reference": [reference]}))
        layers.insert(0, across.mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x="reference:Q"))
    about = f"{unit} of each channel: mean and interval"
    return finished(alt.layer(*layers), about, 50 + 44 * len(rows))


def response_curve(rows: pd.DataFrame, channel: str, outcome: str, currency: str) -> Drawing:
    """One channel's curve: interval band, spends observed shaded, and today's spend marked.

    Args:
        rows: grid_index, weekly_spend, spend_multiplier, contribution_*, is_extrapolated of one
            channel.
        channel: its name.
        outcome: what is modelled.
        currency: of spend.
    """
    seen = rows[~rows["is_extrapolated"]]
    x = alt.X(
        "weekly_spend:Q",
        title=f"{currency} a week",
        axis=alt.Axis(labelExpr=AXIS, grid=False, tickCount=5),
    )
    layers = []
    if not seen.empty:
        # A channel that was off for long enough has been seen down to nothing.
        least = 0.0 if 0 in seen["grid_index"].to_numpy() else seen["weekly_spend"].min()
        observed = pd.DataFrame({"from": [least], "to": [seen["weekly_spend"].max()]})
        layers.append(
            alt.Chart(observed)
            .mark_rect(color="#eef2f5")
            .encode(x=alt.X("from:Q", title=f"{currency} a week"), x2="to:Q")
        )
    curve = alt.Chart(rows)
    layers.append(
        curve.mark_area(color="#8fa8c4", opacity=0.35).encode(
            x=x,
            y=alt.Y(
                "contribution_ci_lo:Q",
                title=f"{outcome} a week",
                axis=alt.Axis(labelExpr=AXIS, tickCount=4),
            ),
            y2="contribution_ci_hi:Q",
        )
    )
    layers.append(
        curve.mark_line(color=ACCENT, strokeWidth=2).encode(
            x=x,
            y="contribution_mean:Q",
            tooltip=[
                alt.Tooltip("weekly_spend:Q", title="spend", format=TOOLTIP),
                alt.Tooltip("contribution_mean:Q", title=outcome, format=TOOLTIP),
                alt.Tooltip("contribution_ci_lo:Q", title="interval from", format=TOOLTIP),
                alt.Tooltip("contribution_ci_hi:Q", title="to", format=TOOLTIP),
                alt.Tooltip("is_extrapolated:N", title="outside of the data"),
            ],
        )
    )
    now = alt.Chart(rows[(rows["spend_multiplier"] - 1).abs() < 1e-9])
    layers.append(now.mark_rule(color=INK, strokeDash=[3, 3]).encode(x=x))
    layers.append(
        now.mark_point(color=INK, filled=True, size=70, opacity=1).encode(
            x=x, y="contribution_mean:Q"
        )
    )
    layers.append(
        now.mark_text(align="left", dx=7, dy=12, color=INK).encode(
            x=x, y="contribution_mean:Q", text=alt.value("mean spend")
        )
    )
    about = f"Response curve of {channel}: {outcome} a week against {currency} a week"
    return finished(alt.layer(*layers), about, 240).properties(title=channel)


def before_after(rows: pd.DataFrame, unit: str, states: tuple[str, str]) -> Drawing:
    """Each channel's figure in two states, with intervals: one row a channel and state.

    Args:
        rows: channel, state, mean, ci_lo, ci_hi.
        unit: of the axis.
        states: the earlier and the later one.
    """
    y = alt.Y("channel:N", sort=list(rows["channel"].unique()), title=None)
    offset = alt.YOffset("state:N", sort=list(states))
    scale = alt.Scale(domain=list(states), range=["#aab4bf", ACCENT])
    colour = alt.Color("state:N", scale=scale, legend=alt.Legend(orient="top", title=None))
    base = alt.Chart(rows)
    line = base.mark_rule(strokeWidth=5, strokeCap="round", opacity=0.5).encode(
        y=y,
        yOffset=offset,
        x=alt.X(
            "ci_lo:Q",
            title=unit,
            scale=alt.Scale(zero=True),
            axis=alt.Axis(labelExpr=AXIS, tickCount=5),
        ),
        x2="ci_hi:Q",
        color=colour,
    )
    point = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=y,
        yOffset=offset,
        x="mean:Q",
        color=colour,
        tooltip=[
            "channel",
            "state",
            alt.Tooltip("mean:Q", format=TOOLTIP),
            alt.Tooltip("ci_lo:Q", title="interval from", format=TOOLTIP),
            alt.Tooltip("ci_hi:Q", title="to", format=TOOLTIP),
        ],
    )
    about = f"{unit} of each channel, {states[0]} and {states[1]}, mean and interval"
    return finished(line + point, about, 70 + 46 * rows["channel"].nunique())


def moves(rows: pd.DataFrame, currency: str) -> Drawing:
    """From today's spend to the plan's, by channel.

    Args:
        rows: channel, current_weekly_spend, planned_weekly_spend.
        currency: of spend.
    """
    more = rows["planned_weekly_spend"] >= rows["current_weekly_spend"]
    data = rows.assign(
        change=more.map({True: "more", False: "less"}),
        label=[_short(spend) for spend in rows["planned_weekly_spend"]],
    )
    y = alt.Y("channel:N", sort=list(rows["channel"]), title=None)
    scale = alt.Scale(domain=["more", "less"], range=[GAIN, LOSS])
    legend = alt.Legend(orient="top", title=None)
    colour = alt.Color("change:N", scale=scale, legend=legend)
    base = alt.Chart(data)
    title = f"{currency} a week, from today (ring) to the plan (dot)"
    x = alt.X("current_weekly_spend:Q", title=title, axis=alt.Axis(labelExpr=AXIS, tickCount=5))
    tooltip = [
        "channel",
        alt.Tooltip("current_weekly_spend:Q", title="today", format=TOOLTIP),
        alt.Tooltip("planned_weekly_spend:Q", title="plan", format=TOOLTIP),
    ]
    line = base.mark_rule(strokeWidth=3).encode(y=y, x=x, x2="planned_weekly_spend:Q", color=colour)
    today = base.mark_point(color=QUIET, filled=False, size=80, opacity=1).encode(y=y, x=x)
    plan = base.mark_point(filled=True, size=100, opacity=1).encode(
        y=y, x="planned_weekly_spend:Q", color=colour, tooltip=tooltip
    )
    label = base.mark_text(dy=-13, color=INK).encode(
        y=y, x="planned_weekly_spend:Q", text="label:N"
    )
    about = f"{currency} a week of each channel, today and in the plan"
    return finished(alt.layer(line, today, plan, label), about, 70 + 44 * len(rows))


def fit_against_actual(rows: pd.DataFrame, outcome: str) -> Drawing:
    """Actual and expected outcome with its predictive interval; held-out weeks in another colour.

    Args:
        rows: of mmm_model_fit_latest, one series.
        outcome: its name.
    """
    data = rows.assign(
        week_start=pd.to_datetime(rows["week_start"]),
        weeks=rows["evaluation_set"].map(
            {"train": "fitted", "holdout": "forecast, held out", "scored": "scored since"}
        ),
    )
    scale = alt.Scale(
        domain=["fitted", "forecast, held out", "scored since"],
        range=[ACCENT, "#c27c3e", "#5b8c5a"],
    )
    shown = [kind for kind in scale.domain if kind in set(data["weeks"])]
    colour = alt.Color(
        "weeks:N", scale=scale, legend=alt.Legend(orient="top", title=None, values=shown)
    )
    x = alt.X("week_start:T", title=None, axis=alt.Axis(grid=False, format="%b %Y"))
    zoomed = alt.Scale(zero=False)
    band = (
        alt.Chart(data)
        .mark_area(opacity=0.25)
        .encode(
            x=x,
            y=alt.Y(
                "predicted_ci_lo:Q",
                title=f"{outcome} a week",
                scale=zoomed,
                axis=alt.Axis(labelExpr=AXIS, tickCount=5),
            ),
            y2="predicted_ci_hi:Q",
            color=colour,
        )
    )
    expected = (
        alt.Chart(data).mark_line(strokeWidth=1.6).encode(x=x, y="expected_mean:Q", color=colour)
    )
    actual = (
        alt.Chart(data)
        .mark_point(filled=True, size=18, color=INK, opacity=0.8)
        .encode(
            x=x,
            y="actual:Q",
            tooltip=[
                alt.Tooltip("week_start:T", title="week", format="%Y-%m-%d"),
                alt.Tooltip("actual:Q", format=TOOLTIP),
                alt.Tooltip("expected_mean:Q", title="expected", format=TOOLTIP),
                alt.Tooltip("predicted_ci_lo:Q", title="interval from", format=TOOLTIP),
                alt.Tooltip("predicted_ci_hi:Q", title="to", format=TOOLTIP),
            ],
        )
    )
    about = f"Actual {outcome} as points against expected, with the predictive interval"
    return finished(band + expected + actual, about, 320)


def forecast(past: pd.DataFrame, rows: pd.DataFrame, outcome: str) -> Drawing:
    """What was, and what is to come with its 50 % and 90 % bands.

    Args:
        past: week_start, actual.
        rows: week_start, outcome_q05, _q25, _q50, _q75, _q95.
        outcome: its name.
    """
    known = past.assign(week_start=pd.to_datetime(past["week_start"]))
    data = rows.assign(week_start=pd.to_datetime(rows["week_start"]))
    x = alt.X("week_start:T", title=None, axis=alt.Axis(grid=False, format="%b %Y"))

    def y(column: str) -> alt.Y:
        axis = alt.Axis(labelExpr=AXIS, tickCount=5)
        return alt.Y(column, title=f"{outcome} a week", scale=alt.Scale(zero=False), axis=axis)

    tooltip = [
        alt.Tooltip("week_start:T", title="week", format="%Y-%m-%d"),
        alt.Tooltip("outcome_q50:Q", title="median", format=TOOLTIP),
        alt.Tooltip("outcome_q05:Q", title="90 % from", format=TOOLTIP),
        alt.Tooltip("outcome_q95:Q", title="to", format=TOOLTIP),
    ]
    future = alt.Chart(data)
    layers = (
        alt.Chart(known).mark_line(color=INK, strokeWidth=1.4).encode(x=x, y=y("actual:Q")),
        future.mark_area(color=ACCENT, opacity=0.18).encode(
            x=x, y=y("outcome_q05:Q"), y2="outcome_q95:Q"
        ),
        future.mark_area(color=ACCENT, opacity=0.3).encode(
            x=x, y=y("outcome_q25:Q"), y2="outcome_q75:Q"
        ),
        future.mark_line(color=ACCENT, strokeWidth=2, point=True).encode(
            x=x, y=y("outcome_q50:Q"), tooltip=tooltip
        ),
    )
    return finished(alt.layer(*layers), f"{outcome} of the past weeks and of those to come", 320)


def _short(value: float) -> str:
    """1234567 as 1.23M, as axes write it."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
