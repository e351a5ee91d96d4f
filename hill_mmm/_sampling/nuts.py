"""NUTS in blocks: chains as threads over one compiled program, with a metric from all of them.

NumPyro supplies the transition (`numpyro.infer.hmc`) and the step size's dual averaging. The mass
matrix is ours: after each window of the warm-up it is estimated from the draws and the gradients
of all chains together. Chains that a random start led to where there is next to no mass are moved.
"""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray
from numpyro.handlers import seed, substitute, trace
from numpyro.infer import init_to_uniform
from numpyro.infer.hmc import HMCState, hmc
from numpyro.infer.hmc_util import build_adaptation_schedule
from numpyro.infer.util import constrain_fn, potential_energy

from hill_mmm._sampling.metric import (
    DENSE,
    DIAGONAL,
    Metric,
    fisher_metric,
    identity_metric,
    log_mass,
)
from hill_mmm._sampling.progress import Phase, ProgressCallback, Reporter
from hill_mmm.spec import PLAIN_TARGET_ACCEPT, SamplerSettings

# Halves the time that XLA takes to compile, and the program is as fast.
COMPILER_OPTIONS: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}
# Iterations of one call of the compiled program, at most.
BLOCK = 100
POSTPROCESS_BATCH = 64
# Shares of the warm-up after which the metric is estimated anew. The last stretch tunes the step
# size alone.
WINDOW_ENDS = (0.06, 0.14, 0.26, 0.46, 0.8)
FIRST_STEP_SIZE = 0.1
# Windows after which a chain moves to another's place, if the mass about it is less than this
# share of the other's. The rest of the warm-up is theirs to part again.
MOVE_AFTER = (2, 3)
NEGLIGIBLE_MASS = 1e-3
# Half-width of the uniform distribution about 0 that the chains start from; halved where the
# density is not finite.
START_WIDTH = 1.0
START_ATTEMPTS = 6
# NumPyro adapts while the iteration number is below the length of its warm-up. We say when.
ADAPTING, SAMPLING = 0, 10**6
_LAST_WINDOW = len(build_adaptation_schedule(SAMPLING)) - 1

Floats = NDArray[np.float64]
Model = Callable[..., None]
# A pytree of arrays, which Python's types cannot say.
Tree = Any
Position = dict[str, Any]


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


class _Block(NamedTuple):
    position: Any
    gradient: Any
    potential: Any
    diverging: Any
    energy: Any
    steps: Any


class _Program(NamedTuple):
    """A model's compiled functions, which serve every panel of the same shape.

    Attributes:
        initialise: state of a chain from its position, key and data.
        advance: a block of transitions of a chain.
        sites: recorded sites of positions `(chains, draws, ...)`.
        size: number of coordinates by block of the metric.
    """

    initialise: Callable[..., Any]
    advance: Callable[..., Any]
    sites: Callable[..., Any]
    size: dict[str, int]


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
    program = _program(model, data, structure, dense_sites, settings)
    keys = np.random.SeedSequence(settings.seed).generate_state(2 * settings.chains)
    keys = keys.astype(np.uint32).reshape(settings.chains, 2)
    states = [_start(program, data, key) for key in keys]
    run = _Run(program, data, settings, Reporter(settings, on_progress))
    with ThreadPoolExecutor(settings.chains) as pool:
        try:
            states, moved = _warm_up(run, pool, states)
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


# Compiled once in a process for each structure and shape of the data.
_PROGRAMS: dict[Hashable, _Program] = {}


def _program(
    model: Model,
    data: Tree,
    structure: Hashable,
    dense_sites: tuple[str, ...],
    settings: SamplerSettings,
) -> _Program:
    shapes = tuple(leaf.shape for leaf in jax.tree.leaves(data))
    tuning = (settings.target_accept or PLAIN_TARGET_ACCEPT, settings.max_tree_depth)
    key = (model, structure, dense_sites, tuning, shapes)
    if key not in _PROGRAMS:
        _PROGRAMS[key] = _build(model, data, structure, dense_sites, *tuning)
    return _PROGRAMS[key]


def _build(
    model: Model,
    example: Tree,
    structure: Hashable,
    dense_sites: tuple[str, ...],
    target_accept: float,
    max_tree_depth: int,
) -> _Program:
    template = _template(model, example, structure)
    dense, unravel_dense = ravel_pytree({site: template[site] for site in dense_sites})
    rest = {site: value for site, value in template.items() if site not in dense_sites}
    diagonal, unravel_diagonal = ravel_pytree(rest)
    size = {DENSE: len(dense), DIAGONAL: len(diagonal)}

    def named(position: Position) -> dict[str, Any]:
        return unravel_dense(position[DENSE]) | unravel_diagonal(position[DIAGONAL])

    def potential(data: Tree) -> Callable[[Position], Tree]:
        return lambda position: potential_energy(model, (data, structure), {}, named(position))

    initial, transition = hmc(potential_fn_gen=potential, algo="NUTS")

    def initialise(position: Position, key: jax.Array, data: Tree) -> HMCState:
        return initial(
            position,
            num_warmup=SAMPLING,
            step_size=FIRST_STEP_SIZE,
            inverse_mass_matrix=identity_metric(size).inverse_mass,
            adapt_mass_matrix=False,
            dense_mass=[(DENSE,)],  # pyright: ignore[reportArgumentType] # annotated as bool
            target_accept_prob=target_accept,
            max_tree_depth=max_tree_depth,
            model_args=(data,),
            rng_key=key,
        )

    def sites(positions: Position, data: Tree) -> Tree:
        def recorded(position: Position) -> Tree:
            found = constrain_fn(
                model, (data, structure), {}, named(position), return_deterministic=True
            )
            return {name: value for name, value in found.items() if not name.endswith("_raw")}

        return jax.lax.map(
            lambda chain: jax.lax.map(recorded, chain, batch_size=POSTPROCESS_BATCH), positions
        )

    compiled = partial(jax.jit, compiler_options=COMPILER_OPTIONS)
    advance = partial(_advance, transition)
    return _Program(compiled(initialise), compiled(advance), compiled(sites), size)


def _template(model: Model, example: Tree, structure: Hashable) -> dict[str, Any]:
    """Zeros in the shape of each coordinate; every support here has as many as its site."""

    def values() -> dict[str, Any]:
        started = substitute(seed(model, 0), substitute_fn=init_to_uniform)
        sites = trace(started).get_trace(example, structure).values()
        return {
            site["name"]: site["value"]
            for site in sites
            if site["type"] == "sample" and not site["is_observed"]
        }

    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(values))


def _advance(
    transition: Callable[..., HMCState], state: HMCState, iterations: jax.Array, data: Tree
) -> tuple[HMCState, _Block]:
    """Run `iterations <= BLOCK` transitions; the rest of the returned block is empty."""

    def visible(state: HMCState) -> _Block:
        return _Block(
            state.z,
            state.z_grad,
            state.potential_energy,
            state.diverging,
            state.energy,
            state.num_steps,
        )

    def step(row: jax.Array, carry: tuple[HMCState, _Block]) -> tuple[HMCState, _Block]:
        state = transition(carry[0], (data,), {})
        block = jax.tree.map(lambda rows, value: rows.at[row].set(value), carry[1], visible(state))
        return state, block

    empty = jax.tree.map(lambda row: jnp.zeros((BLOCK, *row.shape), row.dtype), visible(state))
    return jax.lax.fori_loop(0, iterations, step, (state, empty))


def _start(program: _Program, data: Tree, key: NDArray[np.uint32]) -> HMCState:
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


class _Run(NamedTuple):
    program: _Program
    data: Tree
    settings: SamplerSettings
    report: Reporter

    def draw(self, state: HMCState, iterations: int, phase: Phase) -> tuple[HMCState, _Block]:
        """Advance one chain, block by block."""
        blocks: list[_Block] = []
        for done in range(0, iterations, BLOCK):
            length = min(BLOCK, iterations - done)
            state, filled = self.program.advance(state, length, self.data)
            blocks.append(jax.tree.map(lambda rows, n=length: np.asarray(rows)[:n], filled))
            self.report(phase, length, int(blocks[-1].diverging.sum()))
        return state, jax.tree.map(lambda *leaves: np.concatenate(leaves), *blocks)


def _warm_up(
    run: _Run, pool: ThreadPoolExecutor, states: Sequence[HMCState]
) -> tuple[list[HMCState], NDArray[np.bool_]]:
    """The chains ready to sample, and which of them were moved."""
    moved = np.zeros(len(states), dtype=bool)
    metric = identity_metric(run.program.size)
    states = [_retuned(state, metric, FIRST_STEP_SIZE) for state in states]
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
                lost = _are_lost(blocks)
                states, moved = _together(states, lost), moved | lost
                blocks = [block for block, is_lost in zip(blocks, lost, strict=True) if not is_lost]
            metric = _pooled_metric(blocks)
            states = [_retuned(state, metric, _step_size(state)) for state in states]
    # One step size for all, as the metric is: a chain alone may settle on one that diverges.
    step_size = float(np.exp(np.mean([np.log(_step_size(state)) for state in states])))
    return [_frozen(state, step_size) for state in states], moved


def _pooled_metric(blocks: Sequence[_Block]) -> Metric:
    joined = jax.tree.map(lambda *rows: np.concatenate(rows), *blocks)
    return fisher_metric(joined.position, joined.gradient)


def _are_lost(blocks: Sequence[_Block]) -> NDArray[np.bool_]:
    """Which chains are in a place whose mass is negligible beside that of another's."""
    masses = [log_mass(_pooled_metric([block]), block.potential) for block in blocks]
    return np.array(masses) < max(masses) + np.log(NEGLIGIBLE_MASS)


def _together(states: Sequence[HMCState], lost: NDArray[np.bool_]) -> list[HMCState]:
    """The chains, each lost one where one of the others is. Their random keys stay their own."""
    others = cycle(state for state, is_lost in zip(states, lost, strict=True) if not is_lost)
    return [
        _at_place_of(state, next(others)) if is_lost else state
        for state, is_lost in zip(states, lost, strict=True)
    ]


def _at_place_of(state: HMCState, other: HMCState) -> HMCState:
    return state._replace(
        z=other.z,
        z_grad=other.z_grad,
        potential_energy=other.potential_energy,
        adapt_state=other.adapt_state._replace(rng_key=state.adapt_state.rng_key),
    )


def _window_lengths(warmup: int) -> list[int]:
    ends = sorted({*(round(share * warmup) for share in WINDOW_ENDS), warmup} - {0})
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _step_size(state: HMCState) -> float:
    """The dual averaging's estimate so far."""
    return float(np.exp(state.adapt_state.ss_state[1]))


def _retuned(state: HMCState, metric: Metric, step_size: float) -> HMCState:
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


def _frozen(state: HMCState, step_size: float) -> HMCState:
    adapted = state.adapt_state._replace(step_size=jnp.asarray(step_size))
    return state._replace(i=jnp.asarray(SAMPLING), adapt_state=adapted)
