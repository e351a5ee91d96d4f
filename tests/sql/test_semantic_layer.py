"""The semantic layer, asked by MetricFlow: its answers are those of the documented SQL."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.warehouse import tables
from tests.sql.test_dbt_project import ROOT, SQL, publish, row

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "questions.md").read_text()
QUESTIONS = re.findall(r"## \d+\. .*?\n\n```sql\n(.*?)```", PAGE, flags=re.DOTALL)
WEEKS = [date(2024, 1, 1) + timedelta(weeks=number) for number in range(60)]
PERIODS = {"all": 60, "last_52_weeks": 52, "last_13_weeks": 13, "2024": 52}
CHANNELS = ("tv", "search")
# A market of one series, and a panel of two, which has the rows `all` beside them.
SERIES = {"demo": ("national",), "panel": ("north", "south")}


def written(connection: sa.Connection) -> None:
    """A published run of each model whose totals agree, as those of a fit do."""
    random = np.random.default_rng(0)
    for model, series in SERIES.items():
        several = len(series) > 1
        connection.execute(
            tables.RUN.insert(), row(tables.RUN, model, model_key=model, n_series=len(series))
        )
        frames: dict[tuple[str, str], np.ndarray] = {}
        for one in series:
            for channel in CHANNELS:
                frames[one, channel] = random.uniform(1.0, 9.0, size=(len(WEEKS), 2))
            frames[one, "baseline"] = random.uniform(50.0, 90.0, size=(len(WEEKS), 2)) * [0, 1]
        if several:
            for name in (*CHANNELS, "baseline"):
                frames["all", name] = sum(frames[one, name] for one in series)
        for (one, name), values in frames.items():
            key = {"model_key": model, "series_key": one}
            kind = "baseline" if name == "baseline" else "channel"
            for week, (spend, brought) in zip(WEEKS, values, strict=True):
                of_week = key | {"week_start": week}
                connection.execute(
                    tables.CONTRIBUTION.insert(),
                    row(
                        tables.CONTRIBUTION,
                        model,
                        component_type=kind,
                        component=name,
                        contribution_mean=float(brought),
                        **of_week,
                    ),
                )
                if kind == "channel" and one != "all":
                    connection.execute(
                        tables.INPUT_SNAPSHOT.insert(),
                        row(
                            tables.INPUT_SNAPSHOT,
                            model,
                            variable=name,
                            value=float(spend),
                            is_restated=spend > 8,
                            is_repaired=spend < 2,
                            **of_week,
                        ),
                    )
            if kind == "channel":
                for period, n_weeks in PERIODS.items():
                    spend, brought = values[-n_weeks:].sum(axis=0)
                    connection.execute(
                        tables.CHANNEL_SUMMARY.insert(),
                        row(
                            tables.CHANNEL_SUMMARY,
                            model,
                            channel=name,
                            period=period,
                            period_end=WEEKS[-1] + timedelta(days=6),
                            is_paid=True,
                            spend=float(spend),
                            contribution_mean=float(brought),
                            roi_mean=float(1.2 * brought / spend),
                            roi_ci_lo=float(random.uniform(0, 1)),
                            mroi_mean=float(random.uniform(0, 2)),
                            **key,
                        ),
                    )
        publish(connection, model, model)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Layer"]:
    folder = tmp_path_factory.mktemp("semantic")
    shutil.copytree(
        SQL, folder / "sql", ignore=shutil.ignore_patterns("target", "logs", "dbt_packages")
    )
    layer = Layer(folder)
    with layer.engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(tables.SCHEMA))
        tables.METADATA.create_all(connection)
        written(connection)
    layer.run("dbt", "--warn-error", "run", "--select", "+path:models/semantic")
    yield layer


class Layer:
    """A copy of the dbt project with a warehouse, and MetricFlow over both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = sa.create_engine(f"duckdb:///{folder / 'shop.duckdb'}", poolclass=sa.NullPool)

    def run(self, command: str, *arguments: str) -> None:
        finished = subprocess.run(
            [str(Path(sys.executable).with_name(command)), *arguments],
            cwd=self.folder / "sql",
            env=os.environ
            | {
                "MMM_DUCKDB_PATH": str(self.folder / "shop.duckdb"),
                "DBT_PROFILES_DIR": str(self.folder / "sql"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "PYTHONWARNINGS": "ignore",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr

    def metrics(self, metrics: str, group_by: str, where: str | None = None) -> pd.DataFrame:
        """What MetricFlow answers, in columns of the metrics' and dimensions' own names."""
        answer = self.folder / "answer.csv"
        arguments = ["query", "--metrics", metrics, "--group-by", group_by, "--csv", str(answer)]
        self.run("mf", *arguments, "--decimals", "15", *(["--where", where] if where else []))
        rows = pd.read_csv(answer)
        return rows.rename(columns=lambda name: name.split("__")[-1].removeprefix("mmm_"))

    def sql(self, query: str) -> pd.DataFrame:
        with self.engine.connect() as connection:
            return pd.DataFrame(connection.execute(sa.text(query)).mappings().all())


def agree(left: pd.DataFrame, right: pd.DataFrame, by: list[str], columns: dict[str, str]) -> None:
    """That columns of the one are columns of the other, by name, in rows of the same keys."""
    one = left.set_index(by)[list(columns)].rename(columns=columns).sort_index()
    other = right.set_index(by)[list(columns.values())].sort_index()
    assert len(one) > 1
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-9)


def of(model: str, entity: str) -> str:
    return f"{{{{ Dimension('{entity}__model_key') }}}} = '{model}'"


def test_what_channels_brought_and_cost_is_question_1(project: Layer) -> None:
    answer = project.metrics(
        "mmm_spend,mmm_channel_contribution",
        "mmm_week_part__component",
        of("demo", "mmm_week_part")
        + " and {{ Dimension('mmm_week_part__component_type') }} = 'channel'",
    ).rename(columns={"component": "channel"})
    columns = {"spend": "spend", "channel_contribution": "contribution_mean"}
    agree(answer, project.sql(QUESTIONS[0]), ["channel"], columns)


def test_roi_and_its_interval_are_question_2(project: Layer) -> None:
    answer = project.metrics(
        "mmm_roi,mmm_roi_ci_lo,mmm_roi_ci_hi",
        "mmm_channel_period__channel",
        of("demo", "mmm_channel_period"),
    )
    columns = {"roi": "roi_mean", "roi_ci_lo": "roi_ci_lo", "roi_ci_hi": "roi_ci_hi"}
    agree(answer, project.sql(QUESTIONS[1]), ["channel"], columns)


def test_mroi_of_the_last_weeks_is_question_3(project: Layer) -> None:
    answer = project.metrics(
        "mmm_mroi_last_13_weeks,mmm_mroi_ci_lo_last_13_weeks,mmm_mroi_ci_hi_last_13_weeks",
        "mmm_channel_period__channel",
        of("demo", "mmm_channel_period"),
    ).rename(columns=lambda name: name.removesuffix("_last_13_weeks"))
    columns = {"mroi": "mroi_mean", "mroi_ci_lo": "mroi_ci_lo", "mroi_ci_hi": "mroi_ci_hi"}
    agree(answer, project.sql(QUESTIONS[2]), ["channel"], columns)


def test_where_sales_came_from_is_question_4(project: Layer) -> None:
    answer = project.metrics(
        "mmm_contribution",
        "mmm_week_part__component_type,mmm_week_part__component",
        of("demo", "mmm_week_part")
        + " and {{ TimeDimension('metric_time', 'day') }} > "
        + f"'{WEEKS[-1] - timedelta(days=364)}'",
    )
    by = ["component_type", "component"]
    agree(answer, project.sql(QUESTIONS[3]), by, {"contribution": "contribution"})


def test_what_has_changed_of_the_input_is_question_9(project: Layer) -> None:
    answer = project.metrics(
        "mmm_restated_values,mmm_repaired_values",
        "mmm_input_row__model_key",
        of("demo", "mmm_input_row"),
    )
    asked = project.sql(QUESTIONS[8])
    assert asked["restated_values"].item() > 0
    assert answer["restated_values"].item() == asked["restated_values"].item()
    assert answer["repaired_values"].item() == asked["values_left_out"].item()


def test_of_a_panel_nothing_is_counted_twice(project: Layer) -> None:
    asked = project.sql(
        "select channel, spend, contribution_mean, roi_mean from mmm.mmm_channel_summary_latest "
        "where model_key = 'panel' and series_key = 'all' and period = 'all'"
    )
    weeks = project.metrics(
        "mmm_spend,mmm_channel_contribution",
        "mmm_week_part__component",
        of("panel", "mmm_week_part")
        + " and {{ Dimension('mmm_week_part__component_type') }} = 'channel'",
    ).rename(columns={"component": "channel"})
    columns = {"spend": "spend", "channel_contribution": "contribution_mean"}
    agree(weeks, asked, ["channel"], columns)
    returns = project.metrics(
        "mmm_roi", "mmm_channel_period__channel", of("panel", "mmm_channel_period")
    )
    agree(returns, asked, ["channel"], {"roi": "roi_mean"})


def test_what_does_not_add_up_is_null_of_several(project: Layer) -> None:
    answer = project.metrics(
        "mmm_roi,mmm_roi_ci_lo,mmm_mroi", "mmm_channel_period__model_key"
    ).set_index("model_key")
    assert answer["roi"].notna().all()
    assert answer["roi_ci_lo"].isna().all()
    assert answer["mroi"].isna().all()


def test_the_definitions_are_valid_to_metricflow(project: Layer) -> None:
    project.run("mf", "validate-configs", "--skip-dw")
