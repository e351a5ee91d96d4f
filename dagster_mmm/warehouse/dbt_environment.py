"""What dbt is told of the warehouse: it runs as a subprocess, and takes no URL."""

import os

from dagster_mmm.warehouse.database import LOCK_SECONDS, Warehouse
from dagster_mmm.warehouse.url import DUCKDB, POSTGRES, WarehouseURLError, parse_url


def tell_dbt(warehouse: Warehouse) -> None:
    """Set the variables of `sql/profiles.yml`.

    Raises:
        WarehouseURLError: if the URL cannot be used, or is of a database without a dbt target.
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
    else:
        raise WarehouseURLError(f"sql/profiles.yml has no target for {backend}: see DECISIONS.md")
    os.environ["MMM_DBT_TARGET"] = backend
    os.environ["MMM_DBT_SCHEMA"] = warehouse.schema
