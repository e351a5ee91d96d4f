"""`mmm`: what an operator does from a shell, by the functions that the assets call.

Exit codes: 0 done, 1 rejected or failed, 2 wrong usage or settings.
"""

from dagster_mmm.cli.main import mmm as mmm
