"""What is told of a fit while it runs, and when it stops itself; whole fits are in test_job.py."""

import logging
import re

import pytest

from dagster_mmm.fitting import fits as fitting
from dagster_mmm.fitting.fits import OverBudgetError, _Watch
from hill_mmm import Progress, Rung, SamplerSettings


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines: Lines) -> logging.Logger:
    log = logging.Logger("fit")
    log.addHandler(lines)
    return log


def progress(done: int, total: int) -> Progress:
    return Progress("sampling", done, total, divergences=1, elapsed_seconds=done / 10)


def test_every_fifth_of_each_fit_is_logged_and_observed_once(
    log: logging.Logger, lines: Lines
) -> None:
    seen: list[tuple[str, int, int]] = []
    watch = _Watch(log, lambda what, p: seen.append((what, p.done, p.total)), None)
    report = watch.callback_for("fit on 60 weeks")
    # Two rungs of the ladder, a block of 50 iterations at a time.
    for total in (500, 1000):
        for done in range(50, total + 1, 50):
            report(progress(done, total))
    fifths = [(total // 5 * fifth, total) for total in (500, 1000) for fifth in range(1, 6)]
    counts = [line.split(": ")[1].split(" iterations")[0] for line in lines.lines]
    assert counts == [f"{done} of {total}" for done, total in fifths]
    assert seen == [("fit on 60 weeks", *fifth) for fifth in fifths]
    assert lines.lines[0] == (
        "fit on 60 weeks: 100 of 500 iterations, 1 divergences, about 40 s left"
    )


def test_a_fit_over_its_budget_stops_and_says_what_was_tried(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(fitting.time, "monotonic", lambda: now)
    watch = _Watch(log, lambda *_: None, max_minutes=30)
    report = watch.callback_for("fit on 60 weeks")
    watch.log_rung(Rung(2, SamplerSettings(), (), "no draws"))
    now = 30 * 60.0
    report(progress(100, 500))
    now += 6.0
    said = "K = 2, 500 + 1000 draws: no draws; stopped after 30.1 minutes at 40% of the fit on 60 "
    said += "weeks, as sampler.max_minutes is 30."
    # Every chain is to hear of it.
    for _ in range(2):
        with pytest.raises(OverBudgetError, match=re.escape(said)):
            report(progress(200, 500))
