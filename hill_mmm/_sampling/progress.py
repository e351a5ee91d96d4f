"""Where sampling stands, told between blocks of draws, and how it is stopped."""

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from hill_mmm.spec import SamplerSettings

Phase = Literal["warmup", "sampling"]


@dataclass(frozen=True)
class Progress:
    """Where the sampling of all chains together stands, after a block of one of them.

    Attributes:
        phase: `warmup` or `sampling`, of the chain that reported.
        done: iterations done by all chains, warm-up included.
        total: iterations to do.
        divergences: divergent transitions since the warm-up.
        elapsed_seconds: since the first chain started.
    """

    phase: Phase
    done: int
    total: int
    divergences: int
    elapsed_seconds: float

    @property
    def remaining_seconds(self) -> float:
        """Time left at the pace so far."""
        return self.elapsed_seconds * (self.total - self.done) / max(self.done, 1)


ProgressCallback = Callable[[Progress], None]


class Reporter:
    """Adds the chains' blocks up, under a lock, and calls the caller back."""

    def __init__(self, settings: SamplerSettings, on_progress: ProgressCallback | None) -> None:
        self._total = settings.chains * (settings.warmup + settings.draws)
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._done = 0
        self._divergences = 0
        self._is_stopped = False
        self._lock = Lock()

    def stop(self) -> None:
        """End every chain at its next block."""
        self._is_stopped = True

    def __call__(self, phase: Phase, iterations: int, divergences: int) -> None:
        with self._lock:
            if self._is_stopped:
                raise CancelledError
            self._done += iterations
            self._divergences += divergences if phase == "sampling" else 0
            if self._on_progress:
                elapsed = time.monotonic() - self._started
                self._on_progress(
                    Progress(phase, self._done, self._total, self._divergences, elapsed)
                )
