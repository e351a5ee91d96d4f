"""The dashboard: `streamlit run dashboards/app.py`, a page for each question.

It reads the published views only, holds no connection, and computes nothing: each number is the
answer to the SQL that stands beside it.
"""

import streamlit as st

from dashboards.published import choose

# Page, what the menu calls it, and the question that it answers.
PAGES = [
    ("sales", "Where sales came from", "Where did sales come from?"),
    ("worth", "Worth of the channels", "What is each channel worth, and at the margin?"),
    ("next_unit", "The next unit of money", "Where should the next unit of money go?"),
    ("what_if", "What if", "What happens if?"),
    ("trust", "Trust and changes", "Can I trust it, and what changed since last week?"),
]

st.set_page_config(page_title="Marketing mix", layout="wide")

pages = {
    st.Page(f"pages/{name}.py", title=title, default=name == "sales"): question
    for name, title, question in PAGES
}
page = st.navigation(list(pages))
choose(pages[page])
page.run()
