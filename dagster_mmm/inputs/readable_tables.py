"""The tables of all models: which can be read, and what holds up the models of the others."""

import logging
from pathlib import Path
from typing import NamedTuple

from dagster_mmm.inputs.errors import RawTableError
from dagster_mmm.inputs.files import load_csv
from dagster_mmm.inputs.raw_tables import RawTable, find_table
from dagster_mmm.settings import Models, Settings, SettingsError
from dagster_mmm.warehouse.database import Warehouse


class ReadableInputs(NamedTuple):
    """The models whose tables and columns are there.

    Attributes:
        settings: the settings of those that are declared, by model.
        undeclared: those of the models that a column names, or None without such a column, or
            where its table cannot be read.
        tables: what was found of each table that can be read, by its name.
        problems: why other models have no input, each once.
    """

    settings: dict[str, Settings]
    undeclared: Settings | None
    tables: dict[str, RawTable]
    problems: tuple[str, ...]

    def log_problems(self, log: logging.Logger) -> None:
        """Log the problems.

        Raises:
            RawTableError: with all of them, if no model can be read.
        """
        for problem in self.problems:
            log.error(problem)
        if not self.settings and self.undeclared is None:
            raise RawTableError("\n".join(self.problems))


def load_files(warehouse: Warehouse, models: Models, file: str | None) -> tuple[str, ...]:
    """Load the models' files into their tables, and say which of them could not be.

    Args:
        warehouse: the warehouse.
        models: the models.
        file: a CSV for the table of all models, in place of the settings' files.

    Raises:
        RawTableError: if that CSV cannot be loaded, or there is more than one table.
        SettingsError: if that CSV lacks a column that the settings name.
    """
    usable = models.all().usable
    undeclared = models.of_undeclared()
    each = [*([] if undeclared is None else [undeclared]), *usable.values()]
    if file is not None:
        if len({one.input.table for one in each}) != 1:
            raise RawTableError(
                f"{file} is one file, and the settings name several tables; give each model's "
                "input.file in the settings"
            )
        load_csv(warehouse, Path(file).expanduser(), each[0])
        return ()
    files = {(one.input.file, one.input.table): one for one in reversed(each) if one.input.file}
    problems: list[str] = []
    for (path, _), one in files.items():
        try:
            load_csv(warehouse, path, one)
        except (RawTableError, SettingsError) as error:
            problems.append(str(error))
    return tuple(problems)


def readable_inputs(warehouse: Warehouse, models: Models) -> ReadableInputs:
    """The models whose tables and columns are there; the rows are looked at by each model's panel.

    Raises:
        SettingsError: if what the settings say of all models of a `model_column` is wrong.
        WarehouseError: if the warehouse cannot be read at all.
    """
    usable, mistakes = models.all()
    undeclared = models.of_undeclared()
    problems = [str(mistake) for mistake in mistakes.values()]
    tables: dict[str, RawTable] = {}
    # Models of one table that are read alike are looked at once.
    seen: dict[tuple[object, ...], bool] = {}

    def is_readable(settings: Settings) -> bool:
        reports = settings.input.reports
        key = (settings.input.table, *settings.table_columns().items(), reports)
        if key not in seen:
            try:
                tables[settings.input.table] = find_table(warehouse, settings)
                seen[key] = True
            except (RawTableError, SettingsError) as error:
                problems.append(str(error))
                seen[key] = False
        return seen[key]

    readable = {key: settings for key, settings in usable.items() if is_readable(settings)}
    if undeclared is not None and not is_readable(undeclared):
        undeclared = None
    return ReadableInputs(readable, undeclared, tables, tuple(dict.fromkeys(problems)))
