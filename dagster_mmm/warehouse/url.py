"""Where the warehouse is: an SQLAlchemy URL, whose password is never shown."""

from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from dagster_mmm.warehouse.tables import SCHEMA

DUCKDB, POSTGRES, SNOWFLAKE, BIGQUERY = "duckdb", "postgresql", "snowflake", "bigquery"
EXAMPLE = "postgresql+psycopg://user:password@host:5432/database"
EXAMPLES = {
    DUCKDB: "duckdb:///warehouse.duckdb",
    POSTGRES: "postgresql+psycopg://user@host/database",
    SNOWFLAKE: "snowflake://user@account/database?warehouse=name&role=name",
    BIGQUERY: "bigquery://project?location=EU",
}
# How one connects, and nothing that is secret: what dbt is told of as well.
SNOWFLAKE_OPTIONS = ("warehouse", "role", "authenticator", "account", "protocol")
BIGQUERY_OPTIONS = ("location",)


class WarehouseURLError(ValueError):
    """The warehouse's URL cannot be used as it stands."""


def parse_url(text: str) -> sa.URL:
    """The warehouse's URL, checked.

    Raises:
        WarehouseURLError: if it cannot be used; the text is not quoted, for its password's sake.
    """
    # What stands behind the driver's name is never quoted: it may be a part of the password.
    misread = WarehouseURLError(
        f"MMM_WAREHOUSE_URL is not a URL such as {EXAMPLE}; special characters in user and "
        "password are to be percent-encoded, @ as %40 and / as %2F"
    )
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise misread from None
    if any(character in (url.host or "") for character in "@:/?#"):
        raise misread
    checks = {
        DUCKDB: _checked_file,
        POSTGRES: _checked_postgres,
        SNOWFLAKE: _checked_snowflake,
        BIGQUERY: _checked_bigquery,
    }
    if url.get_backend_name() not in checks:
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL begins with {url.drivername}://, which the job does not run on; "
            f"write one of {', '.join(EXAMPLES.values())}"
        )
    return checks[url.get_backend_name()](url)


def place(url: sa.URL) -> str:
    """What messages call the warehouse: its file, or its URL without secrets."""
    if url.get_backend_name() == DUCKDB:
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def _checked_file(url: sa.URL) -> sa.URL:
    if url.database is None or url.database == ":memory:":
        raise WarehouseURLError(
            "a DuckDB warehouse is a file, which the job and dbt open in turn; name one"
        )
    # DuckDB names the catalog after the file, and finds `mmm.mmm_run` ambiguous then.
    if Path(url.database).stem == SCHEMA:
        raise WarehouseURLError(
            f"{url.database}: a DuckDB file cannot bear the name of the schema {SCHEMA!r}; "
            "call it something else, such as warehouse.duckdb"
        )
    return url


def _checked_postgres(url: sa.URL) -> sa.URL:
    if url.drivername not in (POSTGRES, f"{POSTGRES}+psycopg"):
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL begins with {url.drivername}://; write postgresql+psycopg://"
        )
    if url.database is None:
        raise WarehouseURLError(f"MMM_WAREHOUSE_URL names no database; write {EXAMPLE}")
    if url.query:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL has options behind a question mark, of which dbt would not know; "
            "give them as libpq's environment variables, such as PGSSLMODE and PGSSLROOTCERT"
        )
    if find_spec("psycopg") is None:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL is of Postgres, whose drivers are not installed: "
            "pip install 'hill-mixture-mmm[postgres]'"
        )
    return url.set(drivername=f"{POSTGRES}+psycopg")


def _checked_snowflake(url: sa.URL) -> sa.URL:
    if url.drivername != SNOWFLAKE:
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL begins with {url.drivername}://; write snowflake://"
        )
    if not (url.username and url.host and url.database) or "/" in url.database:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL has to name a user, an account and a database, and no schema; "
            f"write {EXAMPLES[SNOWFLAKE]}"
        )
    _check_options(url, SNOWFLAKE_OPTIONS)
    if url.port and "account" not in url.query:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL names a port, so that what stands before it is a host; name the "
            "account as &account=..."
        )
    if find_spec("snowflake") is None or find_spec("snowflake.sqlalchemy") is None:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL begins with snowflake://, whose drivers are not installed; run "
            "pip install 'hill-mixture-mmm[snowflake]'"
        )
    return url


def _checked_bigquery(url: sa.URL) -> sa.URL:
    if url.drivername != BIGQUERY:
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL begins with {url.drivername}://; write bigquery://"
        )
    if not url.host or url.username or url.password or url.port or url.database:
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL has to name a project of BigQuery's and nothing else, for the "
            "dataset is the one that MMM_SCHEMA names, and keys are given as docs/bigquery.md "
            f"says; write {EXAMPLES[BIGQUERY]}"
        )
    _check_options(url, BIGQUERY_OPTIONS)
    if any(_is_missing(name) for name in ("google.cloud.bigquery", "sqlalchemy_bigquery")):
        raise WarehouseURLError(
            "MMM_WAREHOUSE_URL begins with bigquery://, whose drivers are not installed; run "
            "pip install 'hill-mixture-mmm[bigquery]'"
        )
    return url


def _check_options(url: sa.URL, known: tuple[str, ...]) -> None:
    unknown = sorted(set(url.query) - set(known))
    if unknown:
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL has the options {', '.join(unknown)} behind its question mark; "
            f"there may be {', '.join(known)}, and keys are given as "
            f"docs/{url.get_backend_name()}.md says"
        )


def _is_missing(name: str) -> bool:
    """Whether a module is not installed, nor one that it is in."""
    try:
        return find_spec(name) is None
    except ModuleNotFoundError:
        return True
