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
        (f"snowflake://mmm:{SECRET}@org/db?warehouse=wh", "snowflake://mmm:***@org/db"),
        ("bigquery://my-project?location=EU", "bigquery://my-project"),
        ("snowflake://mmm@org/db?authenticator=externalbrowser", "snowflake://mmm@org/db"),
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
        (f"snowflake://mmm:{SECRET}@org/db?token={SECRET}", r"options token .*docs/snowflake\.md"),
        (f"snowflake://mmm:{SECRET}@org/db/mmm", "no schema"),
        (f"snowflake://mmm:{SECRET}@org", "has to name a user, an account and a database"),
        (f"snowflake://mmm:{SECRET}@127.0.0.1:80/db", "name the account"),
        (f"bigquery://project/mmm?key={SECRET}", "MMM_SCHEMA"),
        (f"bigquery://project?credentials_base64={SECRET}", r"credentials_base64 .*bigquery\.md"),
        (f"bigquery://mmm:{SECRET}@project", "a project of BigQuery's and nothing else"),
        (f"bigquery://?location={SECRET}", "a project of BigQuery's and nothing else"),
        ("duckdb://", "name one"),
        ("duckdb:///data/mmm.duckdb", "call it something else, such as warehouse.duckdb"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(WarehouseURLError, match=remedy) as error:
        parse_url(text)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "driver",
    ["mysql", "mysql+pymysql", "sqlite", "mssql", "oracle+none", "trino", "redshift+psycopg2"],
)
def test_a_database_that_the_job_does_not_run_on_is_refused_in_one_sentence(driver: str) -> None:
    with pytest.raises(WarehouseURLError) as error:
        parse_url(f"{driver}://mmm:{SECRET}@host/db")
    message = str(error.value)
    assert message.startswith(f"MMM_WAREHOUSE_URL begins with {driver}://, which the job does not")
    assert all(
        f"{there}://" in message
        for there in ("duckdb", "postgresql+psycopg", "snowflake", "bigquery")
    )
    assert "\n" not in message
    assert SECRET not in message
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "url", [f"snowflake://mmm:{SECRET}@org/db", "bigquery://my-project?location=EU"]
)
def test_drivers_that_are_not_installed_are_named_by_their_extra(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("dagster_mmm.warehouse.url.find_spec", lambda _: None)
    extra = url.partition(":")[0]
    with pytest.raises(WarehouseURLError, match=rf"pip install 'hill-mixture-mmm\[{extra}\]'"):
        parse_url(url)
