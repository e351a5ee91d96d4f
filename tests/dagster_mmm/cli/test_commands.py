"""Every command on the warehouse of a job that has run; a fit and Postgres last."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from dagster_mmm.inputs import load_csv
from dagster_mmm.settings import load_settings
from dagster_mmm.warehouse.snapshot import snapshot_of
from dagster_mmm.warehouse.tables import RUN
from tests.conftest import Project, make_project
from tests.dagster_mmm.cli.conftest import Call, break_week, copy_run, printed, published_of
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY


def test_runs_are_listed_the_newest_first(refitted: tuple[Project, str], call: Call) -> None:
    _, first = refitted
    text = call("runs").stdout
    assert text.index("second") < text.index(first)
    rows = printed(call("runs", "--json"))
    assert [(row["run_id"], row["status"], row["is_published"]) for row in rows] == [
        ("second", "published", True),
        (first, "superseded", False),
    ]
    assert rows[0]["started_at"].startswith("2030-01-01T00:00:00")
    assert printed(call("runs", "--json", "--limit", "1")) == rows[:1]


def test_a_run_of_old_data_is_called_outdated_wherever_it_is_shown(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    with project.warehouse.begin() as connection:
        fresh = RUN.update().where(RUN.c.run_id == "second").values(fresh_until=date(2100, 1, 1))
        connection.execute(fresh)
    # The demo's data end with the week of 2023-12-25, and 28 days after it nobody waits for more.
    (row,) = project.query(f"select * from mmm.mmm_run where run_id = '{first}'").to_dict("records")
    assert str(row["fresh_until"])[:10] == "2024-01-29"
    rows = {row["run_id"]: row["is_outdated"] for row in printed(call("runs", "--json"))}
    assert rows == {"second": False, first: True}
    assert printed(call("show", first, "--json"))["run"]["is_outdated"] is True
    assert printed(call("explain", first, "--json"))["is_outdated"] is True
    assert "so it is outdated since 2024-01-29" in call("explain", first).stdout
    assert "outdated" not in call("explain", "second").stdout
    assert "is_outdated" in call("runs").stdout


def test_publications_are_every_move_of_the_pointer(
    refitted: tuple[Project, str], call: Call
) -> None:
    _, first = refitted
    assert call("rollback").exit_code == 0
    rows = printed(call("runs", "--published", "--json"))
    assert [row["run_id"] for row in rows] == [first, "second", first]
    assert "second" in call("runs", "--published").stdout


def test_a_model_without_runs_has_none(refitted: tuple[Project, str], call: Call) -> None:
    assert printed(call("runs", "--model", "other", "--json")) == []
    assert call("runs", "--model", "other").stdout == "there is no run of other yet\n"


def test_a_run_is_shown_by_the_beginning_of_its_id(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    text = call("show", first[:8]).stdout
    for expected in (first, "max_r_hat", "tv", "roi_learned"):
        assert expected in text
    shown = printed(call("show", first, "--json"))
    roi = project.query(
        "select channel, roi_mean from mmm.mmm_channel_summary "
        f"where run_id = '{first}' and period = 'all'"
    )
    assert {
        row["channel"]: round(row["roi_mean"], 6)
        for row in shown["channels"]
        if row["period"] == "all"
    } == dict(zip(roi["channel"], roi["roi_mean"].round(6), strict=True))
    assert shown["run"]["n_weeks"] == 156


def test_an_id_that_is_none_or_several_is_refused(
    refitted: tuple[Project, str], call: Call
) -> None:
    for words, said in (
        (["show", "nothing"], "`mmm runs` lists them"),
        (["explain", ""], "begins the ids of"),
    ):
        result = call(*words)
        assert result.exit_code == 1
        assert said in result.stderr


def test_a_rejection_is_explained_with_what_was_tried_and_what_to_do(
    rejected: Project, call: Call
) -> None:
    text = call("explain", "rejected").stdout
    assert text.startswith("run rejected of demo was rejected")
    assert text.count("- K = 1, 300 + 300 draws: max_r_hat 1.2 (limit 1.05)") == 2
    assert "- max_r_hat is 1.2 (limit 1.05). R-hat of " in text
    assert "Raise sampler.warmup and sampler.draws" in text
    found = printed(call("explain", "rejected", "--json"))
    assert [check["check_name"] for check in found["failed_checks"]] == ["max_r_hat"]
    assert found["status"] == "rejected"


def test_a_run_that_is_live_needs_no_excuse(rerun: tuple[Project, str], call: Call) -> None:
    _, run_id = rerun
    text = call("explain", run_id).stdout
    assert "has passed the gate and is published" in text
    assert "failed at" not in text


def of_dashboards(project: Project) -> list[str]:
    file = project.warehouse.file
    assert file is not None
    with duckdb.connect(str(snapshot_of(file)), read_only=True) as connection:
        return [
            run for (run,) in connection.execute("select run_id from mmm.mmm_run_latest").fetchall()
        ]


def test_rollback_is_there_and_back_and_takes_the_dashboards_along(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    for expected in (first, "second"):
        result = call("rollback")
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"run {expected} is published" in result.stdout
        assert published_of(project) == expected
        assert of_dashboards(project) == [expected]


def test_publish_moves_the_pointer_and_the_dashboards(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    assert call("publish", "--run", first[:8]).exit_code == 0
    assert (published_of(project), of_dashboards(project)) == (first, [first])
    # By default, the run that was started last.
    assert call("publish").exit_code == 0
    assert published_of(project) == "second"


def test_what_has_not_converged_is_not_published(rejected: Project, call: Call) -> None:
    before = published_of(rejected)
    result = call("publish")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "run rejected of demo is not published" in result.stderr
    assert "max_r_hat is 1.2, allowed 1.05" in result.stderr
    assert published_of(rejected) == before


def test_retention_removes_rows_and_files(refitted: tuple[Project, str], call: Call) -> None:
    project, first = refitted
    runs = project.folder / "artefacts" / "demo" / "runs"
    assert (runs / first).is_dir()
    result = call("retention", "--keep", "1")
    assert result.exit_code == 0
    assert "removed the rows and files of 1 runs" in result.stdout
    assert not (runs / first).exists()
    assert set(project.query("select run_id from mmm.mmm_contribution")["run_id"]) == {"second"}


def test_retention_is_of_every_model_unless_one_is_named(
    refitted: tuple[Project, str], call: Call
) -> None:
    project, first = refitted
    copy_run(project, first, "elsewhere", datetime(2029, 1, 1))
    with project.warehouse.begin() as connection:
        of_run = RUN.update().where(RUN.c.run_id == "elsewhere")
        connection.execute(of_run.values(model_key="not in the settings"))
    named = call("retention", "--keep", "2", "--model", "demo")
    assert named.stdout.splitlines() == ["demo: removed the rows and files of 0 runs"]
    told = call("retention", "--keep", "1").stdout.splitlines()
    assert [line.split(":")[0] for line in told] == ["demo", "not in the settings"]
    kept = set(project.query("select run_id from mmm.mmm_contribution")["run_id"])
    assert kept == {"second", "elsewhere"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["rollback", "--to", "never"], 1, "run never of demo was never published"),
        (["rollback"], 1, "is the only run of demo that was ever published"),
        (["publish", "--run", "never"], 1, "'never' is no run of"),
        (["publish", "--model", "other"], 2, "no model 'other'"),
        (["retention"], 2, "Missing option '--keep'"),
        (["retention", "--keep", "0"], 2, "0 is not in the range"),
        (["retention", "--keep", "1", "--model", "never"], 1, "there is no run of never"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    rerun: tuple[Project, str], call: Call, words: list[str], code: int, said: str
) -> None:
    project, first = rerun
    result = call(*words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert published_of(project) == first


def test_data_that_cannot_be_fitted_is_rejected(
    rerun: tuple[Project, str], market: Path, call: Call
) -> None:
    project, _ = rerun
    project.configure(input={"file": str(break_week(market, project.folder / "broken.csv"))})
    result = call("data", "check")
    assert result.exit_code == 1
    assert "error: " in result.stdout
    assert "tv" in result.stdout
    assert "demo: the input cannot be fitted" in result.stderr


def test_a_fit_is_judged_and_published_by_hand(rerun: tuple[Project, str], call: Call) -> None:
    project, good = rerun
    assert "nothing is new" in call("fit").stdout
    project.configure(sampler=HASTY)
    rejected = call("fit")
    assert rejected.exit_code == 1, rejected.output
    assert "was rejected" in rejected.stdout
    assert "min_ess" in rejected.stdout
    assert published_of(project) == good
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    fitted = call("fit")
    assert fitted.exit_code == 0, fitted.output
    assert "has passed the gate and is not published" in fitted.stdout
    assert published_of(project) == good
    assert call("publish").exit_code == 0
    assert published_of(project) != good
    assert [row["status"] for row in printed(call("runs", "--json"))] == [
        "published",
        "rejected",
        "superseded",
    ]


@pytest.mark.slow
def test_on_postgres_and_without_its_password(
    database: sa.URL, market: Path, tmp_path: Path, call: Call
) -> None:
    password = str(database.password)
    outputs: list[str] = []
    for project in make_project(tmp_path, database):
        project.configure(sampler=HASTY, gate=ANYTHING_GOES)
        load_csv(project.warehouse, market, load_settings(tmp_path / "settings.yaml"))
        checked = printed(call("data", "check", "--json"))
        assert (checked["problems"], checked["weeks"], checked["model_key"]) == ([], 156, "demo")
        for words in (["settings", "check"], ["fit"], ["publish"], ["data", "check"]):
            result = call(*words)
            assert result.exit_code == 0, result.output
            outputs.append(result.output)
        (run,) = printed(call("runs", "--json"))
        assert (run["status"], run["is_published"]) == ("published", True)
        for words in (["show", run["run_id"]], ["explain", run["run_id"]], ["rollback"]):
            outputs.append(call(*words).output)
        away = database.set(port=9).render_as_string(hide_password=False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMM_WAREHOUSE_URL", away)
            result = call("runs")
            assert (result.exit_code, "cannot connect" in result.stderr) == (1, True)
            outputs.append(result.output)
    assert len(outputs) == 8
    assert not [output for output in outputs if password in output]


def test_a_view_that_cannot_be_read_is_named_with_what_is_published(
    rerun: tuple[Project, str], call: Call
) -> None:
    project, run_id = rerun
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("drop view mmm.mmm_trust_latest")
    result = call("publish")
    assert result.exit_code == 1
    assert f"run {run_id} is published" in result.stdout
    assert "mmm_trust_latest" in result.stderr
    assert "run the job `mmm_dashboards`" in result.stderr
