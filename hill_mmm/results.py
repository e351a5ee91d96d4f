"""The tables of a fit: what the job publishes, and what a notebook's `Fit` is made of."""

from hill_mmm._leave_test_out import leave_test_out as leave_test_out
from hill_mmm._results.accuracy import accuracy as accuracy
from hill_mmm._results.accuracy import information_rows as information_rows
from hill_mmm._results.accuracy import obstacle_to_training as obstacle_to_training
from hill_mmm._results.decompose import Decomposition as Decomposition
from hill_mmm._results.decompose import decompose as decompose
from hill_mmm._results.decompose import with_total as with_total
from hill_mmm._results.delta import run_delta as run_delta
from hill_mmm._results.delta import split_delta as split_delta
from hill_mmm._results.delta import summary_between as summary_between
from hill_mmm._results.estimands import Estimates as Estimates
from hill_mmm._results.estimands import estimates as estimates
from hill_mmm._results.estimands import model_fit as model_fit
from hill_mmm._results.estimands import response_draws as response_draws
from hill_mmm._results.forecast import forecast as forecast
from hill_mmm._results.lift_tests import LiftWithoutTest as LiftWithoutTest
from hill_mmm._results.rescore import Scored as Scored
from hill_mmm._results.rescore import score as score
from hill_mmm.panel import ALL_SERIES as ALL_SERIES
