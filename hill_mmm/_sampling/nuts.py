"""NUTS in blocks: chains as threads over one compiled program, with a metric from all of them.

NumPyro supplies the transition (`numpyro.infer.hmc`) and the step size's dual averaging. The mass
matrix is ours: after each window of the warm-up it is estimated from the draws and the gradients
of all chains together. Chains that a random start led to where there is next to no mass are moved.
"""

from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.infer.hmc import HMCState

from hill_mmm._sampling.metric import Floats
from hill_mmm._sampling.program import Model, Program, Run, Tree, compiled_program
from hill_mmm._sampling.progress import ProgressCallback, Reporter
from hill_mmm._sampling.warmup import warm_up
from hill_mmm.spec import SamplerSettings

# Half-width of the uniform distribution about 0 that the chains start from; halved where the
# density is not finite. Every coordinate has a prior of scale 1 about 0. A uniform of half-width 2
# has a standard deviation of 1.15, so that the chains start wider apart than the prior, and than
# any posterior that the data have narrowed: chains that start closer agree too early.
START_WIDTH = 2.0
START_ATTEMPTS = 7


class SamplerError(RuntimeError):
    """The sampler found no place to start from."""


class ChainStats(NamedTuple):
    """Sampler statistics after warm-up, of shape `(chains, draws)` where nothing else is said.

    Attributes:
        diverging: True where the transition diverged.
        energy: Hamiltonian energy.
        steps: leapfrog steps.
        moved: `(chains,)`, True where the chain left a place of negligible mass in the warm-up.
    """

    diverging: NDArray[np.bool_]
    energy: NDArray[np.float64]
    steps: NDArray[np.int64]
    moved: NDArray[np.bool_]


def run_nuts(
    model: Model,
    data: Tree,
    structure: Hashable,
    dense_sites: tuple[str, ...],
    settings: SamplerSettings,
    on_progress: ProgressCallback | None = None,
) -> tuple[dict[str, Floats], ChainStats]:
    """Sample a NumPyro model.

    Args:
        model: called with `data` and `structure`.
        data: pytree of arrays. Data of equal shapes share one compiled program.
        structure: hashable, what else shapes the model.
        dense_sites: the sites that share a dense mass matrix; the others get a diagonal one.
        settings: chains, lengths, target acceptance and seed; equal settings and data give equal
            draws.
        on_progress: called after every block of every chain, from that chain's thread.

    Returns:
        The model's recorded sites, each `(chains, draws, ...)`, and the statistics of the draws.

    Raises:
        SamplerError: if the density is not finite anywhere near the centre of the priors.
    """
    program = compiled_program(model, data, structure, dense_sites, settings)
    keys = np.random.SeedSequence(settings.seed).generate_state(2 * settings.chains)
    keys = keys.astype(np.uint32).reshape(settings.chains, 2)
    states = [_initial_state(program, data, key) for key in keys]
    run = Run(program, data, settings, Reporter(settings, on_progress))
    with ThreadPoolExecutor(settings.chains) as pool:
        try:
            states, moved = warm_up(run, pool, states)
            chains = list(
                pool.map(lambda state: run.draw(state, settings.draws, "sampling")[1], states)
            )
        except BaseException:
            # Whoever interrupts, Ctrl-C included, does not wait for draws that nobody will read.
            run.report.stop()
            raise
    sampled = jax.tree.map(lambda *leaves: np.stack(leaves), *chains)
    sites = program.sites(jax.tree.map(jnp.asarray, sampled.position), data)
    return jax.tree.map(np.asarray, sites), ChainStats(
        sampled.diverging, sampled.energy, sampled.steps, moved
    )


def _initial_state(program: Program, data: Tree, key: NDArray[np.uint32]) -> HMCState:
    """A chain's first state, near the centre of the priors, where every coordinate is 0."""
    rng = np.random.default_rng(key)
    directions = {name: rng.uniform(-1.0, 1.0, size) for name, size in program.size.items()}
    for attempt in range(START_ATTEMPTS):
        width = START_WIDTH / 2.0**attempt
        position = {name: jnp.asarray(width * values) for name, values in directions.items()}
        state = program.initialise(position, key, data)
        if all(
            np.isfinite(leaf).all() for leaf in (state.potential_energy, *state.z_grad.values())
        ):
            return state
    raise SamplerError(
        "the model has no finite density near the centre of its priors: look for a channel, "
        "control or outcome whose values differ by many orders of magnitude"
    )
