"""The variables that the dbt project is run with: one build reads the input of all models."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_mmm.settings.money import money_signs
from dagster_mmm.settings.schema import Settings

Input = dict[str, Any]


def dbt_vars(settings: Iterable[Settings], undeclared: Settings | None = None) -> dict[str, Any]:
    """The variables of a build for these models.

    Models of one table that are read alike share an entry of `inputs`; `only` names the models
    whose rows an entry reads, `all_but` those that others do.

    Args:
        settings: the models', at least one, or `undeclared`.
        undeclared: those of all other models of the table, where a column names them.
    """
    each = list(settings)
    first = each[0] if undeclared is None else undeclared
    return {
        "mmm_grain": first.input.grain,
        "mmm_week_starts_on": first.input.week_starts_on,
        "mmm_freshness": first.input.freshness.model_dump(),
        "mmm_inputs": [_own_input(one) for one in each]
        if undeclared is None
        else _of_one_table(each, undeclared),
    }


def built_by(
    settings_file: Path, settings: Mapping[str, Settings], undeclared: Settings | None
) -> dict[str, Any]:
    """The variables that say whose build it is: the file, and how it reads each model's input.

    Args:
        settings_file: the file.
        settings: those of the models that are built, by model.
        undeclared: as of `dbt_vars`; its key is the empty text.
    """
    each = dict(settings) if undeclared is None else {**settings, "": undeclared}
    return {
        "mmm_settings_file": str(settings_file.resolve()),
        "mmm_readings": {key: reading(one) for key, one in each.items()},
    }


def reading(settings: Settings) -> str:
    """A short text that differs if the rows of a model's input are read otherwise."""
    parts = [_input(settings), settings.input.grain, settings.input.week_starts_on]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _own_input(settings: Settings) -> Input:
    """The input of a model that has its table to itself, or its rows of one."""
    only = None if settings.input.model_column is None else [settings.model_key]
    return _input(settings) | {"model_key": settings.model_key, "only": only, "all_but": None}


def _of_one_table(declared: list[Settings], undeclared: Settings) -> list[Input]:
    """The inputs of models that a column tells apart, those that are read alike together."""
    rest = _input(undeclared)
    others: list[tuple[Input, list[str]]] = []
    for one in declared:
        own = _input(one)
        if own == rest:
            continue
        alike = next((keys for entry, keys in others if entry == own), None)
        if alike is None:
            others.append((own, [one.model_key]))
        else:
            alike.append(one.model_key)
    apart = [key for _, keys in others for key in keys]
    return [
        rest | {"model_key": None, "only": None, "all_but": apart or None},
        *(entry | {"model_key": None, "only": keys, "all_but": None} for entry, keys in others),
    ]


def _input(settings: Settings) -> Input:
    """How a model's rows are read, but for which they are."""
    schema, table = settings.input.table.split(".")
    return {
        "schema": schema,
        "table": table,
        "model_column": settings.input.model_column,
        "date_column": settings.input.date_column,
        "series_column": settings.input.series_column,
        "series_key": settings.input.series,
        "date_format": settings.input.date_format,
        "decimal": settings.input.decimal,
        "thousands": settings.input.thousands,
        "money": "|".join(map(re.escape, money_signs(settings.currency))),
        "variables": [
            variable.model_dump(include={"name", "column", "equals"}, exclude_none=True)
            | {"role": variable.input_role}
            for variable in settings.variables().values()
            if not settings.is_reported(variable)
        ],
        "reports": _reports(settings),
    }


def _reports(settings: Settings) -> Input | None:
    reports = settings.input.reports
    if reports is None:
        return None
    schema, table = reports.table.split(".")
    columns = {"model_column", "date_column", "channel_column", "spend_column", "series_column"}
    return {
        "schema": schema,
        "table": table,
        **reports.model_dump(include=columns),
        "channels": [
            {"name": c.name, "text": c.column, "ended": c.ended} for c in settings.channels
        ],
    }
