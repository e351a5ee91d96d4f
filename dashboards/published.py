"""Which published run is shown, and what every page says of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import streamlit as st

from dashboards.data import DamagedCopyError, NothingPublishedError, ask, ask_now

RUNS = """
select
    run_id, model_key,
    case when verdict <> 'fail' and current_date > fresh_until then 'outdated' else verdict end
        as verdict,
    n_checks, n_warnings, n_failures, outcome, currency,
    outcome_kind,
    window_start, window_end, data_until, n_weeks, n_series, published_at, n_rejected_since,
    current_date - data_until as data_age_days
from mmm.mmm_trust_latest
order by model_key
"""
SERIES = """
select distinct series_key
from mmm.mmm_channel_summary_latest
where run_id = :run_id
order by series_key
"""
# Under these names the app hands a page what was chosen.
CHOSEN, RUN = "published", "run"
PERIODS = {
    "last_52_weeks": "Last 52 weeks",
    "last_13_weeks": "Last 13 weeks",
    "all": "All weeks",
}


@dataclass(frozen=True)
class Published:
    """The run whose numbers are shown.

    Attributes:
        run_id: of the published run.
        model_key: its model.
        series_key: the series chosen; `all` is the sum over several.
        outcome: name of what is modelled, the unit of every contribution.
        currency: of spend.
        is_count: whether the outcome is a count, and no money.
    """

    run_id: str
    model_key: str
    series_key: str
    outcome: str
    currency: str
    is_count: bool = False

    @property
    def keys(self) -> dict[str, str]:
        """The parameters by which nearly every query picks its rows."""
        return {"run_id": self.run_id, "series_key": self.series_key}

    @property
    def per_unit(self) -> str:
        """Unit of a return, such as revenue per EUR; of a count, its value."""
        return (
            f"{f'value of {self.outcome}' if self.is_count else self.outcome} per {self.currency}"
        )


def choose() -> None:
    """Let the reader pick a model and a series; where there is none, say what to do, and stop."""
    try:
        runs = ask_now(RUNS)
    except NothingPublishedError as nothing:
        st.info(str(nothing))
        st.stop()
    except DamagedCopyError as damaged:
        st.error(str(damaged))
        st.stop()
    if runs.empty:
        st.info("There is no published run yet. Run the job: `mmm run`.")
        st.stop()
    models, of_model, of_series = list(runs["model_key"]), *st.columns(2)
    model_key = models[0]
    if len(models) > 1:
        model_key = of_model.selectbox("Model", models, key="model", bind="query-params")
    run = runs[runs["model_key"] == model_key].iloc[0]
    series = list(ask(SERIES, run_id=run["run_id"]).rows["series_key"])
    series_key = series[0]
    if len(series) > 1:
        first = series.index("all") if "all" in series else 0
        series_key = of_series.selectbox("Series", series, first, key=f"series of {model_key}")
    st.session_state[CHOSEN] = Published(
        run["run_id"],
        str(model_key),
        str(series_key),
        run["outcome"],
        run["currency"],
        run["outcome_kind"] == "count",
    )
    st.session_state[RUN] = run.to_dict()


def opened(question: str) -> Published:
    """Head a page with its question and with what its answer rests on; the run that it shows."""
    st.title(question)
    _say_what_it_rests_on(st.session_state[RUN], published().series_key)
    return published()


def published() -> Published:
    """The run that `choose` has settled on."""
    found: Published = st.session_state[CHOSEN]
    return found


def choose_period(default: str = "last_52_weeks") -> str:
    """A period that the run has, picked by the reader."""
    held = ask(
        "select distinct period from mmm.mmm_channel_summary_latest "
        "where run_id = :run_id and series_key = :series_key",
        **published().keys,
    ).rows["period"]
    periods = [period for period in PERIODS if period in set(held)]
    chosen = st.segmented_control(
        "Period",
        periods,
        default=default if default in periods else "all",
        format_func=PERIODS.__getitem__,
        required=True,
        key="period",
    )
    return str(chosen)


def _say_what_it_rests_on(run: dict[str, object], series_key: str) -> None:
    """One line of verdict and one of provenance, on every page."""
    colour, words = _verdict(run)
    several = f" · {series_key}" if run["n_series"] != 1 else ""
    age = int(str(run["data_age_days"]))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(words, color=colour)
        if run["n_rejected_since"]:
            st.badge(f"{run['n_rejected_since']} newer run(s) rejected", color="orange")
    st.caption(
        f"**{run['model_key']}**{several} · {run['outcome']}, spend in {run['currency']} · "
        f"{run['n_weeks']} weeks, {_day(run['window_start'])} to {_day(run['window_end'])} "
        f"({age:,} days old) · published {_moment(run['published_at'])} · run `{run['run_id']}`"
    )


def _verdict(run: dict[str, object]) -> tuple[Literal["green", "orange", "red", "gray"], str]:
    if run["verdict"] is None:
        return "gray", "Verdict: no checks were stored"
    if run["verdict"] == "outdated":
        return "red", f"Verdict: outdated, the data end {int(str(run['data_age_days'])):,} days ago"
    if run["verdict"] == "pass":
        return "green", f"Verdict: all {run['n_checks']} checks pass"
    failures = f", {run['n_failures']} fail" if run["n_failures"] else ""
    colour = "red" if run["n_failures"] else "orange"
    return colour, f"Verdict: {run['n_warnings']} of {run['n_checks']} checks warn{failures}"


def _day(value: object) -> str:
    assert isinstance(value, date)
    return f"{value:%Y-%m-%d}"


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return f"{value:%Y-%m-%d %H:%M} UTC"
