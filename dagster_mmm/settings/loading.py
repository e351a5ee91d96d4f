"""From a YAML file, and a raw table's columns, to settings that can be used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dagster_mmm.settings.errors import SettingsError
from dagster_mmm.settings.fields import hint
from dagster_mmm.settings.models import Models, read_models
from dagster_mmm.settings.schema import Settings
from dagster_mmm.settings.sections import ReportsSettings

MISSING_FILE_HELP = (
    "`mmm init` makes a project with settings, or set MMM_SETTINGS, or pass --settings, to the "
    "settings file's path"
)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which would otherwise let the last of two equal keys win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for position, (key, _) in enumerate(node.value):
            if key.value in keys[:position]:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def load_models(path: Path) -> Models:
    """The models of a YAML file; of a single one, all keys are checked.

    Raises:
        SettingsError: if the file is missing, is not YAML, or does not say which models it is of;
            the message names the file and lists every mistake, one a line.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {MISSING_FILE_HELP}") from error
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{path}{_position(error)}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {error}") from error
    return read_models(path, document)


def load_settings(path: Path, model_key: str | None = None) -> Settings:
    """The settings of one model of a YAML file; without a key, of its only one.

    Raises:
        SettingsError: as `load_models` and `Models.of` do, or if the file is of several models and
            none is named.
    """
    models = load_models(path)
    if model_key is None:
        if models.model_column is not None or len(models.declared) != 1:
            raise SettingsError(
                f"{path}: it is of several models, and none was named; pass --model with one of "
                f"{', '.join(models.declared) or 'the texts of ' + repr(models.model_column)}"
            )
        (model_key,) = models.declared
    return models.of(model_key)


def check_columns(settings: Settings, table_columns: Sequence[str]) -> None:
    """Checks that the raw table has every column that the settings name.

    Raises:
        SettingsError: listing, one a line, the keys whose column is not there.
    """
    _check(settings.table_columns(), settings.input.table, table_columns)


def check_report_columns(reports: ReportsSettings, table_columns: Sequence[str]) -> None:
    """Checks that the reports' table has every column that the settings name.

    Raises:
        SettingsError: as of `check_columns`.
    """
    _check(reports.columns(), reports.table, table_columns)


def _check(columns: Mapping[str, str], table: str, table_columns: Sequence[str]) -> None:
    lines = [
        f"{key}: found {column!r}, not a column of {table}{hint(column, table_columns)}"
        for key, column in columns.items()
        if column not in table_columns
    ]
    if lines:
        allowed = f"allowed: the columns {', '.join(table_columns)}"
        raise SettingsError("\n".join([*lines, allowed]))


def _position(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    return "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
