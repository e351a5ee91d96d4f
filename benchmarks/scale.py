"""What a model costs where there are many: the first in a process, and those after it.

Run by `make bench-scale`. The whole refit is measured, from the panel to publication through the
Dagster job, on simulated markets of one size in a DuckDB file: once in a process that finds nothing
compiled, once in one that finds the programs on disk, then many in one warm process, as a Celery
worker has them. CPU seconds are the process's own, imports and compilation included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pandas as pd
import yaml

from dagster_mmm import environment
from dagster_mmm.cli import demo
from dagster_mmm.cli.jobs import run_job

PROJECTED_MODELS = 5_000
NIGHT_HOURS = 8


class Refit(NamedTuple):
    """A model's refit, and where its process stood after it.

    Attributes:
        cpu_seconds: of this model; the first one's has the process's start in it.
        wall_seconds: the same, elapsed.
        peak_rss_mb: of the process so far.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: float


def main() -> None:
    """Print the cost of a model by how many a process has fitted, and what follows for 5,000."""
    arguments = _arguments()
    if arguments.worker:
        for refit in refits(arguments.worker):
            print(json.dumps(refit), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        keys = [f"model_{number:04}" for number in range(max(arguments.models) + 2)]
        load_input(Path(folder), keys)
        cold, on_disk, *others = keys
        print(_line("1, nothing compiled", process(Path(folder), [cold])))
        print(_line("1, programs on disk", process(Path(folder), [on_disk])))
        warm = process(Path(folder), others)
    for models in arguments.models:
        print(_line(f"{models} in one process", warm[:models]))
    print(projection(warm))


def process(folder: Path, keys: Sequence[str]) -> list[Refit]:
    """Refit these models in a process of their own, which keeps its compiled programs on disk."""
    command = [sys.executable, __file__, "--worker", *keys]
    output = subprocess.run(
        command, env=environment_of(folder), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return [Refit(*json.loads(line)) for line in output.splitlines() if line.startswith("[")]


def environment_of(folder: Path) -> dict[str, str]:
    """Where a process finds the folder's settings, warehouse and files."""
    return os.environ | {
        "MMM_SETTINGS": str(folder / "settings.yaml"),
        "MMM_WAREHOUSE_URL": "",
        "MMM_DUCKDB_PATH": str(folder / "warehouse.duckdb"),
        "MMM_ARTEFACTS": str(folder / "artefacts"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
    }


def load_input(folder: Path, keys: Sequence[str]) -> None:
    """Load the same market for every model, and build the weekly input."""
    os.environ.update(environment_of(folder))
    document = yaml.safe_load(environment.DEMO_SETTINGS.read_text())
    del document["model_key"]
    document["input"]["model_column"] = "model"
    document["models"] = {key: {"sampler": {"seed": seed}} for seed, key in enumerate(keys)}
    environment.settings_path().write_text(yaml.safe_dump(document))
    market = pd.read_csv(demo.write_simulated_market(folder / "market.csv"))
    raw = folder / "markets.csv"
    pd.concat([market.assign(model=key) for key in keys]).to_csv(raw, index=False)
    config = {"ops": {"mmm__raw__weekly_media": {"config": {"file": str(raw)}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        if not run_job(instance, "weekly_input", config).success:
            raise RuntimeError("the input could not be loaded; the reason stands in the log above")


def refits(keys: Sequence[str]) -> Iterator[Refit]:
    """Refit one model after the other in this process."""
    cpu, started = 0.0, time.monotonic()
    with dg.DagsterInstance.ephemeral() as instance:
        for key in keys:
            run_job(instance, "refit", model_key=key)
            yield Refit(
                time.process_time() - cpu,
                time.monotonic() - started,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
            )
            cpu, started = time.process_time(), time.monotonic()


def _line(what: str, rows: Sequence[Refit]) -> str:
    frame = pd.DataFrame(rows)
    mean, last = frame.mean(), frame.iloc[-1]
    return (
        f"{what:<22} CPU s a model {mean['cpu_seconds']:5.1f} (last {last['cpu_seconds']:.1f}), "
        f"wall s {mean['wall_seconds']:5.1f}, peak {last['peak_rss_mb']:.0f} MB"
    )


def projection(warm: Sequence[Refit]) -> str:
    """What 5,000 models would take at the cost of a warm one, the arithmetic shown."""
    cost = pd.DataFrame(warm[1:] or warm)["cpu_seconds"].median()
    hours = PROJECTED_MODELS * cost / 3600
    return (
        f"{PROJECTED_MODELS:,} models x {cost:.1f} CPU s (the median warm one) / 3,600 = "
        f"{hours:.0f} CPU hours; in a night of {NIGHT_HOURS} hours: {hours:.0f} / {NIGHT_HOURS} = "
        f"{hours / NIGHT_HOURS:.1f} cores, if nothing else holds them up"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
