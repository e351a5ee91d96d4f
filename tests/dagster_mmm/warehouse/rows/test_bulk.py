"""Checked, idempotent writes on a real DuckDB file and a real Postgres."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows.bulk import InvalidRowsError, replace_run
from dagster_mmm.warehouse.tables import ACCURACY, DIAGNOSTIC


def accuracy(run_id: str, **changes: object) -> pd.DataFrame:
    row = {
        "run_id": run_id,
        "model_key": "demo",
        "series_key": "national",
        "evaluation_set": "train",
        "metric": "r2",
        "value": 0.9,
    }
    return pd.DataFrame([row | changes])


def stored(warehouse: Warehouse) -> list[tuple[str, float]]:
    rows = warehouse.read(ACCURACY.select().order_by(ACCURACY.c.run_id))
    return list(zip(rows["run_id"], rows["value"], strict=True))


def write(warehouse: Warehouse, run_id: str, *frames: pd.DataFrame) -> None:
    with warehouse.begin() as connection:
        replace_run(connection, run_id, dict(zip([ACCURACY, DIAGNOSTIC], frames, strict=False)))


def test_a_run_written_twice_stands_once_and_others_are_left_alone(
    warehouse: Warehouse,
) -> None:
    write(warehouse, "a", accuracy("a"))
    write(warehouse, "b", accuracy("b", value=0.5))
    write(warehouse, "a", accuracy("a", value=0.8))
    assert stored(warehouse) == [("a", 0.8), ("b", 0.5)]


INVALID: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "missing column": (lambda: accuracy("a").drop(columns="value"), "missing columns ['value']"),
    "unknown column": (lambda: accuracy("a", extra=1), "unknown columns ['extra']"),
    "another run": (lambda: accuracy("b"), "rows of another run than a"),
    "empty key": (lambda: accuracy("a", metric=None), "missing values in ['metric']"),
    "not a number": (lambda: accuracy("a", value=np.nan), "missing values in ['value']"),
    "another type": (lambda: accuracy("a", value="much"), "Failed to parse string: 'much'"),
    "infinite": (lambda: accuracy("a", value=np.inf), "infinite values in ['value']"),
    "duplicate key": (
        lambda: pd.concat([accuracy("a"), accuracy("a", value=0.1)]),
        "more than one row for the same run_id, series_key, evaluation_set, metric",
    ),
}


@pytest.mark.parametrize("frame, message", INVALID.values(), ids=INVALID)
def test_rows_that_do_not_fit_are_refused_before_anything_is_written(
    warehouse: Warehouse, frame: Callable[[], pd.DataFrame], message: str
) -> None:
    write(warehouse, "a", accuracy("a"))
    with pytest.raises(InvalidRowsError) as error:
        write(warehouse, "a", frame())
    assert message in str(error.value)
    assert stored(warehouse) == [("a", 0.9)]


def test_a_failure_after_one_table_leaves_all_as_they_were(warehouse: Warehouse) -> None:
    write(warehouse, "a", accuracy("a"))

    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted), warehouse.begin() as connection:
        replace_run(connection, "a", {ACCURACY: accuracy("a", value=0.1)})
        raise Interrupted
    assert stored(warehouse) == [("a", 0.9)]
