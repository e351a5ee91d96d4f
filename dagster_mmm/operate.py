"""What an operator does to published results by hand: look at them, go back, keep less.

`make history`, `make rollback` and `make retention` call it, for the model of CONFIG.
"""

import argparse
import sys
from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from dagster_mmm import environment
from dagster_mmm.artefacts import remove_runs
from dagster_mmm.settings import SettingsError, load_settings
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError, roll_back
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.retention import expire
from dagster_mmm.warehouse.snapshot import snapshot_of, write_snapshot
from dagster_mmm.warehouse.tables import PUBLICATION, RUN
from dagster_mmm.warehouse.url import WarehouseURLError


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked and say what was done; 0 if it was, 1 with the reason if it cannot be."""
    asked = _parse(arguments)
    warehouse = WarehouseResource(url=environment.warehouse_url())
    try:
        model_key = load_settings(environment.settings_path()).model_key
        warehouse.create_result_tables()
        print(asked.action(warehouse, model_key, asked))
    except (
        SettingsError,
        WarehouseURLError,
        WarehouseError,
        NoEarlierRunError,
        NotPublishableError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def history(warehouse: WarehouseResource, model_key: str, _: argparse.Namespace) -> str:
    """Every publication of the model, the live one last."""
    query = (
        sa.select(
            PUBLICATION.c.published_at,
            PUBLICATION.c.run_id,
            RUN.c.status,
            RUN.c.as_of_week,
            RUN.c.components_selected,
            RUN.c.model_version,
        )
        .join(RUN, RUN.c.run_id == PUBLICATION.c.run_id)
        .where(PUBLICATION.c.model_key == model_key)
        .order_by(PUBLICATION.c.publication_id)
    )
    rows = warehouse.read(query)
    return f"nothing of {model_key} has been published yet" if rows.empty else _table(rows)


def rollback(warehouse: WarehouseResource, model_key: str, asked: argparse.Namespace) -> str:
    """Go back to the run that was live before, or to the one named; dashboards' copy with it."""
    with warehouse.begin() as connection:
        was, live = roll_back(connection, model_key, _now(), asked.to)
    if warehouse.file is not None:
        with warehouse.locked():
            write_snapshot(warehouse.file, snapshot_of(warehouse.file))
    return f"{model_key}: run {live} is live, in place of {was}; the same again goes back"


def retention(warehouse: WarehouseResource, model_key: str, asked: argparse.Namespace) -> str:
    """Keep the runs published last; remove the rows and files of older ones."""
    with warehouse.begin() as connection:
        expired = expire(connection, model_key, asked.keep)
    remove_runs(environment.artefacts_path() / model_key, expired)
    return f"{model_key}: removed the rows and files of {len(expired)} runs"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dagster_mmm.operate", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("history", help=history.__doc__).set_defaults(action=history)
    back = commands.add_parser("rollback", help=rollback.__doc__)
    back.add_argument("--to", help="the run to go back to; by default the one live before")
    back.set_defaults(action=rollback)
    less = commands.add_parser("retention", help=retention.__doc__)
    less.add_argument("--keep", type=_positive, required=True, help="published runs to keep")
    less.set_defaults(action=retention)
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _table(rows: pd.DataFrame) -> str:
    return rows.to_string(index=False)


if __name__ == "__main__":
    sys.exit(main())
