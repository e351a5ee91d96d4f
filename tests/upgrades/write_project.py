"""Write what a version of this project leaves behind: a warehouse, its files, its settings.

To be run with the code of that version, in a checkout of its commit:

    git worktree add --detach ../old COMMIT
    cd ../old && make .venv/.synced
    .venv/bin/python WHERE_THIS_STANDS/write_project.py FOLDER

Then FOLDER.tar.xz stands beside it: `warehouse.duckdb`, the files of its runs in `artefacts`,
`settings.yaml`, `market.csv`, and `warehouse.sql`, the same job on Postgres as `pg_dump` writes it.
"""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

WEEKS, LATER = 104, 3
SETTINGS = {
    "model_key": "demo",
    "currency": "EUR",
    "input": {"table": "raw.weekly_media", "date_column": "week", "week_starts_on": "monday"},
    "outcome": {"name": "revenue"},
    "channels": [
        {"name": "tv", "column": "tv_spend"},
        {"name": "search", "column": "search_spend"},
    ],
    "controls": [{"name": "price"}],
    "plans": [{"name": "next_quarter"}],
    # Enough for the gate below, and small.
    "model": {"trend": "linear", "fourier_order": 2},
    "sampler": {"chains": 2, "warmup": 200, "draws": 60},
    "evaluation": {"holdout_weeks": 8},
    "gate": {"max_r_hat": 1.5, "min_ess": 5, "max_divergence_rate": 0.5},
}


def write_market(path: Path) -> None:
    """A made-up market of two channels."""
    random = np.random.default_rng(1)
    weeks = WEEKS + LATER
    tv, search = random.lognormal(3, 0.5, weeks), random.lognormal(2.5, 0.4, weeks)
    price = random.normal(10, 1, weeks)
    revenue = 300 + 40 * tv / (tv + 20) + 30 * search / (search + 12) - 5 * (price - 10)
    pd.DataFrame(
        {
            "week": pd.date_range("2023-01-02", periods=weeks, freq="7D").strftime("%Y-%m-%d"),
            "revenue": (revenue + random.normal(0, 6, weeks)).round(2),
            "tv_spend": tv.round(2),
            "search_spend": search.round(2),
            "price": price.round(3),
        }
    ).to_csv(path, index=False)


def run_job(folder: Path, url: str, artefacts: Path) -> None:
    """A refit without the last weeks, and one with them: the first is superseded."""
    market = pd.read_csv(folder / "market.csv")
    environment = os.environ | {
        "MMM_WAREHOUSE_URL": url,
        "MMM_SETTINGS": str(folder / "settings.yaml"),
        "MMM_ARTEFACTS": str(artefacts),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "DAGSTER_HOME": str(folder / "home"),
    }
    for weeks in (WEEKS, WEEKS + LATER):
        market.head(weeks).to_csv(folder / "input.csv", index=False)
        command = [sys.executable, "-c", "from dagster_mmm.cli import mmm; mmm()"]
        command += ["demo", "--data", str(folder / "input.csv")]
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)


def main(folder: Path) -> None:
    """Write both warehouses and their files."""
    from tests.postgres_server import _binaries, new_database, running_server

    (folder / "home").mkdir(parents=True)
    (folder / "home" / "dagster.yaml").write_text("{telemetry: {enabled: false}}\n")
    (folder / "settings.yaml").write_text(yaml.safe_dump(SETTINGS, sort_keys=False))
    write_market(folder / "market.csv")
    run_job(folder, f"duckdb:///{folder / 'warehouse.duckdb'}", folder / "artefacts")
    with running_server() as server:
        url = new_database(server, "old")
        text = url.render_as_string(hide_password=False)
        run_job(folder, text, folder / "artefacts_postgres")
        dump = [str(_binaries() / "pg_dump"), "--no-owner", "--no-privileges", "--schema=mmm"]
        dump += ["--schema=raw", f"--file={folder / 'warehouse.sql'}"]
        plain = sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([*dump, plain], check=True)
    kept = ("warehouse.duckdb", "warehouse.sql", "artefacts", "settings.yaml", "market.csv")
    with tarfile.open(folder.with_suffix(".tar.xz"), "w:xz") as archive:
        for name in kept:
            archive.add(folder / name, name)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main(Path(sys.argv[1]).resolve())
