"""What `mmm demo` prints."""

import pytest

from dagster_mmm.cli import demo
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call


def test_results_verdict_places_and_truth_are_printed(
    published: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, run_id = published
    demo.print_results(project.warehouse, run_id, demo.true_roi())
    printed = " ".join(capsys.readouterr().out.split())
    summary = project.query("select * from mmm.mmm_channel_summary_latest where period = 'all'")
    for row in summary.itertuples():
        assert f"{row.roi_mean:.2f} {row.roi_ci_lo:.2f} to {row.roi_ci_hi:.2f}" in printed
    assert "true ROI" in printed
    assert "max_r_hat pass" in printed
    assert f"Run {run_id} is published CPU" in printed


def test_a_job_that_stopped_early_says_where_to_look(
    published: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, _ = published
    demo.print_results(project.warehouse, "no such run", None)
    assert "the reason stands in the log above" in capsys.readouterr().out


def test_a_warehouse_of_another_version_is_named_before_anything_is_run(
    project: Project, call: Call
) -> None:
    project.warehouse.create_result_tables()
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("alter table mmm.mmm_run drop column code_version")
    result = call("demo", "--settings", str(project.folder / "settings.yaml"))
    assert result.exit_code == 1
    assert "mmm.mmm_run lacks code_version" in result.stderr
