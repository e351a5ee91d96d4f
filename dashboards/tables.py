"""How rows are shown: a table, its CSV and the SQL that it answers."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.data import Answer
from dashboards.numbers import written
from dashboards.published import published

Format = str | Callable[[float], str]
NUMBER, PERCENT = written, "{:.0%}"
# Up to here a table is shown whole; a longer one scrolls.
SHOWN_WHOLE = 14


def show(answer: Answer, name: str, formats: Mapping[str, Format] | None = None) -> None:
    """Show rows as a table, to be downloaded, with their SQL.

    Args:
        answer: the rows and their SQL.
        name: what they are, in words of a file name; unique on its page.
        formats: column and how its numbers are written, of the columns that need it.
    """
    patterns: dict[Any, Any] = dict(formats or {})
    written = answer.rows.style.format(patterns, na_rep="")
    height = "content" if len(answer.rows) <= SHOWN_WHOLE else "auto"
    st.dataframe(written, hide_index=True, height=height, key=name)
    run = published()
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            answer.rows.to_csv(index=False),
            file_name=f"{run.model_key}_{name}_{run.run_id[:8]}.csv",
            mime="text/csv",
            key=f"csv of {name}",
            on_click="ignore",
        )
    with st.expander("SQL of this table"):
        st.code(answer.sql.strip(), language="sql")


def say_what_has_no_return(channels: pd.DataFrame) -> None:
    """Name the channels that a chart of returns leaves out, and why."""
    for reason, of_reason in channels.dropna(subset="no_return_reason").groupby("no_return_reason"):
        st.info(f"No return for {', '.join(of_reason['channel'])}: {reason}.")


def missing(view: str, what: str) -> None:
    """Say that a view has no rows of this run, and what would be shown if it had."""
    st.info(f"{what} is not published for this run: mmm.{view} is missing or has no rows of it.")
