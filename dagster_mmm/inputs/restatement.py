"""What the source has changed since the published run: values that were used and are others now."""

import hashlib

import pandas as pd

KEYS = ["series_key", "week_start", "variable"]


def mark_restated(snapshot: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """The snapshot with `is_restated` and `previous_value`.

    A value is restated where the published run used another one, or where it has gone since.

    Args:
        snapshot: the judged input.
        published: `series_key, week_start, variable, value` of the values that the published run
            used; without rows before the first.
    """
    before = published[[*KEYS, "value"]].rename(columns={"value": "previous_value"})
    before["week_start"] = before["week_start"].astype(snapshot["week_start"].dtype)
    rows = snapshot.merge(before, on=KEYS, how="left", validate="one_to_one")
    was_used = rows["previous_value"].notna()
    rows["is_restated"] = was_used & (rows["value"] != rows["previous_value"])
    rows["previous_value"] = rows["previous_value"].where(rows["is_restated"])
    return rows


def fingerprint(snapshot: pd.DataFrame) -> str:
    """SHA-256 of the values that a fit uses: equal where there is nothing new."""
    used = snapshot[snapshot["is_used"]].sort_values(KEYS)
    values = used[[*KEYS, "role", "value"]]
    return hashlib.sha256(values.to_csv(index=False).encode()).hexdigest()
