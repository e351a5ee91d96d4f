"""Which URLs are taken, and that a refusal never quotes one."""

import pytest

from dagster_mmm.warehouse.url import WarehouseURLError, parse_url, place

SECRET = "s3cr3t-Of-The-Warehouse"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("duckdb:///data/warehouse.duckdb", "data/warehouse.duckdb"),
        (f"postgresql://mmm:{SECRET}@host/db", "postgresql+psycopg://mmm:***@host/db"),
        (f"postgresql+psycopg://mmm:{SECRET}@h:5433/db", "postgresql+psycopg://mmm:***@h:5433/db"),
        (f"snowflake://mmm:{SECRET}@org/db/mmm?token={SECRET}", "snowflake://mmm:***@org/db/mmm"),
        ("bigquery://project/mmm", "bigquery://project/mmm"),
    ],
)
def test_a_warehouse_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert place(parse_url(text)) == shown


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (f"{SECRET}@host", "is not a URL such as postgresql"),
        (f"postgresql://mmm:x@{SECRET}@host/db", "percent-encoded"),
        (f"postgresql://mmm:x@host:{SECRET}/db", "percent-encoded"),
        (f"postgresql://mmm:{SECRET}@host", "names no database"),
        (f"postgresql+psycopg2://mmm:{SECRET}@host/db", r"write postgresql\+psycopg://"),
        (f"postgresql://mmm@host/db?password={SECRET}", "PGSSLMODE"),
        (f"oracle+none://mmm:{SECRET}@host/db", "which is not installed"),
        ("duckdb://", "name one"),
        ("duckdb:///data/mmm.duckdb", "call it something else, such as warehouse.duckdb"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(WarehouseURLError, match=remedy) as error:
        parse_url(text)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
