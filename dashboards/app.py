"""The dashboard: `streamlit run dashboards/app.py`, a page for each question.

It reads the published views only, holds no connection, and computes nothing: each number is the
answer to the SQL that stands beside it.
"""

import streamlit as st

from dashboards.published import choose

st.set_page_config(page_title="Marketing mix", layout="wide")

# Not in a folder called pages: streamlit would serve those by themselves until this has run once.
pages = [
    st.Page("questions/sales.py", title="Where sales came from", default=True),
    st.Page("questions/worth.py", title="Worth of the channels"),
    st.Page("questions/next_unit.py", title="The next unit of money"),
    st.Page("questions/what_if.py", title="What if"),
    st.Page("questions/next_weeks.py", title="The next weeks"),
    st.Page("questions/trust.py", title="Trust and changes"),
]
# Streamlit's own menu stays open over the page on a phone.
page = st.navigation(pages, position="hidden")
with st.container(horizontal=True, gap="xsmall"):
    for each in pages:
        st.page_link(each)
choose()
page.run()
