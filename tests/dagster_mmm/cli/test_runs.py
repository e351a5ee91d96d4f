"""The record of what was fitted, as text and as JSON."""

from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, printed


def test_runs_are_listed_the_newest_first(refitted: tuple[Project, str], call: Call) -> None:
    _, first = refitted
    text = call("runs").stdout
    assert text.index("second") < text.index(first)
    rows = printed(call("runs", "--json"))
    assert [(row["run_id"], row["status"], row["is_live"]) for row in rows] == [
        ("second", "published", True),
        (first, "superseded", False),
    ]
    assert rows[0]["started_at"].startswith("2030-01-01T00:00:00")
    assert printed(call("runs", "--json", "--limit", "1")) == rows[:1]


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
    text = call("run", first[:8]).stdout
    for expected in (first, "max_r_hat", "tv", "roi_learned"):
        assert expected in text
    shown = printed(call("run", first, "--json"))
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
        (["run", "nothing"], "`mmm runs` lists them"),
        (["explain", ""], "begins the ids of"),
    ):
        result = call(*words)
        assert result.exit_code == 1
        assert said in result.stderr


def test_a_rejection_is_explained_with_what_was_tried_and_what_to_do(
    refused: Project, call: Call
) -> None:
    text = call("explain", "refused").stdout
    assert text.startswith("run refused of demo was rejected")
    assert text.count("- K = 1, 300 + 300 draws: max_r_hat 1.2 (limit 1.05)") == 2
    assert "- max_r_hat is 1.2 (limit 1.05). Worst R-hat" in text
    assert "Raise sampler.warmup and sampler.draws" in text
    found = printed(call("explain", "refused", "--json"))
    assert [check["check_name"] for check in found["failed_checks"]] == ["max_r_hat"]
    assert found["status"] == "rejected"


def test_a_run_that_is_live_needs_no_excuse(rerun: tuple[Project, str], call: Call) -> None:
    _, run_id = rerun
    text = call("explain", run_id).stdout
    assert "has passed the gate and is live" in text
    assert "failed at" not in text
