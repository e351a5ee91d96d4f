"""What a reader is told when the file that the dashboard reads is no database any more."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.dashboards.harness import APP


def test_a_damaged_copy_is_named_with_what_makes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_data.clear()
    monkeypatch.setenv("MMM_WAREHOUSE_URL", f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    copy = tmp_path / "warehouse_snapshot.duckdb"
    copy.write_bytes(bytes(8192))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    (said,) = [error.value for error in app.error]
    assert f"The copy that dashboards read, {copy}, is damaged; run the job `dashboards`" in said
