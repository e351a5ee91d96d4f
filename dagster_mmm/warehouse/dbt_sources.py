"""The dbt side of the result tables, written from their one definition.

`python -m dagster_mmm.warehouse.dbt_sources` rewrites the yml files of the dbt source `mmm_results`
and of the views over it, one a folder. Their contracts are enforced: a view that differs from its
table fails to build.
"""

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from dagster_mmm import environment
from dagster_mmm.warehouse import tables

MODELS = environment.ROOT / "sql" / "models"
HEADER = "# Written by `python -m dagster_mmm.warehouse.dbt_sources` from tables.py: do not edit.\n"
CONTRACT = "{contract: {enforced: true}}"
# Wider than code, so that most columns stand on one line.
WIDTH = 120
DATA_TYPES: dict[type[sa.types.TypeEngine[Any]], str] = {
    sa.String: "varchar",
    sa.Double: "double precision",
    sa.BigInteger: "bigint",
    sa.Date: "date",
    sa.DateTime: "timestamp",
    sa.Boolean: "boolean",
}


class Column(NamedTuple):
    """What dbt is told of a column."""

    name: str
    data_type: str
    description: str


class Relation(NamedTuple):
    """What dbt is told of a table or a view."""

    name: str
    description: str
    config: str
    columns: list[Column]


PUBLISHED_AT = Column(
    "published_at", "timestamp", "When the run became the one that readers see, UTC."
)
PUBLICATION_TIMES = [
    Column("published_from", "timestamp", "When readers began to see the run, UTC."),
    Column(
        "published_until",
        "timestamp",
        "When another run took its place, UTC; 9999-12-31 of the published one.",
    ),
]
IS_PUBLISHED = Column("is_published", "boolean", "True for the run that readers see now.")
SOURCE = """\
sources:
  - name: mmm_results
    database: "{{ var('mmm_results_database') or target.database }}"
    schema: "{{ var('mmm_results_schema') }}"
    description: "What the fits wrote: history is append-only, one set of rows a run."
    tables:
"""


def rendered() -> dict[Path, str]:
    """The text of each generated file, by its path."""
    source = SOURCE + _yaml(map(_source, tables.METADATA.tables.values()), indent=6)
    latest = "models:\n" + _yaml(map(_latest, tables.RESULT_TABLES), indent=2)
    history = "models:\n" + _yaml(map(_history, tables.RESULT_TABLES), indent=2)
    return {
        MODELS / "sources" / "results.yml": HEADER + source,
        MODELS / "marts" / "latest" / "_latest__tables.yml": HEADER + latest,
        MODELS / "marts" / "history" / "_history__tables.yml": HEADER + history,
    }


def _source(table: sa.Table) -> Relation:
    key = "published" if table is tables.PUBLICATION else f"results, {table.name}"
    config = f"{{meta: {{dagster: {{asset_key: [{key}]}}}}}}"
    return Relation(str(table.name), _described(table), config, _columns(table))


def _latest(table: sa.Table) -> Relation:
    description = f"{_described(table)} Of the published run of each model."
    columns = [column for column in _columns(table) if column.name != PUBLISHED_AT.name]
    return Relation(_view(table, "latest"), description, CONTRACT, [*columns, PUBLISHED_AT])


def _history(table: sa.Table) -> Relation:
    description, columns = _described(table), _columns(table)
    if table is tables.RUN:
        return Relation(_view(table, "history"), description, CONTRACT, [*columns, IS_PUBLISHED])
    description += " Of every publication, with the time that it was the published one."
    return Relation(_view(table, "history"), description, CONTRACT, [*columns, *PUBLICATION_TIMES])


def _view(table: sa.Table, kind: str) -> str:
    return f"{table.name}_{kind}"


def _columns(table: sa.Table) -> list[Column]:
    return [
        Column(str(column.name), DATA_TYPES[type(column.type)], _described(column))
        for column in table.columns
    ]


def _described(item: sa.Table | sa.Column[Any]) -> str:
    if item.comment is None:
        raise ValueError(f"{item.name} has no comment to document it")
    return item.comment


def _yaml(relations: Iterable[Relation], indent: int) -> str:
    """A list of tables or views, each column a mapping on a line of its own, or on two."""
    texts: list[str] = []
    for relation in relations:
        lines = [
            f"- name: {relation.name}",
            *_wrapped(f"  description: {_quoted(relation.description)}", WIDTH - indent),
            f"  config: {relation.config}",
            "  columns:",
        ]
        for column in relation.columns:
            key = f"    - {{name: {column.name}, data_type: {column.data_type},"
            about = f"description: {_quoted(column.description)}}}"
            if len(f"{key} {about}") <= WIDTH - indent:
                lines.append(f"{key} {about}")
            else:
                lines += [key, *_wrapped(f"       {about}", WIDTH - indent)]
        texts.append(textwrap.indent("\n".join(lines) + "\n", " " * indent))
    return "\n".join(texts)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _wrapped(line: str, width: int) -> list[str]:
    """The lines of a quoted text, which YAML reads as one."""
    further = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=further, break_on_hyphens=False)


if __name__ == "__main__":
    for path, text in rendered().items():
        path.write_text(text)
