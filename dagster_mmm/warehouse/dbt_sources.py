"""The dbt side of the result tables, written from their one definition.

`python -m dagster_mmm.warehouse.dbt_sources` rewrites the yml files of the dbt source `results` and
of the views over it. Their contracts are enforced: a view that differs from its table fails to
build.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from dagster_mmm.warehouse import tables

MODELS = Path(__file__).parents[2] / "sql" / "models"
HEADER = "# Written by `python -m dagster_mmm.warehouse.dbt_sources` from tables.py: do not edit.\n"
DATA_TYPES: dict[type[sa.types.TypeEngine[Any]], str] = {
    sa.String: "varchar",
    sa.Double: "double precision",
    sa.BigInteger: "bigint",
    sa.Date: "date",
    sa.DateTime: "timestamp",
    sa.Boolean: "boolean",
}
PUBLISHED_AT = {
    "name": "published_at",
    "data_type": "timestamp",
    "description": "When the run became the one that readers see, UTC.",
}
BELIEVED = [
    {
        "name": "believed_from",
        "data_type": "timestamp",
        "description": "When readers began to see the run, UTC.",
    },
    {
        "name": "believed_until",
        "data_type": "timestamp",
        "description": "When another run took its place, UTC; 9999-12-31 of the live one.",
    },
]
IS_LIVE = {
    "name": "is_live",
    "data_type": "boolean",
    "description": "True for the run that readers see now.",
}

Yml = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, as the handwritten files do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def rendered() -> dict[Path, str]:
    """The text of each generated file, by its path."""
    documents = {"sources/results.yml": {"sources": [_source()]}}
    for table in tables.RESULT_TABLES:
        name = str(table.name).removeprefix("mmm_")
        columns = [column for column in _columns(table) if column["name"] != "published_at"]
        about = f"{_described(table)} Of the published run of each model."
        documents[f"marts/latest/{name}_latest.yml"] = _model(
            f"{name}_latest", about, [*columns, PUBLISHED_AT]
        )
        if table is not tables.RUN:
            about = f"{_described(table)} Of every publication, with the time it was live."
            documents[f"marts/history/{name}_history.yml"] = _model(
                f"{name}_history", about, [*_columns(table), *BELIEVED]
            )
    documents["marts/history/run_history.yml"] = _model(
        "run_history", _described(tables.RUN), [*_columns(tables.RUN), IS_LIVE]
    )
    return {MODELS / path: HEADER + _yaml(document) for path, document in documents.items()}


def _source() -> Yml:
    return {
        "name": "results",
        "schema": tables.SCHEMA,
        "description": "What the fits wrote: history is append-only, one set of rows a run.",
        "tables": [
            {
                "name": str(table.name),
                "description": _described(table),
                "config": {"meta": {"dagster": {"asset_key": _asset_key(table)}}},
                "columns": _columns(table),
            }
            for table in tables.METADATA.tables.values()
        ],
    }


def _asset_key(table: sa.Table) -> list[str]:
    return ["published"] if table is tables.PUBLICATION else ["results", str(table.name)]


def _model(name: str, description: str, columns: list[Yml]) -> Yml:
    config = {"contract": {"enforced": True}}
    model = {"name": name, "description": description, "config": config, "columns": columns}
    return {"models": [model]}


def _columns(table: sa.Table) -> list[Yml]:
    return [
        {
            "name": str(column.name),
            "data_type": DATA_TYPES[type(column.type)],
            "description": _described(column),
        }
        for column in table.columns
    ]


def _described(item: sa.Table | sa.Column[Any]) -> str:
    if item.comment is None:
        raise ValueError(f"{item.name} has no comment to document it")
    return item.comment


def _yaml(document: Yml) -> str:
    # yaml breaks a line after the word that crosses the width, not before it.
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=85)


if __name__ == "__main__":
    for path, text in rendered().items():
        path.write_text(text)
