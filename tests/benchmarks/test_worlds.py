"""The benchmark of worlds in short: its tables are of its fits, and its checks fire."""

import sys
from pathlib import Path

import pytest

from benchmarks import worlds
from benchmarks.markets import CHANNELS


@pytest.mark.slow
def test_a_count_taken_for_money_warns_and_a_right_market_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "worlds.md"
    command = ["worlds", "--markets", "1", "--worlds", "as_the_model,orders"]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(tmp_path), "--table", str(table)])
    worlds.main()
    rows = {row["world"]: row for row in worlds.read(tmp_path)}
    right, orders = rows["as_the_model"], rows["orders"]
    assert not worlds._warnings(right)
    assert {"prior_conflict", "prior_media_share"} <= set(worlds._warnings(orders))
    # Of five intervals of 90 %, two that miss are one right market in 12; three, one in 117.
    roi = worlds._stacked([right], "roi")
    assert worlds._inside(roi).sum() >= 3 and len(roi["truth"][0]) == len(CHANNELS)
    text = table.read_text()
    assert "as the model" in text and "KPI not in money" in text
    before = sorted(tmp_path.glob("*.json"))
    worlds.main()
    assert sorted(tmp_path.glob("*.json")) == before
