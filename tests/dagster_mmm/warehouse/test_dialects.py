"""All our DDL and DML compiles for Snowflake and BigQuery; none of it has run against them."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from snowflake.sqlalchemy import snowdialect
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy_bigquery import BigQueryDialect

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import newest_refit, published_runs, was_published
from dagster_mmm.warehouse.tables import DIAGNOSTIC, METADATA, RUN

DIALECTS = {"snowflake": snowdialect.dialect, "bigquery": BigQueryDialect}
NOW = datetime(2026, 1, 5)
OURS = re.compile(r"\bmmm\.mmm_|information_schema\.schemata")


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[sa.Executable]]:
    """Every statement of a warehouse's life, as SQLAlchemy was given it on a DuckDB file."""
    found: list[sa.Executable] = []

    def record(_: sa.Connection, statement: sa.Executable, *__: object) -> None:
        # The rest is how the DuckDB dialect looks what is there; the others have their own ways.
        if isinstance(statement, ExecutableDDLElement) or OURS.search(str(statement)):
            found.append(statement)

    sa.event.listen(sa.Engine, "before_execute", record)
    try:
        live_through(tmp_path_factory.mktemp("recorded") / "warehouse.duckdb")
    finally:
        sa.event.remove(sa.Engine, "before_execute", record)
    # Rows are inserted in bulk there; elsewhere by these.
    found += [table.insert() for table in METADATA.tables.values()]
    yield found


def live_through(path: Path) -> None:
    """Two runs written and published."""
    warehouse = Warehouse(url=f"duckdb:///{path}")
    warehouse.create_result_tables()
    filler = {sa.String: "any", sa.BigInteger: 1, sa.Double: 1.0, sa.Date: NOW, sa.DateTime: NOW}
    filler[sa.Boolean] = True
    for run_id in ("first", "second"):
        frames = {
            table: pd.DataFrame([{c.name: filler[type(c.type)] for c in table.columns}]).assign(
                run_id=run_id, model_key="demo", **values
            )
            for table, values in ((RUN, {"run_type": "refit"}), (DIAGNOSTIC, {"status": "pass"}))
        }
        with warehouse.begin() as connection:
            replace_run(connection, run_id, frames)
            assert newest_refit(connection, "demo") is not None
            publish(connection, "demo", run_id, NOW)
            assert published_runs(connection, "demo", "any")[0] == run_id
            assert was_published(connection, run_id)


@pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", DIALECTS)
def test_every_statement_is_sql_of_the_dialect(name: str, statements: list[sa.Executable]) -> None:
    import sqlglot

    kinds = set()
    for statement in statements:
        literal = {} if isinstance(statement, sa.Insert) else {"literal_binds": True}
        text = str(statement.compile(dialect=DIALECTS[name](), compile_kwargs=literal))
        kinds.add(text.split()[0])
        if literal and not text.startswith("COMMENT"):
            assert sqlglot.parse_one(text, read=name) is not None
    assert {"CREATE", "SELECT", "INSERT", "UPDATE", "DELETE"} <= kinds
