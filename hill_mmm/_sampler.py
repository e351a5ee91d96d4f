"""NUTS in blocks: every chain a thread over one compiled program, with progress between blocks."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.infer import NUTS, init_to_median
from numpyro.infer.hmc import HMCState

from hill_mmm._spec import SamplerSettings

BLOCKS_PER_PHASE = 5
POSTPROCESS_BATCH = 64


@dataclass(frozen=True)
class Progress:
    """Where the sampling of all chains together stands, after a block of one of them.

    Attributes:
        phase: `warmup` or `sampling`, of the chain that reported.
        done: iterations done by all chains, warm-up included.
        total: iterations to do.
        divergences: divergent transitions since the warm-up.
        elapsed_seconds: since the first chain started.
    """

    phase: Literal["warmup", "sampling"]
    done: int
    total: int
    divergences: int
    elapsed_seconds: float

    @property
    def remaining_seconds(self) -> float:
        """Time left at the pace so far."""
        return self.elapsed_seconds * (self.total - self.done) / max(self.done, 1)


ProgressCallback = Callable[[Progress], None]


class ChainStats(NamedTuple):
    """Sampler statistics after warm-up, each of shape `(chains, draws)`.

    Attributes:
        diverging: True where the transition diverged.
        energy: Hamiltonian energy.
        steps: leapfrog steps.
    """

    diverging: NDArray[np.bool_]
    energy: NDArray[np.float64]
    steps: NDArray[np.int64]


class _Block(NamedTuple):
    position: Any
    diverging: jax.Array
    energy: jax.Array
    steps: jax.Array


def run_nuts(
    model: Callable[[], None],
    dense_sites: tuple[str, ...],
    settings: SamplerSettings,
    on_progress: ProgressCallback | None = None,
) -> tuple[dict[str, NDArray[np.float64]], ChainStats]:
    """Sample a NumPyro model without arguments.

    Args:
        model: the model, its data bound.
        dense_sites: the sites that share a dense mass matrix; the others get a diagonal one.
        settings: chains, lengths, target acceptance and seed; equal settings and data give equal
            draws.
        on_progress: called after every block of every chain, from that chain's thread.

    Returns:
        The model's sites, each `(chains, draws, ...)`, and the statistics of the draws.
    """
    kernel = NUTS(
        model,
        target_accept_prob=settings.target_accept,
        max_tree_depth=settings.max_tree_depth,
        dense_mass=[dense_sites],  # pyright: ignore[reportArgumentType] # annotated as bool
        init_strategy=init_to_median(num_samples=25),
    )
    initialise = jax.jit(lambda key: kernel.init(key, settings.warmup, None, (), {}))
    keys = jax.random.split(jax.random.key(settings.seed, impl="threefry2x32"), settings.chains)
    states = [initialise(jax.random.key_data(key)) for key in keys]
    # Compiled once, ahead of the threads, which would otherwise each compile their own.
    advance = jax.jit(partial(_advance, kernel, _block_length(settings)))
    advance = advance.lower(states[0], 1).compile()
    report = _Reporter(settings, on_progress)
    with ThreadPoolExecutor(settings.chains) as pool:
        chains = list(pool.map(partial(_run_chain, advance, settings, report), states))
    sampled = jax.tree.map(lambda *leaves: np.stack(leaves), *chains)
    return _sites(kernel, sampled.position), ChainStats(
        sampled.diverging, sampled.energy, sampled.steps
    )


def _advance(
    kernel: NUTS, length: int, state: HMCState, iterations: jax.Array
) -> tuple[HMCState, _Block]:
    """Run `iterations <= length` transitions; the rest of the returned block is empty."""

    def visible(state: HMCState) -> _Block:
        return _Block(state.z, state.diverging, state.energy, state.num_steps)

    def step(at: jax.Array, carry: tuple[HMCState, _Block]) -> tuple[HMCState, _Block]:
        state = kernel.sample(carry[0], (), {})
        block = jax.tree.map(lambda rows, row: rows.at[at].set(row), carry[1], visible(state))
        return state, block

    empty = jax.tree.map(lambda row: jnp.zeros((length, *row.shape), row.dtype), visible(state))
    return jax.lax.fori_loop(0, iterations, step, (state, empty))


def _run_chain(
    advance: Callable[[HMCState, int], tuple[HMCState, _Block]],
    settings: SamplerSettings,
    report: "_Reporter",
    state: HMCState,
) -> _Block:
    for iterations in _blocks(settings.warmup, settings):
        state, _ = jax.block_until_ready(advance(state, iterations))
        report("warmup", iterations, 0)
    blocks: list[_Block] = []
    for iterations in _blocks(settings.draws, settings):
        state, filled = advance(state, iterations)
        blocks.append(jax.tree.map(lambda rows, n=iterations: np.asarray(rows)[:n], filled))
        report("sampling", iterations, int(blocks[-1].diverging.sum()))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *blocks)


def _block_length(settings: SamplerSettings) -> int:
    return -(-max(settings.warmup, settings.draws) // BLOCKS_PER_PHASE)


def _blocks(iterations: int, settings: SamplerSettings) -> list[int]:
    whole, rest = divmod(iterations, _block_length(settings))
    return [_block_length(settings)] * whole + [rest] * (rest > 0)


class _Reporter:
    """Adds the chains' blocks up, under a lock, and calls the caller back."""

    def __init__(self, settings: SamplerSettings, on_progress: ProgressCallback | None) -> None:
        self._total = settings.chains * (settings.warmup + settings.draws)
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._done = 0
        self._divergences = 0
        self._lock = Lock()

    def __call__(
        self, phase: Literal["warmup", "sampling"], iterations: int, divergences: int
    ) -> None:
        with self._lock:
            self._done += iterations
            self._divergences += divergences
            if self._on_progress:
                elapsed = time.monotonic() - self._started
                self._on_progress(
                    Progress(phase, self._done, self._total, self._divergences, elapsed)
                )


def _sites(kernel: NUTS, position: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Constrained and deterministic sites of unconstrained draws, computed in batches."""
    to_sites = kernel.postprocess_fn((), {})
    over_chains = jax.jit(
        lambda z: jax.lax.map(
            lambda chain: jax.lax.map(to_sites, chain, batch_size=POSTPROCESS_BATCH), z
        )
    )
    return jax.tree.map(np.asarray, over_chains(jax.tree.map(jnp.asarray, position)))
