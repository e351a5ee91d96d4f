"""What time it is, as a Dagster resource: so that a test can live through weeks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment, UTC, with its time zone."""
        return datetime.now(UTC)

    def utc(self) -> datetime:
        """This moment, UTC, as a database without time zones keeps it."""
        return self.now().replace(tzinfo=None)

    def today(self, timezone: str) -> date:
        """The day that it is in a time zone."""
        return self.now().astimezone(ZoneInfo(timezone)).date()
