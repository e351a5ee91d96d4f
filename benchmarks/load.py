"""CPU seconds of loading the definitions, against importing dagster and dagster-dbt alone.

Run by `make bench-load`. Each is measured in processes of its own, in turn, and the least is taken:
what the code server pays at every start and reload.
"""

import argparse
import resource
import subprocess
import sys

TARGET = 1.3
CODE = {
    "dagster, dagster_dbt": "import dagster, dagster_dbt",
    "definitions": "from dagster_mmm.definitions import defs; defs().get_repository_def()",
}


def main() -> int:
    """Print the seconds and their ratio; 1 if the target is missed, 0 if not."""
    parser = argparse.ArgumentParser(prog="make bench-load", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    # Once unmeasured: byte code and dbt's manifest are there then.
    for code in CODE.values():
        cpu_seconds(code)
    best = {name: min(cpu_seconds(code) for _ in range(repeats)) for name, code in CODE.items()}
    for name, seconds in best.items():
        print(f"{name:<22} {seconds:6.2f} CPU s")
    alone, ours = best.values()
    print(f"{'ratio':<22} {ours / alone:6.2f} (target {TARGET})")
    return 0 if ours <= TARGET * alone else 1


def cpu_seconds(code: str) -> float:
    """User and system time of a Python process that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
