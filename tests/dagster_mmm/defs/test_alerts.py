"""Failures of real runs, posted to a real HTTP server on this machine."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.defs.alerts import alerts, ended_runs
from dagster_mmm.fitting.result_rows import started_run
from dagster_mmm.settings import load_settings
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.tables import RUN
from tests.conftest import Project

SECRET = "T00/B00/s3cr3t"


@dataclass
class Webhook:
    """A server that keeps what is posted to it, and answers as it is told to."""

    address: str = ""
    answer: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.answer == 200:
                kept.bodies.append(json.loads(body))
            self.send_response(kept.answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.address = f"http://127.0.0.1:{server.server_port}/{SECRET}"
        monkeypatch.setenv("MMM_ALERT_WEBHOOK", kept.address)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


@dg.asset(key_prefix="mmm")
def fit() -> None:
    raise ValueError("the input has <no> weeks; load some")


@dg.asset(key_prefix="mmm")
def tables() -> None:
    """Nothing to fail at."""


@dg.asset_check(asset=tables, blocking=True)
def converged() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="max_r_hat is 1.2, allowed 1.01")


@dg.asset_check(asset=tables)
def is_additive() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="parts do not sum")


@dg.asset_check(asset=tables)
def is_plausible() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    # One process alone writes its events in order.
    monkeypatch.setattr("dagster_mmm.defs.alerts.SETTLED_SECONDS", 0)
    with dg.instance_for_test() as instance:
        yield instance


def run(
    instance: dg.DagsterInstance, *parts: Any, model: str = "retail", job: str = "mmm_refit"
) -> str:
    assets = [part for part in parts if not isinstance(part, dg.AssetChecksDefinition)]
    checks = [part for part in parts if isinstance(part, dg.AssetChecksDefinition)]
    refit = dg.define_asset_job(job, selection=dg.AssetSelection.all())
    definitions = dg.Definitions(assets=assets, asset_checks=checks, jobs=[refit])
    return (
        definitions.resolve_job_def(job)
        .execute_in_process(
            instance=instance, tags={"dagster/partition": model}, raise_on_error=False
        )
        .run_id
    )


def tick(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """One evaluation of the sensor; the cursor that the next one begins with."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        alerts(context, NAMES)
        return context.cursor


def test_a_failed_run_is_told_of_once_with_its_reason_and_a_link(
    instance: dg.DagsterInstance, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_DAGSTER_URL", "https://dagster.example.com/")
    cursor = tick(instance, None)
    run_id = run(instance, fit)
    cursor = tick(instance, tick(instance, cursor))
    (body,) = webhook.bodies
    link = f"https://dagster.example.com/runs/{run_id}"
    assert body["text"].startswith("retail: ")
    assert body["text"].endswith(f"mmm__fit: the input has &lt;no&gt; weeks; load some\n{link}")
    header, fields, reason = body["blocks"]
    assert header["text"]["type"] == "plain_text"
    assert [field["text"] for field in fields["fields"]] == [
        "*Model*\nretail",
        f"*Run*\n<{link}|{run_id}>",
    ]
    assert reason["text"]["text"] == "mmm__fit: the input has &lt;no&gt; weeks; load some"


def test_a_blocking_check_is_told_of_with_its_run_and_a_warning_not_at_all(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    cursor = tick(instance, None)
    run(instance, tables, converged, is_plausible)
    tick(instance, cursor)
    (body,) = webhook.bodies
    assert "converged: max_r_hat is 1.2, allowed 1.01" in body["text"]


def test_checks_that_fail_without_a_run_are_told_of(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    cursor = tick(instance, None)
    run(instance, tables, is_additive)
    late = dg.AssetCheckEvaluation(
        asset_key=NAMES.panel,
        check_name="input_is_on_time",
        passed=False,
        metadata={},
        description="no week of 2026-01-05 by Tuesday",
        partition="acme",
    )
    instance.report_runless_asset_event(late)
    tick(instance, cursor)
    additive, on_time = webhook.bodies
    assert "check is_additive of mmm/tables failed\nparts do not sum" in additive["text"]
    assert on_time["text"].startswith(
        "acme: check input_is_on_time of mmm/panel failed\nno week of"
    )


@dg.asset
def theirs() -> None:
    raise ValueError("somebody else's")


@dg.asset_check(asset=theirs)
def is_theirs() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False)


def test_nobody_is_told_of_what_fails_in_others_jobs(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    cursor = tick(instance, None)
    run(instance, theirs, is_theirs, job="theirs")
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(dg.AssetKey("theirs"), "is_theirs", passed=False, metadata={})
    )
    tick(instance, cursor)
    assert webhook.bodies == []


def test_an_alert_waits_for_its_webhook(
    instance: dg.DagsterInstance, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    cursor = tick(instance, None)
    first, second = run(instance, fit), run(instance, fit)
    webhook.answer = 500
    cursor = tick(instance, cursor)
    assert webhook.bodies == []
    webhook.answer = 200
    tick(instance, cursor)
    runs = [body["blocks"][1]["fields"][1]["text"] for body in webhook.bodies]
    assert [first in runs[0], second in runs[1]] == [True, True]
    printed = capfd.readouterr()
    assert "answers 500" in printed.out + printed.err
    assert "s3cr3t" not in printed.out + printed.err


def test_nobody_is_told_of_what_happened_before_there_was_a_webhook(
    instance: dg.DagsterInstance, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(instance, fit)
    cursor = tick(instance, None)
    monkeypatch.delenv("MMM_ALERT_WEBHOOK")
    run(instance, fit)
    cursor = tick(instance, cursor)
    monkeypatch.setenv("MMM_ALERT_WEBHOOK", webhook.address)
    tick(instance, cursor)
    assert webhook.bodies == []


def test_the_row_of_a_run_that_died_is_rejected(
    instance: dg.DagsterInstance, project: Project
) -> None:
    died, alive = run(instance, fit), "alive"
    project.warehouse.create_result_tables()
    settings = load_settings(project.folder / "settings.yaml")
    for run_id in (died, alive):
        row = started_run(run_id, datetime(2026, 1, 5), settings, "v")
        with project.warehouse.begin() as connection:
            replace_run(connection, run_id, {RUN: row})
    failure = dg.DagsterEventType.RUN_FAILURE
    (event,) = instance.get_records_for_run(died, of_type=failure).records
    dagster_run = instance.get_run_by_id(died)
    assert dagster_run is not None
    assert event.event_log_entry.dagster_event is not None
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=event.event_log_entry.dagster_event,
        dagster_instance=instance,
        dagster_run=dagster_run,
    )
    ended_runs(context, NAMES, project.warehouse)
    rows = project.query("select run_id, status from mmm.mmm_run").set_index("run_id")
    assert rows["status"].to_dict() == {died: "rejected", alive: "running"}
