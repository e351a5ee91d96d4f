"""The dbt project as a package in a project that is not ours, `sql/integration_tests`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
import yaml

from dagster_mmm.warehouse import tables
from tests.postgres_server import new_database
from tests.sql.test_dbt_project import SQL, publish, row

SHOP = SQL / "integration_tests"
# Where that project has its results, and where dbt builds the package's models in it.
RESULTS, MARTS = "marketing_mix", "mmm"


class Shop(NamedTuple):
    """A copy of the project, beside its warehouse.

    Attributes:
        folder: where the project stands.
        engine: of its warehouse, without a pool, which would keep dbt from a DuckDB file.
        environment: what its profile reads.
    """

    folder: Path
    engine: sa.Engine
    environment: Mapping[str, str]

    def dbt(self, *command: str) -> str:
        """What dbt says; it fails where dbt does."""
        finished = self.try_dbt(*command)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def try_dbt(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--warn-error", *command],
            cwd=self.folder,
            env=os.environ | dict(self.environment) | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "target" / "manifest.json").read_text())


def shop_with(folder: Path, package: Mapping[str, str], url: str, **environment: str) -> Shop:
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns(*ignored()))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [dict(package)]}))
    shop = Shop(folder, sa.create_engine(url, poolclass=sa.NullPool), environment)
    shop.dbt("deps")
    return shop


def ignored() -> list[str]:
    return [line.rstrip("/") for line in (SHOP / ".gitignore").read_text().split()]


def write_results(engine: sa.Engine) -> None:
    """One published run, in the schema that the project says."""
    with engine.begin() as connection:
        there = connection.execution_options(schema_translate_map={tables.SCHEMA: RESULTS})
        there.execute(sa.schema.CreateSchema(RESULTS))
        tables.METADATA.create_all(there)
        for table in tables.RESULT_TABLES:
            there.execute(table.insert(), row(table, "first"))
        publish(there, "first")


@pytest.fixture(scope="module")
def duckdb_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    file = folder / "shop.duckdb"
    return shop_with(
        folder / "project",
        {"local": str(SQL)},
        f"duckdb:///{file}",
        SHOP_TARGET="duckdb",
        SHOP_DUCKDB_PATH=str(file),
    )


@pytest.fixture(scope="module")
def built(duckdb_shop: Shop) -> Shop:
    write_results(duckdb_shop.engine)
    duckdb_shop.dbt("build")
    return duckdb_shop


@pytest.fixture
def postgres_shop(tmp_path: Path, postgres: sa.URL) -> Iterator[Shop]:
    url = new_database(postgres, "shop")
    yield shop_with(
        tmp_path / "project",
        {"local": str(SQL)},
        url.render_as_string(hide_password=False),
        SHOP_TARGET="postgres",
        SHOP_POSTGRES_HOST=str(url.host),
        SHOP_POSTGRES_PORT=str(url.port),
        SHOP_POSTGRES_DATABASE=str(url.database),
        SHOP_POSTGRES_USER=str(url.username),
        DBT_ENV_SECRET_SHOP_POSTGRES_PASSWORD=str(url.password),
    )


def is_right(shop: Shop) -> None:
    assert shop.rows("select * from marts.board_report") == [("any", "tv", 1.0)]
    assert shop.rows(f"select verdict from {MARTS}.mmm_trust_latest") == [("outdated",)]
    weeks = shop.rows(
        "select week_start, google_ads, facebook_ads, revenue from marts.mmm_input_wide "
        "order by week_start"
    )
    assert len(weeks) == 8
    # Meta's pause is a week of 0, not one that nobody knows.
    assert [spend for _, _, spend, _ in weeks].index(0.0) == 3
    (spend,) = shop.rows("select sum(spend) from raw.ad_reporting__account_report")
    assert sum(google + meta for _, google, meta, _ in weeks) == pytest.approx(spend[0])


@pytest.mark.slow
def test_a_project_on_duckdb_builds_and_tests_the_package(built: Shop) -> None:
    is_right(built)


@pytest.mark.slow
def test_a_project_on_postgres_builds_and_tests_the_package(postgres_shop: Shop) -> None:
    write_results(postgres_shop.engine)
    postgres_shop.dbt("build")
    # Once more, of one model: what reads it stays, by the materialization that the project took.
    postgres_shop.dbt("run", "--select", "mmm_channel_summary_latest")
    is_right(postgres_shop)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param("delete from {} where week_start = '2025-01-20'", "lacks weeks", id="gap"),
        pytest.param(
            "delete from {} where variable = 'facebook_ads' and value = 0",
            "lacks weeks",
            id="pause",
        ),
        pytest.param("insert into {} select * from {}", "more than one row", id="twice"),
        pytest.param("update {} set role = 'media'", "role is not", id="role"),
        pytest.param("update {} set value = -1 where role = 'spend'", "below 0", id="negative"),
        pytest.param("update {} set value = 'nan' where role = 'spend'", "not finite", id="NaN"),
        pytest.param("update {} set value = null where role = 'spend'", "missing", id="null"),
        pytest.param("update {} set week_start = week_start + 1", "no monday", id="weekday"),
        pytest.param("update {} set role = 'spend'", "no outcome", id="outcome"),
        pytest.param("update {} set series_key = ' '", "blank", id="series"),
        pytest.param(
            "update {} set role = 'organic' where variable = 'google_ads' "
            "and week_start = '2025-01-20'",
            "several roles",
            id="two roles",
        ),
        pytest.param(
            "update {} set variable = 'Week_Start' where variable = 'google_ads'",
            "name of a key",
            id="key",
        ),
    ],
)
def test_what_breaks_the_contract_is_named(built: Shop, change: str, problem: str) -> None:
    mart = "marts.fct_marketing_weekly"
    (test,) = [
        node
        for node in built.manifest()["nodes"].values()
        if node["name"] == "mmm_fulfils_mmm_input_v1_fct_marketing_weekly_"
    ]
    compiled = (built.folder / test["compiled_path"]).read_text()
    with built.engine.connect() as connection:
        assert connection.execute(sa.text(compiled)).all() == []
        # Of a table, which can be changed.
        connection.execute(sa.text(f"create temp table input_rows as select * from {mart}"))
        connection.execute(sa.text(change.replace("{}", "input_rows")))
        asked = compiled.replace('"shop"."marts"."fct_marketing_weekly"', "input_rows")
        found = {row[0] for row in connection.execute(sa.text(asked))}
        connection.rollback()
    assert any(problem in text for text in found), found


def test_a_project_with_models_of_the_same_kind_parses(duckdb_shop: Shop) -> None:
    duckdb_shop.dbt("parse")
    written = duckdb_shop.manifest()
    ours = {node["name"] for node in written["nodes"].values() if is_model_of(node, "mmm")}
    theirs = {node["name"] for node in written["nodes"].values() if is_model_of(node, "shop")}

    assert theirs >= {"runs", "trust_latest", "weekly_input"}
    assert all(name.startswith("mmm_") for name in ours)
    # How the job reads raw rows is the job's to build, with its settings.
    assert "mmm_weekly_input" not in ours
    assert {source["source_name"] for source in written["sources"].values()} == {"mmm_results"}
    assert {source["schema"] for source in written["sources"].values()} == {RESULTS}


def test_the_job_has_the_input_layer_in_any_project(duckdb_shop: Shop) -> None:
    command = ["ls", "--select", "mmm_weekly_input", "--vars", '{"mmm_input_layer": true}']
    assert "mmm.marts.input.mmm_weekly_input" in duckdb_shop.dbt(*command)


def test_a_project_installs_the_package_from_git(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(SQL, repository / "sql", ignore=shutil.ignore_patterns(*ignored()))
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["tag", "v1.0.0"]):
        subprocess.run([*git, *command], check=True)
    package = {"git": str(repository), "revision": "v1.0.0", "subdirectory": "sql"}
    file = tmp_path / "shop.duckdb"
    shop = shop_with(tmp_path / "project", package, f"duckdb:///{file}", SHOP_DUCKDB_PATH=str(file))
    assert "mmm.marts.latest.mmm_run_latest" in shop.dbt("ls", "--select", "mmm_run_latest")


def is_model_of(node: dict[str, Any], package: str) -> bool:
    return node["resource_type"] == "model" and node["package_name"] == package


def test_every_version_of_dbt_from_1_10_to_2_may_install_it() -> None:
    project = yaml.safe_load((SQL / "dbt_project.yml").read_text())
    assert project["require-dbt-version"] == [">=1.10.0", "<3.0.0"]
