"""The warm-up: step size and metric are tuned in windows, and chains that are lost are moved."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.infer.hmc import HMCState
from numpyro.infer.hmc_util import build_adaptation_schedule

from hill_mmm._sampling.metric import Metric, fisher_metric, identity_metric, log_mass
from hill_mmm._sampling.program import ADAPTING, FIRST_STEP_SIZE, SAMPLING, Block, Run

# Shares of the warm-up after which the metric is estimated anew. The last stretch tunes the step
# size alone.
WINDOW_ENDS = (0.06, 0.14, 0.26, 0.46, 0.8)
# Windows after which a chain moves to another's place, if the mass about it is less than this
# share of the other's. The rest of the warm-up is theirs to part again.
MOVE_AFTER = (2, 3)
NEGLIGIBLE_MASS = 1e-3
_LAST_WINDOW = len(build_adaptation_schedule(SAMPLING)) - 1


def warm_up(
    run: Run, pool: ThreadPoolExecutor, states: Sequence[HMCState]
) -> tuple[list[HMCState], NDArray[np.bool_]]:
    """The chains ready to sample, and which of them were moved."""
    moved = np.zeros(len(states), dtype=bool)
    metric = identity_metric(run.program.size)
    states = [_restart_adaptation(state, metric, FIRST_STEP_SIZE) for state in states]
    # The first call compiles, ahead of the threads, which would each compile their own.
    run.program.advance(states[0], 0, run.data)
    lengths = _window_lengths(run.settings.warmup)
    for number, length in enumerate(lengths):
        drawn = list(pool.map(lambda state, n=length: run.draw(state, n, "warmup"), states))
        states = [state for state, _ in drawn]
        if number < len(lengths) - 1:
            # The chains' way to the typical set says nothing of its shape.
            skip = length // 3 if number == 0 else 0
            blocks = [jax.tree.map(lambda rows, n=skip: rows[n:], block) for _, block in drawn]
            if number in MOVE_AFTER:
                lost = _have_negligible_mass(blocks)
                states, moved = _move_lost(states, lost), moved | lost
                blocks = [block for block, is_lost in zip(blocks, lost, strict=True) if not is_lost]
            metric = _pooled_metric(blocks)
            sizes = [_averaged_step_size(state) for state in states]
            states = [
                _restart_adaptation(state, metric, size)
                for state, size in zip(states, sizes, strict=True)
            ]
    # One step size for all, as the metric is: a chain alone may settle on one that diverges.
    step_size = float(np.exp(np.mean([np.log(_averaged_step_size(state)) for state in states])))
    return [_end_adaptation(state, step_size) for state in states], moved


def _pooled_metric(blocks: Sequence[Block]) -> Metric:
    joined = jax.tree.map(lambda *rows: np.concatenate(rows), *blocks)
    return fisher_metric(joined.position, joined.gradient)


def _have_negligible_mass(blocks: Sequence[Block]) -> NDArray[np.bool_]:
    """Which chains are in a place whose mass is negligible beside that of another's."""
    masses = [
        log_mass(_pooled_metric([block]), block.potential, block.position, block.gradient)
        for block in blocks
    ]
    return np.array(masses) < max(masses) + np.log(NEGLIGIBLE_MASS)


def _move_lost(states: Sequence[HMCState], lost: NDArray[np.bool_]) -> list[HMCState]:
    """The chains, each lost one where one of the others is. Their random keys stay their own."""
    others = cycle(state for state, is_lost in zip(states, lost, strict=True) if not is_lost)
    return [
        _moved_to(state, next(others)) if is_lost else state
        for state, is_lost in zip(states, lost, strict=True)
    ]


def _moved_to(state: HMCState, other: HMCState) -> HMCState:
    return state._replace(
        z=other.z,
        z_grad=other.z_grad,
        potential_energy=other.potential_energy,
        adapt_state=other.adapt_state._replace(rng_key=state.adapt_state.rng_key),
    )


def _window_lengths(warmup: int) -> list[int]:
    ends = sorted({*(round(share * warmup) for share in WINDOW_ENDS), warmup} - {0})
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _averaged_step_size(state: HMCState) -> float:
    """The dual averaging's estimate so far."""
    return float(np.exp(state.adapt_state.ss_state[1]))


def _restart_adaptation(state: HMCState, metric: Metric, step_size: float) -> HMCState:
    """A chain with a new metric, its step size to be tuned anew from `step_size`."""
    nothing, start = jnp.asarray(0.0), jnp.asarray(np.log(step_size))
    averaging = (nothing, nothing, nothing, jnp.asarray(0), start)
    adapted = state.adapt_state._replace(
        step_size=jnp.asarray(step_size),
        inverse_mass_matrix=metric.inverse_mass,
        mass_matrix_sqrt=metric.sqrt,
        mass_matrix_sqrt_inv=metric.sqrt_inverse,
        ss_state=averaging,
        window_idx=jnp.asarray(_LAST_WINDOW),
    )
    return state._replace(i=jnp.asarray(ADAPTING), adapt_state=adapted)


def _end_adaptation(state: HMCState, step_size: float) -> HMCState:
    adapted = state.adapt_state._replace(step_size=jnp.asarray(step_size))
    return state._replace(i=jnp.asarray(SAMPLING), adapt_state=adapted)
