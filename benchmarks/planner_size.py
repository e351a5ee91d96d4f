"""CPU seconds and peak memory of a plan for many regions, printed as one line.

Run by `make bench-planner_size`. The posterior is made up about a simulated market's truth, so that
only the planner is measured: by default 40 regions of 5 channels, 2,000 draws.
"""

import argparse
import resource
import time

import numpy as np

import hill_mmm
from hill_mmm import Fit, ModelSpec, PlanRequest, SamplerSettings
from hill_mmm._model.scales import Scales
from hill_mmm._sampling.nuts import ChainStats

CHAINS = 4


def main() -> None:
    """Plan once, and with `--value` the experiments too."""
    arguments = _arguments()
    fit = _made_up(arguments.regions, arguments.draws)
    before = _peak_mb()
    started = time.process_time()
    found = hill_mmm.plan(fit, PlanRequest(max_change=arguments.max_change))
    seconds = time.process_time() - started
    cells = found.weekly.size
    print(
        f"{cells} cells, {fit.n_draws} draws: plan {seconds:.1f} CPU s, peak {_peak_mb():.0f} MB "
        f"({before:.0f} MB before), {found.status}, gain {found.totals['gain_mean'].item():,.0f}"
    )
    if arguments.value:
        started = time.process_time()
        hill_mmm.experiment_value(fit, PlanRequest(max_change=arguments.max_change))
        seconds = time.process_time() - started
        print(f"experiments {seconds:.1f} CPU s, peak {_peak_mb():.0f} MB")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _made_up(regions: int, draws: int) -> Fit:
    """Independent draws about the truth of a simulated market."""
    panel, truth = hill_mmm.simulate_geo_market(0, regions, 156)
    spec = ModelSpec()
    scales = Scales.of(panel, spec)
    rng = np.random.default_rng(0)
    shape, paid = (CHAINS, draws // CHAINS), len(panel.channels)
    amplitude = truth.amplitude / scales.outcome[:, None, None]
    half = truth.half_saturation.mean(axis=0) / scales.spend[:, :paid].mean(axis=0)[:, None]

    def about(values: np.ndarray, sd_log: float) -> np.ndarray:
        return values * rng.lognormal(0.0, sd_log, (*shape, *values.shape))

    return Fit(
        panel=panel,
        spec=spec,
        sampler=SamplerSettings(),
        lift_tests=(),
        scales=scales,
        draws={
            "adstock": np.minimum(about(truth.alpha[:, None], 0.1), 0.95),
            "carry_in": np.zeros((*shape, paid)),
            "weights": np.ones((*shape, 1)),
            "amplitude": about(amplitude, 0.3),
            "half_saturation": about(half, 0.2),
            "slope": about(truth.slope, 0.15),
            "coefficients": np.zeros((*shape, regions, 1)),
            "sigma": np.ones((*shape, regions)),
        },
        stats=ChainStats(
            diverging=np.zeros(shape, dtype=bool),
            energy=np.zeros(shape),
            steps=np.full(shape, 7),
            moved=np.zeros(CHAINS, dtype=bool),
        ),
        cpu_seconds=0.0,
        wall_seconds=0.0,
        peak_rss_mb=0.0,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--regions", type=int, default=40, help="of five channels each")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--max-change", type=float, help="of each cell; by default any")
    parser.add_argument("--value", action="store_true", help="value the experiments too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
