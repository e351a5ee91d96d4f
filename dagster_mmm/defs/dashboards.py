"""The dashboards, so that the lineage ends where the numbers are read: dbt's exposures."""

from typing import Any

import dagster as dg

from dagster_mmm.defs.dbt_models import manifest
from dagster_mmm.defs.namespace import Namespace


def dashboard_specs(names: Namespace) -> list[dg.AssetSpec]:
    """An external asset for each exposure that is a dashboard."""
    exposures = manifest()["exposures"].values()
    ours = [each for each in exposures if each["package_name"] == "mmm"]
    return [_spec(names, each) for each in ours if each["type"] == "dashboard"]


def _spec(names: Namespace, exposure: dict[str, Any]) -> dg.AssetSpec:
    views = [node.split(".")[-1] for node in exposure["depends_on"]["nodes"]]
    return dg.AssetSpec(
        names.key("dashboards", exposure["name"]),
        deps=names.keys(views),
        group_name=names.group_of("dashboards"),
        kinds={"streamlit"},
        description=f"{exposure['label']} {exposure['description']}",
        metadata={"url": dg.MetadataValue.url(exposure["url"])},
    )
