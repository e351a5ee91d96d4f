"""When the UI calls an asset stale."""

from datetime import timedelta

import dagster as dg

# One week and a day is late, and worth a look; two days are a failure.
WEEKLY = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=9), warn_window=timedelta(days=8)
)
