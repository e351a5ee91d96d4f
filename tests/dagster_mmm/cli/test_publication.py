"""Publishing, going back, keeping less."""

import duckdb
import pytest

from dagster_mmm.warehouse.snapshot import snapshot_of
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, live


def of_dashboards(project: Project) -> list[str]:
    file = project.warehouse.file
    assert file is not None
    with duckdb.connect(str(snapshot_of(file)), read_only=True) as connection:
        return [
            run for (run,) in connection.execute("select run_id from mmm.run_latest").fetchall()
        ]


def test_rollback_is_there_and_back_and_takes_the_dashboards_along(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    for expected in (first, "second"):
        result = call("rollback")
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"run {expected} is live" in result.stdout
        assert live(project) == expected
        assert of_dashboards(project) == [expected]


def test_publish_moves_the_pointer_and_the_dashboards(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    assert call("publish", "--run", first[:8]).exit_code == 0
    assert (live(project), of_dashboards(project)) == (first, [first])
    # By default, the run that was started last.
    assert call("publish").exit_code == 0
    assert live(project) == "second"


def test_what_has_not_converged_is_not_published(refused: Project, call: Call) -> None:
    before = live(refused)
    result = call("publish")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "run refused of demo is not published" in result.stderr
    assert "max_r_hat is 1.2, allowed 1.05" in result.stderr
    assert live(refused) == before


def test_retention_removes_rows_and_files(refitted: tuple[Project, str], call: Call) -> None:
    project, first = refitted
    runs = project.folder / "artefacts" / "demo" / "runs"
    assert (runs / first).is_dir()
    result = call("retention", "--keep", "1")
    assert result.exit_code == 0
    assert "removed the rows and files of 1 runs" in result.stdout
    assert not (runs / first).exists()
    assert set(project.query("select run_id from mmm.mmm_contribution")["run_id"]) == {"second"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["rollback", "--to", "never"], 1, "run never of demo was never live"),
        (["rollback"], 1, "is the only run of demo that was ever live"),
        (["publish", "--run", "never"], 1, "'never' is no run of"),
        (["publish", "--model", "other"], 2, "no model 'other'"),
        (["retention"], 2, "Missing option '--keep'"),
        (["retention", "--keep", "0"], 2, "0 is not in the range"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    rerun: tuple[Project, str], call: Call, words: list[str], code: int, said: str
) -> None:
    project, first = rerun
    result = call(*words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert live(project) == first
