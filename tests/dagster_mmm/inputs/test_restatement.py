"""What the source changed after it was published is marked, with what it was."""

import numpy as np
import pandas as pd

from dagster_mmm.inputs import fingerprint, mark_restated


def snapshot(values: list[float], is_used: list[bool] | None = None) -> pd.DataFrame:
    weeks = pd.date_range("2026-01-05", periods=len(values), freq="7D")
    return pd.DataFrame(
        {
            "series_key": "national",
            "week_start": weeks,
            "variable": "revenue",
            "role": "outcome",
            "value": values,
            "is_used": is_used or [True] * len(values),
        }
    )


def test_a_changed_value_is_marked_with_what_it_was() -> None:
    rows = mark_restated(snapshot([1.0, 2.5, 3.0]), snapshot([1.0, 2.0]))
    assert list(rows["is_restated"]) == [False, True, False]
    np.testing.assert_array_equal(rows["previous_value"], [np.nan, 2.0, np.nan])
    assert list(rows["value"]) == [1.0, 2.5, 3.0]


def test_a_value_that_has_gone_is_restated() -> None:
    rows = mark_restated(snapshot([1.0, np.nan], [True, False]), snapshot([1.0, 2.0]))
    assert list(rows["is_restated"]) == [False, True]


def test_before_the_first_publication_nothing_is_restated() -> None:
    rows = mark_restated(snapshot([1.0, 2.0]), snapshot([]))
    assert not rows["is_restated"].any()
    assert rows["previous_value"].isna().all()


def test_the_order_of_rows_and_what_is_left_out_do_not_change_the_fingerprint() -> None:
    rows = snapshot([1.0, 2.0, 3.0], [True, True, False])
    again = snapshot([1.0, 2.0, 9.0], [True, True, False]).iloc[::-1]
    assert fingerprint(rows) == fingerprint(again)
    assert fingerprint(rows) != fingerprint(snapshot([1.0, 2.0, 3.0]))
    assert fingerprint(rows) != fingerprint(snapshot([1.0, 2.0 + 1e-9, 3.0], [True, True, False]))
