"""What was said of an input stays beside it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd

from dagster_mmm.fitting.artefacts import RunInput, load_input, save_input
from dagster_mmm.fitting.result_rows import _lift_test_rows
from hill_mmm.spec import LiftTest


def test_an_input_comes_back_with_its_notes(tmp_path: Path) -> None:
    snapshot = pd.DataFrame({"variable": ["tv", "radio"], "value": [1.0, 2.0]})
    save_input(RunInput(snapshot, "refit", ("one", "two")), tmp_path / "panel.parquet")
    found = load_input(tmp_path / "panel.parquet")
    assert (found.run_type, found.notes) == ("refit", ("one", "two"))
    pd.testing.assert_frame_equal(found.snapshot, snapshot)


def test_an_input_of_an_earlier_version_has_no_notes(tmp_path: Path) -> None:
    snapshot = pd.DataFrame({"variable": ["tv"], "run_type": ["refit"]})
    snapshot.to_parquet(tmp_path / "panel.parquet")
    assert load_input(tmp_path / "panel.parquet").notes == ()


def test_lift_tests_keep_their_numbers_where_some_are_left_out() -> None:
    before, within, again = (
        LiftTest("tv", start, start, 1.0, 1.0)
        for start in ("2020-01-06", "2021-01-04", "2021-02-01")
    )
    run = SimpleNamespace(
        settings=SimpleNamespace(lift_tests=(before, within, again, again)),
        fit=SimpleNamespace(lift_tests=(within, again, again)),
    )
    rows = _lift_test_rows(cast("Any", run), pd.DataFrame({"lift": [1.0, 1.0, 1.0]}))
    assert list(rows["lift_test_index"]) == [1, 2, 3]
