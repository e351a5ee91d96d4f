"""Hill-mixture marketing mix models: panel in, posterior and tidy estimands out.

Importing this package switches JAX to 64-bit floats, which the sampler needs.
"""

import jax

jax.config.update("jax_enable_x64", True)

from hill_mmm._adstock import adstock as adstock  # noqa: E402
from hill_mmm._adstock import adstock_weights as adstock_weights  # noqa: E402
from hill_mmm._design import Scales as Scales  # noqa: E402
from hill_mmm._fit import Fit as Fit  # noqa: E402
from hill_mmm._fit import fit as fit  # noqa: E402
from hill_mmm._fit import sample_prior as sample_prior  # noqa: E402
from hill_mmm._hill import hill as hill  # noqa: E402
from hill_mmm._panel import MIN_WEEKS as MIN_WEEKS  # noqa: E402
from hill_mmm._panel import Panel as Panel  # noqa: E402
from hill_mmm._panel import PanelError as PanelError  # noqa: E402
from hill_mmm._panel import Problem as Problem  # noqa: E402
from hill_mmm._panel import find_problems as find_problems  # noqa: E402
from hill_mmm._sampler import Progress as Progress  # noqa: E402
from hill_mmm._sampler import SamplerError as SamplerError  # noqa: E402
from hill_mmm._simulate import Truth as Truth  # noqa: E402
from hill_mmm._simulate import simulate_geo_market as simulate_geo_market  # noqa: E402
from hill_mmm._simulate import simulate_lift_test as simulate_lift_test  # noqa: E402
from hill_mmm._simulate import simulate_national_market as simulate_national_market  # noqa: E402
from hill_mmm._simulate import simulate_seed_benchmark as simulate_seed_benchmark  # noqa: E402
from hill_mmm._spec import DEFAULT_ROI_PRIOR as DEFAULT_ROI_PRIOR  # noqa: E402
from hill_mmm._spec import DEFAULT_SHARE_PRIOR as DEFAULT_SHARE_PRIOR  # noqa: E402
from hill_mmm._spec import AmplitudePrior as AmplitudePrior  # noqa: E402
from hill_mmm._spec import LiftTest as LiftTest  # noqa: E402
from hill_mmm._spec import ModelSpec as ModelSpec  # noqa: E402
from hill_mmm._spec import SamplerSettings as SamplerSettings  # noqa: E402
