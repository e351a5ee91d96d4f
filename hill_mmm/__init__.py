"""Hill-mixture marketing mix models: panel in, posterior and tidy estimands out.

Importing this package switches JAX to 64-bit floats, which the sampler needs.
"""

import jax

jax.config.update("jax_enable_x64", True)

from hill_mmm._accuracy import accuracy as accuracy  # noqa: E402
from hill_mmm._accuracy import holdout_model_fit as holdout_model_fit  # noqa: E402
from hill_mmm._accuracy import obstacle_to_training as obstacle_to_training  # noqa: E402
from hill_mmm._adstock import geometric_adstock as geometric_adstock  # noqa: E402
from hill_mmm._diagnostics import Check as Check  # noqa: E402
from hill_mmm._diagnostics import GateThresholds as GateThresholds  # noqa: E402
from hill_mmm._diagnostics import gate as gate  # noqa: E402
from hill_mmm._diagnostics import holdout_checks as holdout_checks  # noqa: E402
from hill_mmm._diagnostics import missing_holdout as missing_holdout  # noqa: E402
from hill_mmm._diagnostics import parameter_summary as parameter_summary  # noqa: E402
from hill_mmm._diagnostics import prior_checks as prior_checks  # noqa: E402
from hill_mmm._estimands import channel_summary as channel_summary  # noqa: E402
from hill_mmm._estimands import contribution as contribution  # noqa: E402
from hill_mmm._estimands import model_fit as model_fit  # noqa: E402
from hill_mmm._estimands import response_curve as response_curve  # noqa: E402
from hill_mmm._fit import Fit as Fit  # noqa: E402
from hill_mmm._fit import fit as fit  # noqa: E402
from hill_mmm._hill import hill as hill  # noqa: E402
from hill_mmm._hill import stick_breaking as stick_breaking  # noqa: E402
from hill_mmm._panel import MIN_WEEKS as MIN_WEEKS  # noqa: E402
from hill_mmm._panel import Panel as Panel  # noqa: E402
from hill_mmm._panel import PanelError as PanelError  # noqa: E402
from hill_mmm._panel import Problem as Problem  # noqa: E402
from hill_mmm._panel import find_problems as find_problems  # noqa: E402
from hill_mmm._posterior import Decomposition as Decomposition  # noqa: E402
from hill_mmm._posterior import decompose as decompose  # noqa: E402
from hill_mmm._posterior import response_curves as response_curves  # noqa: E402
from hill_mmm._sampler import Progress as Progress  # noqa: E402
from hill_mmm._simulate import Truth as Truth  # noqa: E402
from hill_mmm._simulate import simulate_national_market as simulate_national_market  # noqa: E402
from hill_mmm._simulate import simulate_seed_benchmark as simulate_seed_benchmark  # noqa: E402
from hill_mmm._spec import DEFAULT_ROI_PRIOR as DEFAULT_ROI_PRIOR  # noqa: E402
from hill_mmm._spec import LogNormalPrior as LogNormalPrior  # noqa: E402
from hill_mmm._spec import ModelSpec as ModelSpec  # noqa: E402
from hill_mmm._spec import SamplerSettings as SamplerSettings  # noqa: E402
