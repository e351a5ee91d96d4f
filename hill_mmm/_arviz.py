"""The one door to arviz-stats: its array interface, the same in 0.8 and in 1.x."""

from typing import Any

from arviz_stats import base

# arviz-stats annotates its arguments too narrowly and its results not at all.
array_stats: Any = base.array_stats  # pyright: ignore[reportPrivateImportUsage]
