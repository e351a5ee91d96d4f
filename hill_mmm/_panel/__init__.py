"""The input: a checked panel of weekly outcome, media and controls."""

from hill_mmm._panel.panel import MIN_WEEKS as MIN_WEEKS
from hill_mmm._panel.panel import WEEK as WEEK
from hill_mmm._panel.panel import Floats as Floats
from hill_mmm._panel.panel import Integers as Integers
from hill_mmm._panel.panel import Panel as Panel
from hill_mmm._panel.panel import PanelError as PanelError
from hill_mmm._panel.panel import Problem as Problem
from hill_mmm._panel.panel import Weeks as Weeks
from hill_mmm._panel.panel import find_problems as find_problems
