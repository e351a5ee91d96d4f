"""Hill-mixture marketing mix models: panel in, posterior and tidy estimands out.

Importing this package switches JAX to 64-bit floats, which the sampler needs.
"""

import jax

jax.config.update("jax_enable_x64", True)

from hill_mmm._checks.calibration import calibration_checks as calibration_checks  # noqa: E402
from hill_mmm._checks.gate import Check as Check  # noqa: E402
from hill_mmm._checks.gate import GateThresholds as GateThresholds  # noqa: E402
from hill_mmm._checks.gate import additivity_checks as additivity_checks  # noqa: E402
from hill_mmm._checks.gate import gate as gate  # noqa: E402
from hill_mmm._checks.gate import holdout_checks as holdout_checks  # noqa: E402
from hill_mmm._checks.gate import lift_test_checks as lift_test_checks  # noqa: E402
from hill_mmm._checks.gate import missing_holdout as missing_holdout  # noqa: E402
from hill_mmm._checks.gate import mixture_checks as mixture_checks  # noqa: E402
from hill_mmm._checks.gate import parameter_summary as parameter_summary  # noqa: E402
from hill_mmm._checks.gate import prior_checks as prior_checks  # noqa: E402
from hill_mmm._checks.gate import score_checks as score_checks  # noqa: E402
from hill_mmm._checks.gate import warmup_checks as warmup_checks  # noqa: E402
from hill_mmm._cross_validation import FutureScores as FutureScores  # noqa: E402
from hill_mmm._cross_validation import known_tests as known_tests  # noqa: E402
from hill_mmm._cross_validation import leave_future_out as leave_future_out  # noqa: E402
from hill_mmm._fit import Fit as Fit  # noqa: E402
from hill_mmm._fit import fit as fit  # noqa: E402
from hill_mmm._fit import sample_prior as sample_prior  # noqa: E402
from hill_mmm._ladder import Attempt as Attempt  # noqa: E402
from hill_mmm._ladder import Choice as Choice  # noqa: E402
from hill_mmm._ladder import Climb as Climb  # noqa: E402
from hill_mmm._ladder import choose_components as choose_components  # noqa: E402
from hill_mmm._ladder import climb as climb  # noqa: E402
from hill_mmm._model.adstock import adstock as adstock  # noqa: E402
from hill_mmm._model.adstock import adstock_weights as adstock_weights  # noqa: E402
from hill_mmm._model.design import Scales as Scales  # noqa: E402
from hill_mmm._model.saturation import hill as hill  # noqa: E402
from hill_mmm._panel import MIN_WEEKS as MIN_WEEKS  # noqa: E402
from hill_mmm._panel import Panel as Panel  # noqa: E402
from hill_mmm._panel import PanelError as PanelError  # noqa: E402
from hill_mmm._panel import Problem as Problem  # noqa: E402
from hill_mmm._panel import find_problems as find_problems  # noqa: E402
from hill_mmm._plan_request import ChannelLimit as ChannelLimit  # noqa: E402
from hill_mmm._plan_request import PlanError as PlanError  # noqa: E402
from hill_mmm._plan_request import PlanRequest as PlanRequest  # noqa: E402
from hill_mmm._plan_request import Utility as Utility  # noqa: E402
from hill_mmm._planner.experiment import experiment_value as experiment_value  # noqa: E402
from hill_mmm._planner.plan import Plan as Plan  # noqa: E402
from hill_mmm._planner.plan import plan as plan  # noqa: E402
from hill_mmm._prior_predictive import prior_predictive as prior_predictive  # noqa: E402
from hill_mmm._results.accuracy import accuracy as accuracy  # noqa: E402
from hill_mmm._results.accuracy import information_rows as information_rows  # noqa: E402
from hill_mmm._results.accuracy import obstacle_to_training as obstacle_to_training  # noqa: E402
from hill_mmm._results.decompose import ALL_SERIES as ALL_SERIES  # noqa: E402
from hill_mmm._results.decompose import Decomposition as Decomposition  # noqa: E402
from hill_mmm._results.decompose import decompose as decompose  # noqa: E402
from hill_mmm._results.delta import history_checks as history_checks  # noqa: E402
from hill_mmm._results.delta import run_delta as run_delta  # noqa: E402
from hill_mmm._results.delta import split_delta as split_delta  # noqa: E402
from hill_mmm._results.delta import summary_between as summary_between  # noqa: E402
from hill_mmm._results.estimands import Estimates as Estimates  # noqa: E402
from hill_mmm._results.estimands import estimates as estimates  # noqa: E402
from hill_mmm._results.estimands import model_fit as model_fit  # noqa: E402
from hill_mmm._results.estimands import response_draws as response_draws  # noqa: E402
from hill_mmm._results.estimands import with_total as with_total  # noqa: E402
from hill_mmm._results.forecast import FORECAST_LEVELS as FORECAST_LEVELS  # noqa: E402
from hill_mmm._results.forecast import forecast as forecast  # noqa: E402
from hill_mmm._results.forecast import quantile_name as quantile_name  # noqa: E402
from hill_mmm._results.rescore import Scored as Scored  # noqa: E402
from hill_mmm._results.rescore import score as score  # noqa: E402
from hill_mmm._sampling.nuts import Progress as Progress  # noqa: E402
from hill_mmm._sampling.nuts import SamplerError as SamplerError  # noqa: E402
from hill_mmm._simulate import DGP as DGP  # noqa: E402
from hill_mmm._simulate import Truth as Truth  # noqa: E402
from hill_mmm._simulate import simulate_geo_market as simulate_geo_market  # noqa: E402
from hill_mmm._simulate import simulate_lift_test as simulate_lift_test  # noqa: E402
from hill_mmm._simulate import simulate_national_market as simulate_national_market  # noqa: E402
from hill_mmm._simulate import simulate_seed_benchmark as simulate_seed_benchmark  # noqa: E402
from hill_mmm.plots import plot_contributions as plot_contributions  # noqa: E402
from hill_mmm.plots import plot_convergence as plot_convergence  # noqa: E402
from hill_mmm.plots import plot_fit as plot_fit  # noqa: E402
from hill_mmm.plots import plot_response_curves as plot_response_curves  # noqa: E402
from hill_mmm.plots import plot_roi as plot_roi  # noqa: E402
from hill_mmm.spec import DEFAULT_ROI_PRIOR as DEFAULT_ROI_PRIOR  # noqa: E402
from hill_mmm.spec import DEFAULT_SHARE_PRIOR as DEFAULT_SHARE_PRIOR  # noqa: E402
from hill_mmm.spec import AmplitudePrior as AmplitudePrior  # noqa: E402
from hill_mmm.spec import Hyperprior as Hyperprior  # noqa: E402
from hill_mmm.spec import LiftTest as LiftTest  # noqa: E402
from hill_mmm.spec import ModelSpec as ModelSpec  # noqa: E402
from hill_mmm.spec import SamplerSettings as SamplerSettings  # noqa: E402
