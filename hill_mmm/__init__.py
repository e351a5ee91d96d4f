"""Hill-mixture marketing mix models: panel in, posterior and tidy estimands out.

Importing this package switches JAX to 64-bit floats, which the sampler needs.
"""

import jax

jax.config.update("jax_enable_x64", True)

from hill_mmm._fit import fit as fit  # noqa: E402
from hill_mmm._panel import Panel as Panel  # noqa: E402
from hill_mmm._simulate import simulate_national_market as simulate_national_market  # noqa: E402
from hill_mmm._simulate import simulate_seed_benchmark as simulate_seed_benchmark  # noqa: E402
from hill_mmm._spec import ModelSpec as ModelSpec  # noqa: E402
from hill_mmm._spec import SamplerSettings as SamplerSettings  # noqa: E402
