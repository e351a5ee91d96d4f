"""CSV and Parquet files, loaded into raw tables as the texts that stand in them."""

from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy.exc import DBAPIError

from dagster_mmm.inputs.errors import RawTableError, database_words, without_statement
from dagster_mmm.settings import Settings, check_columns
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.ddl import create_schema
from dagster_mmm.warehouse.errors import WarehousePermissionError
from dagster_mmm.warehouse.rows.bulk import replace_table


def load_csv(warehouse: Warehouse, file: Path, settings: Settings) -> None:
    """Replace the raw table by the rows of a CSV or Parquet file, every value as its text.

    A file that is not what the settings describe leaves the table as it was.

    Raises:
        RawTableError: if the file is not there, is no CSV with a header and no Parquet file, names
            a column twice, or has numbers that the settings say are texts.
        SettingsError: if it lacks a column that the settings name.
    """
    _require_table(file)
    try:
        rows = read_parquet(file, settings) if _is_parquet(file) else read_csv(file)
    except duckdb.Error as error:
        words = without_statement(str(error))
        raise RawTableError(
            f"{file} cannot be loaded into {settings.input.table}: {words}"
        ) from error
    check_columns(settings, rows.column_names)
    schema, table = settings.input.table.split(".")
    try:
        with warehouse.begin() as connection:
            create_schema(connection, schema)
            replace_table(connection, schema, table, rows)
    except WarehousePermissionError as error:
        raise RawTableError(
            f"{file} cannot be loaded into {settings.input.table}: {error}; or load the table by "
            "other means, and leave out input.file"
        ) from error
    except DBAPIError as error:
        raise RawTableError(
            f"{file} cannot be loaded into {settings.input.table}: {database_words(error)}"
        ) from error


def read_texts(file: Path) -> pa.Table:
    """A CSV or Parquet file's rows as texts, before there are settings.

    Raises:
        RawTableError: if the file is not there or is no table, as of `load_csv`.
    """
    _require_table(file)
    try:
        if not _is_parquet(file):
            return read_csv(file)
        with duckdb.connect() as reader:
            return _as_texts(reader.read_parquet(str(file)))
    except duckdb.Error as error:
        raise RawTableError(f"{file} cannot be read: {without_statement(str(error))}") from error


def _as_texts(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    return relation.project("cast(columns(*) as varchar)").to_arrow_table()


def read_parquet(file: Path, settings: Settings) -> pa.Table:
    """A Parquet file's rows as texts.

    Raises:
        RawTableError: if the settings say how texts write numbers, and the file has numbers.
        duckdb.Error: if it cannot be read.
    """
    with duckdb.connect() as reader:
        relation = reader.read_parquet(str(file))
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        texts = {column for column, kind in types.items() if kind == "VARCHAR"}
        read = {variable.column for variable in settings.variables().values()}
        numbers = sorted((read & types.keys()) - texts)
        # As texts, 1234.567 would be read by the settings' marks.
        if numbers and (settings.input.decimal, settings.input.thousands) != (".", None):
            raise RawTableError(
                f"{file} has numbers in the columns {', '.join(map(repr, numbers))}, and "
                "input.decimal and input.thousands are for texts; leave them out"
            )
        return _as_texts(relation)


def _require_table(file: Path) -> None:
    """That it is there and no spreadsheet, as told by what it begins with: an archive, or older."""
    if not file.is_file():
        raise RawTableError(f"there is no file {file}; give the path of a CSV with a header row")
    if _begins_with(file, b"PK\x03\x04") or _begins_with(file, b"\xd0\xcf\x11\xe0"):
        raise RawTableError(
            f"{file} is a spreadsheet or an archive, which is not read; save its sheet as CSV "
            "(UTF-8), or the table as Parquet, and name that file"
        )


def _is_parquet(file: Path) -> bool:
    return _begins_with(file, b"PAR1")


def _begins_with(file: Path, mark: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(mark)) == mark


def read_csv(file: Path) -> pa.Table:
    """A CSV's rows as texts, whatever its delimiter; DuckDB finds it, for every warehouse.

    Raises:
        RawTableError: if it is not a table, or has a column twice.
        duckdb.Error: if it is not a CSV.
    """
    with duckdb.connect() as reader:
        _require_each_column_once(reader, file)
        query = "from read_csv($file, all_varchar = true, header = true)"
        rows = reader.sql(query, params={"file": str(file)}).to_arrow_table()
    if rows.num_columns == 1:
        raise RawTableError(
            f"{file} reads as a table of one column: a row has more or fewer cells than the "
            "header, or its cells are not separated by comma, semicolon, tab or |"
        )
    return rows


def _require_each_column_once(reader: duckdb.DuckDBPyConnection, file: Path) -> None:
    """DuckDB would call the second column of a name something else, and nobody would read it."""
    header = "from read_csv($file, all_varchar = true, header = false) limit 1"
    rows = reader.execute(header, {"file": str(file)}).fetchall()
    names = [str(name) for row in rows for name in row]
    spelled = [name.casefold() for name in names]
    repeated = {name for name, low in zip(names, spelled, strict=True) if spelled.count(low) > 1}
    if repeated:
        raise RawTableError(
            f"{file} names the columns {', '.join(map(repr, sorted(repeated)))} more than once "
            "(capitals count for nothing in a database); give each a name of its own"
        )
