"""The dashboard: `streamlit run dashboards/app.py`, a page for each question.

It reads the published views only, holds no connection, and computes nothing: each number is the
answer to the SQL that stands beside it.
"""

import streamlit as st

from dashboards.published import choose

st.set_page_config(page_title="Marketing mix", layout="wide")

page = st.navigation(
    [
        st.Page("pages/sales.py", title="Where sales came from", default=True),
        st.Page("pages/worth.py", title="Worth of the channels"),
        st.Page("pages/next_unit.py", title="The next unit of money"),
        st.Page("pages/what_if.py", title="What if"),
        st.Page("pages/trust.py", title="Trust and changes"),
    ]
)
choose()
page.run()
