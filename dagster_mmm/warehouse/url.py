"""Where the warehouse is: an SQLAlchemy URL, whose password is never shown."""

from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from dagster_mmm.warehouse.tables import SCHEMA

DUCKDB, POSTGRES = "duckdb", "postgresql"
EXAMPLE = "postgresql+psycopg://user:password@host:5432/database"


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
    if url.get_backend_name() == DUCKDB:
        return _checked_file(url)
    if url.get_backend_name() == POSTGRES:
        return _checked_postgres(url)
    try:
        url.get_dialect()
    except NoSuchModuleError:
        raise WarehouseURLError(
            f"MMM_WAREHOUSE_URL begins with {url.drivername}://, which is not installed; there "
            "are duckdb, postgresql+psycopg, and as extras of this package snowflake and bigquery"
        ) from None
    return url


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
