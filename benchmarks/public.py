"""The four public data sets of the examples, with K = 1, 2 and 3, in the library alone.

Run by `make bench-public`; the files are looked for in MMM_SHARED_DATA or ../shared/data. Each K is
fitted to all weeks and, for the forecast, to all but the last 13.
"""

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

import pandas as pd

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from dagster_mmm.fitting.version import model_spec
from dagster_mmm.settings import Settings, load_settings
from hill_mmm import Fit, GateThresholds, Panel, SamplerSettings

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MMM_SHARED_DATA", ROOT.parent / "shared" / "data"))
SETS = ("robyn", "meridian_national", "retail", "meridian_geo")
CI_LEVEL = 0.9
HORIZON = 13


def main() -> None:
    """Fit every set asked for with every K, print a row each as it goes, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--components", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--warmup", type=int, default=SamplerSettings().warmup)
    parser.add_argument("--draws", type=int, default=SamplerSettings().draws)
    arguments = parser.parse_args()
    sampler = SamplerSettings(warmup=arguments.warmup, draws=arguments.draws)
    rows: list[dict[str, Any]] = []
    for name in arguments.sets:
        settings = load_settings(ROOT / "examples" / f"{name}.yaml")
        panel = read_panel(settings, DATA / f"{name}_weekly.csv")
        for components in arguments.components:
            rows.append(
                {"data": name, "K": components, **_run(panel, settings, components, sampler)}
            )
            print(rows[-1], flush=True)
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".4g"))


def read_panel(settings: Settings, file: Path) -> Panel:
    """The panel of a CSV in the shape that the settings describe."""
    raw = pd.read_csv(file, parse_dates=[settings.input.date_column], keep_default_na=False)
    frame = pd.DataFrame(index=pd.DatetimeIndex(raw[settings.input.date_column]))
    for variable in settings.variables().values():
        column = raw[variable.column]
        equals = getattr(variable, "equals", None)
        frame[variable.name] = (column if equals is None else column == equals).to_numpy(float)
    series = settings.input.series_column
    if series is not None:
        frame[series] = raw[series].to_numpy()
    return Panel.from_frame(
        frame,
        outcome=settings.outcome.name,
        channels=[channel.name for channel in settings.channels],
        organic=[medium.name for medium in settings.organic],
        controls=[control.name for control in settings.controls],
        series=series,
    )


def _run(
    panel: Panel, settings: Settings, components: int, sampler: SamplerSettings
) -> dict[str, Any]:
    spec = model_spec(settings, panel.media_names, components)
    started = time.process_time()
    fit = hill_mmm.fit(panel, spec, sampler)
    cpu_seconds = time.process_time() - started
    peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    checks = hill_mmm.checks.gate(hill_mmm.checks.parameter_summary(fit), fit, GateThresholds())
    value = {check.check_name: check.value for check in checks}
    failed = [check.check_name for check in checks if check.status == "fail"]
    information = hill_mmm.results.information_rows(fit).set_index("metric")["value"]
    return {
        "verdict": "pass" if not failed else "fail: " + " ".join(failed),
        "max R-hat": value["max_r_hat"],
        "min ESS": value["min_ess"],
        "divergences": int(fit.stats.diverging.sum()),
        "steps": fit.stats.steps.mean(),
        "CPU s": cpu_seconds,
        "peak MB": peak_rss_mb,
        "ELPD LOO": information["elpd_loo"],
        "effective K": (1.0 / (fit.draws["weights"] ** 2).sum(axis=2)).mean(),
        **_forecast(panel, fit, sampler),
    }


def _forecast(panel: Panel, fit: Fit, sampler: SamplerSettings) -> dict[str, float]:
    train = hill_mmm.fit(panel.head(len(panel) - HORIZON), fit.spec, sampler)
    parts = hill_mmm.results.with_total(train, panel)
    *_, overall = (hill_mmm.results.accuracy([part], CI_LEVEL) for part in parts)
    metric = overall.set_index("metric")["value"]
    return {
        "RMSE / last year's": metric["rmse_vs_naive"],
        "coverage": metric["coverage"],
    }


if __name__ == "__main__":
    main()
