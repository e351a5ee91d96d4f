"""The plans section: what it becomes, and how its mistakes are told."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_mmm.environment import DEMO_SETTINGS
from dagster_mmm.settings import SettingsError, load_settings, narrowed
from hill_mmm import ChannelLimit, PlanRequest, Utility


def settings_with(folder: Path, *plans: dict[str, Any]) -> Path:
    path = folder / "settings.yaml"
    document = yaml.safe_load(DEMO_SETTINGS.read_text())
    path.write_text(yaml.safe_dump(document | {"plans": list(plans)}))
    return path


def test_a_plan_is_a_request(tmp_path: Path) -> None:
    limit = {"channel": "tv", "series": "north", "step": 1000.0, "minimum_flight": 5e3}
    path = settings_with(
        tmp_path,
        {"name": "as_today"},
        {"name": "any_change", "max_change": None},
        {
            "name": "careful",
            "objective": "target_roi",
            "target": 2.0,
            "budget": 1e6,
            "horizon_weeks": 8,
            "timing": "last_year",
            "utility": {"kind": "quantile", "level": 0.2},
            "limits": [limit, {"channel": "radio", "locked": True, "max_weekly": 9.0}],
            "max_change": 0.5,
            "allow_extrapolation": True,
        },
    )
    plans = load_settings(path).plans
    requests = {plan.name: narrowed(plan, PlanRequest) for plan in plans}
    assert requests == {
        "as_today": PlanRequest(max_change=0.3),
        "any_change": PlanRequest(max_change=None),
        "careful": PlanRequest(
            "target_roi",
            budget=1e6,
            target=2.0,
            horizon_weeks=8,
            timing="last_year",
            utility=Utility("quantile", level=0.2),
            limits=(
                ChannelLimit("tv", series="north", step=1000.0, minimum_flight=5e3),
                ChannelLimit("radio", max_weekly=9.0, locked=True),
            ),
            max_change=0.5,
            allow_extrapolation=True,
        ),
    }


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        ([{"name": "a"}, {"name": "a"}], "a name of its own for each plan"),
        ([{"name": "a", "limits": [{"channel": "tvv"}]}], "'tvv' at plans[0].limits[0].channel"),
        ([{"name": "a", "budget": 1.0, "budget_multiplier": 2.0}], "not both"),
        ([{"name": "a", "objective": "target_roi"}], "plans[0]: found objective target_roi"),
        ([{"name": "a", "objective": "target_roi", "budget": 1.0, "budget_multiplier": 2.0}],
         "allowed: budget or budget_multiplier, not both; found objective target_roi"),
        ([{"name": "a", "objective": "target_roi", "target": 2.0, "experiment_error": 0.1}],
         "allowed: experiment_error with another objective"),
        ([{"name": "a", "objective": "flexible", "target": 2.0}], "with no other objective"),
        ([{"name": "a", "limits": [{"channel": "tv", "min_weekly": 2.0, "max_weekly": 1.0}]}],
         "a max_weekly of at least min_weekly"),
        ([{"name": "a", "horizon_weeks": 53}], "plans[0].horizon_weeks: found 53"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, plans: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(settings_with(tmp_path, *plans))
    assert message in str(error.value)
