"""A model's transition as one compiled program, which every chain and like panel shares."""

from collections.abc import Callable, Hashable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpyro.handlers import seed, substitute, trace
from numpyro.infer import init_to_uniform
from numpyro.infer.hmc import HMCState, hmc
from numpyro.infer.util import constrain_fn, potential_energy

from hill_mmm._sampling.metric import DENSE, DIAGONAL, identity_metric
from hill_mmm._sampling.progress import Phase, Reporter
from hill_mmm.spec import PLAIN_TARGET_ACCEPT, SamplerSettings

# Halves the time that XLA takes to compile, and the program is as fast.
COMPILER_OPTIONS: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}
# Iterations of one call of the compiled program, at most.
BLOCK = 100
POSTPROCESS_BATCH = 64
FIRST_STEP_SIZE = 0.1
# NumPyro adapts while the iteration number is below the length of its warm-up. We say when.
ADAPTING, SAMPLING = 0, 10**6

Model = Callable[..., None]
# A pytree of arrays, which Python's types cannot say.
Tree = Any
Position = dict[str, Any]


class Block(NamedTuple):
    """What is kept of a chain's iterations, `(iterations, ...)` each."""

    position: Any
    gradient: Any
    potential: Any
    diverging: Any
    energy: Any
    steps: Any


class Program(NamedTuple):
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


# Compiled once in a process for each structure and shape of the data.
_PROGRAMS: dict[Hashable, Program] = {}


def compiled_program(
    model: Model,
    data: Tree,
    structure: Hashable,
    dense_sites: tuple[str, ...],
    settings: SamplerSettings,
) -> Program:
    shapes = tuple(leaf.shape for leaf in jax.tree.leaves(data))
    tuning = (settings.target_accept or PLAIN_TARGET_ACCEPT, settings.max_tree_depth)
    key = (model, structure, dense_sites, tuning, shapes)
    if key not in _PROGRAMS:
        _PROGRAMS[key] = _compile(model, data, structure, dense_sites, *tuning)
    return _PROGRAMS[key]


def _compile(
    model: Model,
    example: Tree,
    structure: Hashable,
    dense_sites: tuple[str, ...],
    target_accept: float,
    max_tree_depth: int,
) -> Program:
    zeros = zeros_by_site(model, example, structure)
    dense, unravel_dense = ravel_pytree({site: zeros[site] for site in dense_sites})
    rest = {site: value for site, value in zeros.items() if site not in dense_sites}
    diagonal, unravel_diagonal = ravel_pytree(rest)
    size = {DENSE: len(dense), DIAGONAL: len(diagonal)}

    def by_site(position: Position) -> dict[str, Any]:
        return unravel_dense(position[DENSE]) | unravel_diagonal(position[DIAGONAL])

    def potential(data: Tree) -> Callable[[Position], Tree]:
        return lambda position: potential_energy(model, (data, structure), {}, by_site(position))

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
                model, (data, structure), {}, by_site(position), return_deterministic=True
            )
            return {name: value for name, value in found.items() if not name.endswith("_raw")}

        return jax.lax.map(
            lambda chain: jax.lax.map(recorded, chain, batch_size=POSTPROCESS_BATCH), positions
        )

    compiled = partial(jax.jit, compiler_options=compiler_options())
    advance = partial(_advance, transition)
    return Program(compiled(initialise), compiled(advance), compiled(sites), size)


@cache
def compiler_options() -> dict[str, str | bool]:
    """`COMPILER_OPTIONS`, or none of them if this version of XLA has lost them.

    jaxlib 0.12, which Python 3.12 and later get, has no other emitters than those of fusions.
    """
    try:
        jax.jit(lambda x: x, compiler_options=COMPILER_OPTIONS)(0.0)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return {}
    return COMPILER_OPTIONS


def zeros_by_site(model: Model, example: Tree, structure: Hashable) -> dict[str, Any]:
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
) -> tuple[HMCState, Block]:
    """Run `iterations <= BLOCK` transitions; the rest of the returned block is empty."""

    def recorded(state: HMCState) -> Block:
        return Block(
            state.z,
            state.z_grad,
            state.potential_energy,
            state.diverging,
            state.energy,
            state.num_steps,
        )

    def step(row: jax.Array, carry: tuple[HMCState, Block]) -> tuple[HMCState, Block]:
        state = transition(carry[0], (data,), {})
        block = jax.tree.map(lambda rows, value: rows.at[row].set(value), carry[1], recorded(state))
        return state, block

    empty = jax.tree.map(lambda row: jnp.zeros((BLOCK, *row.shape), row.dtype), recorded(state))
    return jax.lax.fori_loop(0, iterations, step, (state, empty))


class Run(NamedTuple):
    """A program with the data and settings that it samples."""

    program: Program
    data: Tree
    settings: SamplerSettings
    report: Reporter

    def draw(self, state: HMCState, iterations: int, phase: Phase) -> tuple[HMCState, Block]:
        """Advance one chain, block by block."""
        blocks: list[Block] = []
        for done in range(0, iterations, BLOCK):
            length = min(BLOCK, iterations - done)
            state, filled = self.program.advance(state, length, self.data)
            blocks.append(jax.tree.map(lambda rows, n=length: np.asarray(rows)[:n], filled))
            self.report(phase, length, int(blocks[-1].diverging.sum()))
        return state, jax.tree.map(lambda *leaves: np.concatenate(leaves), *blocks)
