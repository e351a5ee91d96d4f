"""The dashboard: `streamlit run dashboards/app.py`, a page for each question.

It reads the published views only, holds no connection, and computes nothing: each number is the
answer to the SQL that stands beside it.
"""

import streamlit as st

from dashboards.published import choose

st.set_page_config(page_title="Marketing mix", layout="wide")

pages = [
    st.Page("pages/sales.py", title="Where sales came from", default=True),
    st.Page("pages/worth.py", title="Worth of the channels"),
    st.Page("pages/next_unit.py", title="The next unit of money"),
    st.Page("pages/what_if.py", title="What if"),
    st.Page("pages/trust.py", title="Trust and changes"),
]
# Streamlit's own menu stays open over the page on a phone.
page = st.navigation(pages, position="hidden")
with st.container(horizontal=True, gap="xsmall"):
    for each in pages:
        st.page_link(each)
choose()
page.run()
