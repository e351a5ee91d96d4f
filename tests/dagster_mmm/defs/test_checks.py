"""The blocking input check, in the job."""

from pathlib import Path

import dagster as dg
import pandas as pd

from tests.conftest import Project


def test_bad_input_stops_the_refit_at_the_panel_and_says_why(
    project: Project, market: Path
) -> None:
    bad = project.folder / "bad.csv"
    pd.read_csv(market).drop(index=20).to_csv(bad, index=False)
    result = project.run(bad)

    assert not result.success
    (evaluation,) = (
        e
        for e in result.get_asset_check_evaluations()
        if not e.passed and e.severity is dg.AssetCheckSeverity.ERROR
    )
    assert evaluation.check_name == "input_is_usable"
    assert evaluation.description == (
        "the week of 2021-05-24 has no row; add it (0 where nothing was spent)"
    )
    started = {event.step_key for event in result.all_events if event.is_step_start}
    assert "panel" in started
    assert "fit" not in started
