"""The dashboards, so that the lineage ends where the numbers are read: dbt's exposures."""

import json
from typing import Any

import dagster as dg

from dagster_mmm.defs.dbt_models import DBT_PROJECT


def dashboard_specs() -> list[dg.AssetSpec]:
    """An external asset for each exposure that is a dashboard."""
    manifest = json.loads(DBT_PROJECT.manifest_path.read_text())
    exposures = manifest["exposures"].values()
    ours = [each for each in exposures if each["package_name"] == "mmm"]
    return [_spec(each) for each in ours if each["type"] == "dashboard"]


def _spec(exposure: dict[str, Any]) -> dg.AssetSpec:
    views = [node.split(".")[-1] for node in exposure["depends_on"]["nodes"]]
    return dg.AssetSpec(
        ["dashboards", exposure["name"]],
        deps=[dg.AssetKey(view) for view in views],
        group_name="dashboards",
        kinds={"streamlit"},
        description=f"{exposure['label']} {exposure['description']}",
        metadata={"url": dg.MetadataValue.url(exposure["url"])},
    )
