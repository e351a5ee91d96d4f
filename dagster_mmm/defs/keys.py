"""The keys of the assets that others name, and what an asset says if it has nothing to do."""

import dagster as dg
import sqlalchemy as sa

WEEKLY_INPUT, REJECTED_INPUT = dg.AssetKey("mmm_weekly_input"), dg.AssetKey("mmm_rejected_input")
PANEL, FIT = dg.AssetKey("panel"), dg.AssetKey("fit")
PUBLISHED = dg.AssetKey("published")
CALIBRATION = dg.AssetKey("mmm_forecast_calibration")

NOTHING_NEW = "nothing is new"


def result_key(table: sa.Table) -> dg.AssetKey:
    """The asset of a result table."""
    return dg.AssetKey(["results", table.name])
