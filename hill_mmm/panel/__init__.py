"""The input: a checked panel of weekly outcome, media and controls. It imports no JAX."""

from hill_mmm.panel.panel import Panel as Panel
from hill_mmm.panel.problems import MIN_WEEKS as MIN_WEEKS
from hill_mmm.panel.problems import PanelError as PanelError
from hill_mmm.panel.problems import Problem as Problem
from hill_mmm.panel.problems import duplicate_week as duplicate_week
from hill_mmm.panel.problems import early_end as early_end
from hill_mmm.panel.problems import find_problems as find_problems
from hill_mmm.panel.problems import missing_week as missing_week
from hill_mmm.panel.problems import reserved_series as reserved_series
from hill_mmm.panel.rows import ALL_SERIES as ALL_SERIES
from hill_mmm.panel.rows import DAY as DAY
from hill_mmm.panel.rows import WEEK as WEEK
from hill_mmm.panel.rows import Floats as Floats
from hill_mmm.panel.rows import Integers as Integers
from hill_mmm.panel.rows import Weeks as Weeks
from hill_mmm.panel.rows import last_day as last_day
