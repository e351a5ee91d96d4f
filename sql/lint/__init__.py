"""What dbt gives a template, for sqlfluff, which renders it without dbt and without a database."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jinja2
import yaml

VARIABLES = yaml.safe_load((Path(__file__).parents[1] / "dbt_project.yml").read_text())["vars"]
# No database is there to look into.
execute = False
project_name = "mmm"
# The project's own variables are of a model without reports; here their SQL is read too.
REPORTS = {
    "schema": "raw",
    "table": "ad_spend",
    "date_column": "date_day",
    "channel_column": "platform",
    "spend_column": "spend",
    "channels": [{"name": "tv", "text": "tv"}],
}


def var(name: str, default: object = None) -> object:
    """A variable of `dbt_project.yml`, or the default of one that the job alone sets."""
    if name == "mmm_inputs":
        return [declared | {"reports": REPORTS} for declared in VARIABLES["mmm_inputs"]]
    return VARIABLES[name] if default is None else VARIABLES.get(name, default)


@jinja2.pass_context
def _dispatch(context: jinja2.runtime.Context, macro: str, package: str) -> Callable[..., str]:
    return context.get(f"duckdb__{macro}") or context[f"default__{macro}"]


adapter = SimpleNamespace(dispatch=_dispatch, quote=lambda name: f'"{name}"')
dbt = SimpleNamespace(
    date_spine=lambda part, first, last: f"select {first} as date_{part}",
    escape_single_quotes=lambda text: text.replace("'", "''"),
    string_literal=lambda text: f"'{text}'",
    bool_or=lambda flag: f"bool_or({flag})",
    dateadd=lambda part, number, day: f"date_add({day}, {number} * interval 1 {part})",
    generate_series=lambda last: f"select generated_number from range({last})",
)
api = SimpleNamespace(
    Relation=SimpleNamespace(create=lambda schema, identifier: f'"{schema}"."{identifier}"')
)
