"""What the log says while a fit runs; the fits themselves are in test_job.py."""

import logging

import pytest

from dagster_mmm.fitting import _ProgressLog
from hill_mmm import Progress


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


def test_every_fifth_of_each_fit_is_logged_once(lines: Lines) -> None:
    log = logging.Logger("fit")
    log.addHandler(lines)
    report = _ProgressLog(log, "fit on 60 weeks")
    # Two rungs of the ladder, a block of 50 iterations at a time.
    for total in (500, 1000):
        for done in range(50, total + 1, 50):
            report(Progress("sampling", done, total, divergences=1, elapsed_seconds=done / 10))
    counts = [line.split(": ")[1].split(" iterations")[0] for line in lines.lines]
    assert counts == [f"{100 * fifth} of 500" for fifth in range(1, 6)] + [
        f"{200 * fifth} of 1000" for fifth in range(1, 6)
    ]
    assert lines.lines[0] == (
        "fit on 60 weeks: 100 of 500 iterations, 1 divergences, about 40 s left"
    )
