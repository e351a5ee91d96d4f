"""What dbt is told of the warehouse: it runs as a subprocess, and takes no URL."""

import os

from dagster_mmm.warehouse.bigquery_client import KEY_FILE as BIGQUERY_KEY_FILE
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.engine import KEY_FILE, LOCK_SECONDS
from dagster_mmm.warehouse.url import BIGQUERY, DUCKDB, POSTGRES, SNOWFLAKE, parse_url


def tell_dbt(warehouse: Warehouse) -> None:
    """Set the variables of `sql/profiles.yml`.

    Raises:
        WarehouseURLError: if the URL cannot be used.
    """
    url = parse_url(warehouse.url)
    backend = url.get_backend_name()
    if backend == DUCKDB:
        os.environ["MMM_DUCKDB_PATH"] = str(url.database)
    elif backend == POSTGRES:
        os.environ["MMM_POSTGRES_HOST"] = url.host or ""
        os.environ["MMM_POSTGRES_PORT"] = str(url.port or 5432)
        os.environ["MMM_POSTGRES_DATABASE"] = str(url.database)
        os.environ["MMM_POSTGRES_USER"] = url.username or ""
        # dbt strikes values of this prefix out of all that it writes.
        os.environ["DBT_ENV_SECRET_MMM_POSTGRES_PASSWORD"] = url.password or ""
        # A view is replaced when no reader's transaction is open on it; dbt would wait for ever.
        os.environ.setdefault("PGOPTIONS", f"-c lock_timeout={LOCK_SECONDS}s")
    elif backend == SNOWFLAKE:
        # With a port, what stands before it is a host.
        options = {"account": url.host, "host": url.host if url.port else None, **url.query}
        options |= {"port": url.port, "database": url.database, "user": url.username}
        if os.environ.get(KEY_FILE):
            options["authenticator"] = "SNOWFLAKE_JWT"
        for name, value in options.items():
            os.environ[f"MMM_SNOWFLAKE_{name.upper()}"] = "" if value is None else str(value)
        os.environ["DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSWORD"] = url.password or ""
    elif backend == BIGQUERY:
        os.environ["MMM_BIGQUERY_PROJECT"] = url.host or ""
        os.environ["MMM_BIGQUERY_LOCATION"] = str(url.query.get("location", ""))
        has_key = bool(os.environ.get(BIGQUERY_KEY_FILE))
        os.environ["MMM_BIGQUERY_METHOD"] = "service-account" if has_key else "oauth"
    os.environ["MMM_DBT_TARGET"] = backend
    os.environ["MMM_DBT_SCHEMA"] = warehouse.schema
