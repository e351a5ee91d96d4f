"""Values that can be read and are probably wrong, or say less than they seem to.

A value in another unit is refused. All else here is advice: it may be right, and then the fit
stands, but whoever reads its results should know.
"""

from itertools import combinations

import pandas as pd

from dagster_mmm.inputs.problems import day, in_week
from dagster_mmm.schedule.due import WEEK
from dagster_mmm.settings import Settings
from hill_mmm.panel import Problem

# Christmas or a burst of television is ten times a usual week; this asks for a second look.
SPIKE = 20.0
# Two media that move together so closely share their effect as the prior says.
COLLINEAR = 0.95
MIN_PAIRS = 20
# A quarter without spend is a decision, or a feed that has stopped.
QUARTER = 13 * WEEK
MEDIA = ("spend", "organic")


def unit_errors(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Values so far from the usual one of their series that they are in another unit.

    Media may be far below their usual week, for a campaign fades out; an outcome, and what it is
    worth, may not.
    """
    limit = settings.input.max_times_usual
    places = {v.name: settings.place_of(v) for v in settings.variables().values()}
    times = _times_usual(weekly)
    is_small = weekly["role"].isin(("outcome", "value")) & (times > 0) & (times < 1 / limit)
    wrong = weekly.assign(times=times)[(times > limit) | is_small]
    wrong = wrong.assign(
        amount=wrong["value"].map(_amount),
        usual=(wrong["value"] / wrong["times"]).map(_amount),
        far=wrong["times"].map(_multiple_in_words),
        limit=wrong["times"].where(wrong["times"] > 1, 1 / wrong["times"]),
        place=wrong["variable"].map(places),
    )
    return [
        in_week(
            row.series_key,
            row.week_start,
            "unit_error",
            f"{row.variable} ({row.place}) is {row.amount} in the week of "
            f"{day(row.week_start)}, {row.far} its usual {row.usual}, so it is probably "
            "in another unit; correct it at the source, or set input.max_times_usual beyond "
            f"{row.limit:,.0f} if it is right",
            str(row.variable),
        )
        for row in wrong.sort_values(["variable", "series_key", "week_start"]).itertuples()
    ]


def advice(used: pd.DataFrame) -> list[Problem]:
    """What is suspicious in the values that will be fitted.

    Args:
        used: one row a series, week and variable, with `role` and `value`.
    """
    used = used.sort_values(["variable", "series_key", "week_start"])
    media = used[used["role"].isin(MEDIA)]
    return [
        *_spikes(used),
        *_outcomes_of_nothing(used[used["role"] == "outcome"]),
        *_media_that_say_little(media),
        *_collinear(media),
    ]


def _times_usual(rows: pd.DataFrame) -> "pd.Series[float]":
    """Each value as a multiple of the median of its series' weeks that are not 0; controls, NaN."""
    judged = rows["value"].where(rows["role"] != "control")
    groups = [rows["series_key"], rows["variable"]]
    return judged / judged.where(judged > 0).groupby(groups).transform("median")


def _spikes(used: pd.DataFrame) -> list[Problem]:
    spikes = used.assign(times=_times_usual(used)).query("times > @SPIKE")
    return [
        in_week(
            row.series_key,
            row.week_start,
            "spike",
            f"{row.variable} is {row.amount} in the week of {day(row.week_start)}, "
            f"{row.times:,.0f} times its usual week: such a week decides its curve; see that it is "
            "right",
        )
        for row in spikes.assign(amount=spikes["value"].map(_amount)).itertuples()
    ]


def _outcomes_of_nothing(outcome: pd.DataFrame) -> list[Problem]:
    outcome = outcome.assign(amount=outcome["value"].map(_amount))
    zero, negative = outcome[outcome["value"] == 0], outcome[outcome["value"] < 0]
    return [
        in_week(
            row.series_key,
            row.week_start,
            "zero_outcome",
            f"{row.variable} is 0 in the week of {day(row.week_start)}; if something was "
            "sold, correct it at the source; if not, give the weeks a control or an event",
        )
        for row in zero.itertuples()
    ] + [
        in_week(
            row.series_key,
            row.week_start,
            "negative_outcome",
            f"{row.variable} is {row.amount} in the week of {day(row.week_start)}; book "
            "returns to the week of the sale",
        )
        for row in negative.itertuples()
    ]


def _media_that_say_little(media: pd.DataFrame) -> list[Problem]:
    """Media that have just begun, have stopped, or never change."""
    problems: list[Problem] = []
    total = media.groupby(["variable", "week_start"])["value"].sum().unstack("variable")
    n_values = media.groupby(["variable", "series_key"])["value"].nunique()
    most_values = n_values.groupby("variable").max()
    for name in total.columns:
        on = total.index[total[name] > 0]
        if on.empty:
            continue
        if on[0] > total.index[-1] - QUARTER:
            code = "new_channel"
            found = f"has been used since the week of {day(on[0])} alone: until there are more "
            found += "weeks, its return is mostly the prior's"
        elif on[-1] <= total.index[-1] - QUARTER:
            code = "stopped_channel"
            found = f"has been 0 since the week of {day(on[-1] + WEEK)}: see that its feed has not "
            found += "stopped"
        elif most_values[name] == 1:
            code = "constant_channel"
            found = "is the same in every week: its effect cannot be told from the baseline, and "
            found += "its return is the prior's"
        else:
            continue
        problems.append(Problem(code, f"{name} {found}", str(name)))
    return problems


def _collinear(media: pd.DataFrame) -> list[Problem]:
    """Pairs of media that rise and fall together within their series."""
    wide = media.pivot(index=["series_key", "week_start"], columns="variable", values="value")
    mean = wide.groupby("series_key").transform("mean")
    # A medium that a series does not use says nothing there.
    together = (wide / mean.where(mean > 0) - 1).corr(min_periods=MIN_PAIRS).to_numpy()
    return [
        Problem(
            "collinear_channels",
            f"{wide.columns[one]} and {wide.columns[other]} move together (correlation "
            f"{together[one, other]:.3f}), so the data cannot tell their returns apart; make them "
            "one channel or add a lift test",
            f"{wide.columns[one]} and {wide.columns[other]}",
        )
        for one, other in combinations(range(len(together)), 2)
        if together[one, other] > COLLINEAR
    ]


def _multiple_in_words(times: float) -> str:
    return f"{times:,.0f} times" if times > 1 else f"1/{1 / times:,.0f} of" if times > 0 else ""


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"
