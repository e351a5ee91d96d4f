"""The dashboard: `streamlit run dashboards/app.py`, a page for each question.

It reads the published views only, holds no connection, and computes nothing: each number is the
answer to the SQL that stands beside it.
"""

import streamlit as st

from dashboards.published import choose

st.set_page_config(page_title="Marketing mix", layout="wide")

page = st.navigation(
    [
        st.Page("pages/sales.py", title="Where did sales come from?", default=True),
        st.Page("pages/worth.py", title="What is each channel worth, and at the margin?"),
        st.Page("pages/next_unit.py", title="Where should the next unit of money go?"),
        st.Page("pages/what_if.py", title="What happens if?"),
        st.Page("pages/trust.py", title="Can I trust it, and what changed since last week?"),
    ]
)
choose(page.title)
page.run()
