"""The database's errors that somebody can act on, by name, with the place and the remedy."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from dagster_mmm.warehouse.url import SNOWFLAKE


class WarehouseError(RuntimeError):
    """The warehouse refuses, or is not as it should be; the message has the remedy."""


class WarehouseBusyError(WarehouseError):
    """Another process kept the warehouse locked for longer than we wait."""


class WarehouseUnreachableError(WarehouseError):
    """There is no connection to the warehouse, or it broke."""


class WarehouseFullError(WarehouseError):
    """The disk of the warehouse takes no more."""


class WarehouseDamagedError(WarehouseError):
    """The file that the warehouse is, is no database any more, or in part."""


class WarehousePermissionError(WarehouseError):
    """The warehouse's user may not do what the job has to."""


# SQLSTATEs, as in the appendix of Postgres's manual.
_LOCK_NOT_AVAILABLE, _NO_PRIVILEGE, _DISK_FULL = "55P03", "42501", "53100"
# Snowflake's alone: of a statement that it gave up, for a lock or for its own time.
_CANCELED = "57014"
# BigQuery's: of the second of two transactions that change a table.
CONCURRENT_UPDATE = "concurrent update"
# HTTP's codes, of which BigQuery's errors have one each.
_UNAUTHORIZED, _FORBIDDEN, _BAD_GATEWAY = 401, 403, 502
# DuckDB has no codes; it adds what the operating system said.
_DUCKDB_CANNOT_WRITE = "Could not write file"
_DUCKDB_IS_OPEN = "Could not set lock on file"
_DUCKDB_IS_DAMAGED = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes",
)


@contextmanager
def named_errors(place: str, lock_seconds: int) -> Generator[None]:
    """Raise what the database refuses by the names above; its other errors pass as they are.

    Args:
        place: what messages call the warehouse.
        lock_seconds: how long a lock is waited for.
    """
    try:
        yield
    except Exception as error:
        of_bigquery = _of_bigquery(error, place)
        if of_bigquery is not None:
            raise of_bigquery from error
        if not _is_the_databases(error):
            raise
        original = error.orig if isinstance(error, DBAPIError) else error
        said = str(original).splitlines()[0]
        state = getattr(original, "sqlstate", None)
        if state == _LOCK_NOT_AVAILABLE:
            raise WarehouseBusyError(
                f"another session has been holding a lock in {place} for {lock_seconds} s; "
                "wait for it to end, or find it in pg_stat_activity, and run this again"
            ) from error
        if state == _CANCELED and place.startswith(SNOWFLAKE) and "lock" in said:
            raise WarehouseBusyError(
                f"another session has been holding a lock in {place} for {lock_seconds} s: {said}; "
                "wait for it to end, or end it as docs/snowflake.md says, and run this again"
            ) from error
        if state == _NO_PRIVILEGE:
            guide = "docs/snowflake.md" if place.startswith(SNOWFLAKE) else "docs/postgres.md"
            raise WarehousePermissionError(
                f"{place}: {said}; grant its user what {guide} lists for the job"
            ) from error
        if state == _DISK_FULL or _DUCKDB_CANNOT_WRITE in said:
            raise WarehouseFullError(
                f"{place} takes no more: {said}; the transaction is undone, make room on its disk "
                "and run this again"
            ) from error
        if is_damaged(said):
            raise _damaged(place, said) from error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise WarehouseUnreachableError(
                f"the connection to {place} broke: {said}; the transaction is undone, "
                "run this again when the server is back"
            ) from error
        raise


def _of_bigquery(error: Exception, place: str) -> WarehouseError | None:
    """What an error says of BigQuery, if Google's client has raised it and there is a name for it.

    The client itself raises some, and its driver wraps others; what is left of these is a statement
    that BigQuery does not take.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    first = original.args[0] if original is not None and original.args else None
    cause = first if isinstance(first, Exception) else original
    package = type(cause).__module__.partition(".")[0]
    if package not in ("google", "requests"):
        return None
    said = str(cause).splitlines()[0]
    code = getattr(cause, "code", None)
    if CONCURRENT_UPDATE in said:
        return WarehouseBusyError(
            f"another session changes what this one does in {place}: {said}; the transaction is "
            "undone, run this again"
        )
    if code == _FORBIDDEN:
        return WarehousePermissionError(
            f"{place}: {said}; grant its account what docs/bigquery.md lists for the job"
        )
    if type(cause).__module__.startswith("google.auth") or code == _UNAUTHORIZED:
        return WarehouseUnreachableError(
            f"cannot sign in to {place}: {said}; docs/bigquery.md lists the ways to"
        )
    if package == "requests" or (isinstance(code, int) and code >= _BAD_GATEWAY):
        return WarehouseUnreachableError(
            f"cannot connect to {place}, or the connection broke: {said}; the transaction is "
            "undone, run this again when the service is back"
        )
    return None if isinstance(error, DBAPIError) else WarehouseError(f"{place}: {said}")


def is_damaged(said: str) -> bool:
    """Whether DuckDB says by this that a file is no database of its own, or not whole."""
    return any(text in said for text in _DUCKDB_IS_DAMAGED)


def _is_the_databases(error: Exception) -> bool:
    # Drivers are extras, and what loads the definitions does without them; one that was not loaded
    # has raised nothing.
    names = ("duckdb", "psycopg", "adbc_driver_manager")
    drivers = [sys.modules[name] for name in names if name in sys.modules]
    return isinstance(error, (DBAPIError, *(driver.Error for driver in drivers)))


def unreachable(place: str, error: DBAPIError) -> WarehouseUnreachableError:
    """The error of a connection that could not be made."""
    return WarehouseUnreachableError(
        f"cannot connect to {place}: {error.orig}\n"
        "Check the host, user and password in MMM_WAREHOUSE_URL, and that the server is running."
    )


def not_opened(place: str, error: DBAPIError) -> WarehouseError:
    """The error of a DuckDB file that could not be opened."""
    said = str(error.orig).splitlines()[0]
    if _DUCKDB_IS_OPEN in said:
        return WarehouseBusyError(
            f"{place} is open in another program, which keeps every other out: {said}; close it "
            "there, and run this again"
        )
    if is_damaged(said):
        return _damaged(place, said)
    return WarehouseUnreachableError(
        f"{place} cannot be opened: {said}; see that the file and its folder are there, and that "
        "this user may read and write both"
    )


def _damaged(place: str, said: str) -> WarehouseDamagedError:
    return WarehouseDamagedError(
        f"{place} is damaged, or is no DuckDB file: {said}; restore it from a backup, or move it "
        "away and run the job: it makes a new one, loads the input and refits every model. The "
        "files of the runs are not in it"
    )
