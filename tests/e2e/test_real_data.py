"""The shipped examples on the public data sets, through the whole job."""

import os
from pathlib import Path

import pytest
import yaml

from dagster_mmm.environment import ROOT
from tests.conftest import Project

SHARED = Path(os.environ.get("MMM_SHARED_DATA", ROOT.parent / "shared" / "data"))
# Example, weeks, series, paid channels, organic media.
EXAMPLES = [
    pytest.param("retail", 209, 1, 10, 0, marks=pytest.mark.long),
    ("robyn", 208, 1, 5, 1),
    pytest.param("meridian_national", 156, 1, 5, 1, marks=pytest.mark.long),
]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the shared data sets are not at {SHARED}")
@pytest.mark.parametrize(("example", "weeks", "series", "channels", "organic"), EXAMPLES)
def test_the_example_converges_and_is_judged(
    project: Project, example: str, weeks: int, series: int, channels: int, organic: int
) -> None:
    settings = yaml.safe_load((ROOT / "examples" / f"{example}.yaml").read_text())
    (project.folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    result = project.run(SHARED / f"{example}_weekly.csv")
    assert result.success

    run = project.query("select * from mmm.mmm_run_latest").iloc[0]
    assert (run["status"], run["currency"]) == ("published", settings["currency"])
    assert (run["n_weeks"], run["n_series"]) == (weeks, series)
    checks = project.query("select * from mmm.mmm_diagnostic_latest where is_blocking")
    assert set(checks["status"]) == {"pass"}
    summary = project.query("select * from mmm.mmm_channel_summary_latest where period = 'all'")
    is_paid = summary["is_paid"].value_counts()
    assert (is_paid[True], is_paid.get(False, 0)) == (channels, organic)
    assert (summary.loc[summary["is_paid"], "roi_ci_lo"] > 0).all()
    # A steady weekly spend of twice the mean is worth at most a few times what the mean is: a curve
    # that has met its data in one peak week alone must not run away beyond it.
    curves = project.query(
        "select channel, max(contribution_mean) / max(contribution_ci_hi) as tail, "
        "max(contribution_mean) filter (spend_multiplier = 2) "
        "/ max(contribution_mean) filter (spend_multiplier = 1) as growth "
        "from mmm.mmm_response_curve_latest where basis = 'steady_state' group by channel"
    )
    assert (curves["tail"] < 1).all()
    assert (curves["growth"] < 8).all()
    holdout = project.query(
        "select value from mmm.mmm_accuracy_latest "
        "where evaluation_set = 'holdout' and metric = 'coverage'"
    )
    # 13 weeks at a true coverage of 90 %: 8 or fewer inside happens once in 290 holdouts.
    assert holdout["value"].item() > 8.5 / 13
