"""The panel: weekly outcome, media and controls of one or many series, checked for the model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm.panel.problems import PanelError, Problem, find_problems, frame_problems
from hill_mmm.panel.rows import WEEK, Floats, Integers, Rows, Weeks


@dataclass(frozen=True)
class Panel:
    """Weekly data of one or many series on one calendar.

    As `from_frame` makes it: consecutive weeks, finite values, no negative media. A series may
    start later than the others; all end in the last week. A series starts with its first outcome;
    its weeks before that, if their media are known, are the lead-in: what they carry over works in
    the weeks that have an outcome.

    Attributes:
        series: names of the series (brands, markets), in the order of every array's second axis.
        weeks: first day of each week, `datetime64[D]`, shape `(weeks,)`.
        outcome: revenue or another outcome a week, shape `(weeks, series)`, in the model's
            currency; NaN before a series' start.
        spend: shape `(weeks, series, channels)`, in the model's currency; 0 before the lead-in.
        organic: exposures of media that cost nothing (newsletters sent, ...), shape
            `(weeks, series, organic)`, in any unit; 0 before the lead-in.
        controls: shape `(weeks, series, controls)`, in any unit; 0 before the start.
        starts: index of the first week of each series with an outcome, shape `(series,)`.
        media_starts: index of the first week of each series whose media are known, at most
            `starts`, shape `(series,)`.
        channels: names of the paid channels, in the order of `spend`'s last axis.
        organic_names: names of the organic media, in the order of `organic`'s last axis.
        control_names: names of the controls, in the order of `controls`' last axis.
        value: money that each week's outcome is worth, shape `(weeks, series)`, NaN where there is
            no outcome; or None for an outcome that is money, or whose units are all worth the same.
    """

    series: tuple[str, ...]
    weeks: Weeks
    outcome: Floats
    spend: Floats
    organic: Floats
    controls: Floats
    starts: Integers
    media_starts: Integers
    channels: tuple[str, ...]
    organic_names: tuple[str, ...]
    control_names: tuple[str, ...]
    value: Floats | None = None

    def __len__(self) -> int:
        return len(self.weeks)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        outcome: str,
        channels: Sequence[str],
        controls: Sequence[str] = (),
        organic: Sequence[str] = (),
        value: str | None = None,
        series: str | None = None,
        name: str = "national",
    ) -> "Panel":
        """Check a wide frame and make it a panel, its series in the order of their names.

        Args:
            frame: one row a week and series, in any order, indexed by the week's first day, with
                one column a variable. First rows of a series without an outcome (NaN) are its
                lead-in, whose controls do not matter.
            outcome: column of the outcome.
            channels: columns of spend.
            controls: columns of controls.
            organic: columns of exposures of organic media.
            value: column of the money that a count is worth, such as the revenue of the week's
                orders; for `ModelSpec(outcome_kind="count", value_per_unit="by_week")`.
            series: column that names the series; None for a frame of one series.
            name: name of that one series.

        Raises:
            PanelError: with every problem that `find_problems` finds.
        """
        problems = find_problems(
            frame,
            outcome=outcome,
            channels=channels,
            controls=controls,
            organic=organic,
            value=value,
            series=series,
        )
        if problems:
            raise PanelError(problems)
        rows = Rows.of(frame, series)
        known = rows.grid([outcome], before_start=np.nan)[:, :, 0]
        starts = np.isfinite(known).argmax(axis=0)
        has_started = np.arange(len(known))[:, None] >= starts
        return cls(
            series=rows.series or (name,),
            weeks=rows.calendar,
            outcome=known,
            spend=rows.grid(channels),
            organic=rows.grid(organic),
            controls=np.where(has_started[:, :, None], rows.grid(controls), 0.0),
            starts=starts,
            media_starts=rows.position[rows.first],
            channels=tuple(channels),
            organic_names=tuple(organic),
            control_names=tuple(controls),
            value=None
            if value is None
            else np.where(has_started, rows.grid([value])[:, :, 0], np.nan),
        )

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether a series has started by a week, shape `(weeks, series)`."""
        return np.arange(len(self))[:, None] >= self.starts

    @property
    def outcome_weeks(self) -> Weeks:
        """The weeks from the first in which a series has an outcome, without those that lead in."""
        return self.weeks[int(self.starts.min(initial=len(self))) :]

    @property
    def media(self) -> Floats:
        """Spend, then organic exposures, shape `(weeks, series, channels + organic)`."""
        return np.concatenate([self.spend, self.organic], axis=2)

    @property
    def media_names(self) -> tuple[str, ...]:
        """Names of the paid channels, then of the organic media, in the order of `media`."""
        return self.channels + self.organic_names

    @property
    def unit_value(self) -> float | None:
        """Money that a unit of the outcome is worth on average; None without values."""
        if self.value is None:
            return None
        return float(np.nansum(self.value) / np.nansum(self.outcome))

    @property
    def silent_channels(self) -> tuple[str, ...]:
        """The media that are 0 whenever a series has an outcome, which cannot be fitted."""
        silent = ~self.media.any(axis=(0, 1), where=self.observed[:, :, None])
        return tuple(self.media_names[medium] for medium in np.flatnonzero(silent))

    def head(self, weeks: int) -> "Panel":
        """The first `weeks` weeks as a panel of their own, to train on before a holdout.

        A series that has not started by then is left out.
        """
        started = [
            name for name, start in zip(self.series, self.starts, strict=True) if start < weeks
        ]
        first = replace(
            self,
            weeks=self.weeks[:weeks],
            outcome=self.outcome[:weeks],
            spend=self.spend[:weeks],
            organic=self.organic[:weeks],
            controls=self.controls[:weeks],
            value=None if self.value is None else self.value[:weeks],
        )
        return first.only(started)

    def only(self, series: Sequence[str]) -> "Panel":
        """The panel of these series alone, on the same calendar."""
        positions = [self.series.index(name) for name in series]
        return replace(
            self,
            series=tuple(series),
            outcome=self.outcome[:, positions],
            spend=self.spend[:, positions],
            organic=self.organic[:, positions],
            controls=self.controls[:, positions],
            value=None if self.value is None else self.value[:, positions],
            starts=self.starts[positions],
            media_starts=self.media_starts[positions],
        )

    def followed_by(self, future: pd.DataFrame, *, series: str | None = None) -> "Panel":
        """The panel with weeks to come, whose outcome is not known (NaN).

        Args:
            future: one row a week and series, indexed by the week's first day, with a column for
                each channel, control and organic medium; its weeks follow the panel's last.
            series: column that names the series; None for a panel of one.

        Raises:
            PanelError: if the weeks do not follow, or a column or series is missing.
        """
        variables = [*self.channels, *self.organic_names, *self.control_names]
        unusable = frame_problems(future, variables, series)
        if unusable:
            raise PanelError(unusable)
        rows = Rows.of(future, series)
        expected = self.weeks[-1] + WEEK * np.arange(1, len(rows.calendar) + 1)
        if (series and rows.series != self.series) or not np.array_equal(rows.calendar, expected):
            message = (
                f"the weeks to come must follow {self.weeks[-1]} without a gap, with a row for "
                f"every series of {self.series}"
            )
            raise PanelError([Problem("future_does_not_follow", message)])
        return self.extended(rows.grid(self.media_names), rows.grid(self.control_names))

    def extended(self, media: Floats, controls: Floats) -> "Panel":
        """The panel with weeks after its last, whose outcome is not known (NaN).

        Args:
            media: of the weeks to come, shape `(weeks, series, channels + organic)`, as `media`.
            controls: of these weeks, shape `(weeks, series, controls)`.
        """
        spend, organic = np.split(media, [len(self.channels)], axis=2)
        unknown = np.full((len(media), len(self.series)), np.nan)
        to_come = self.weeks[-1] + WEEK * np.arange(1, len(media) + 1)
        return replace(
            self,
            weeks=np.concatenate([self.weeks, to_come]),
            outcome=np.concatenate([self.outcome, unknown]),
            spend=np.concatenate([self.spend, spend]),
            organic=np.concatenate([self.organic, organic]),
            controls=np.concatenate([self.controls, controls]),
            value=None if self.value is None else np.concatenate([self.value, unknown]),
        )
