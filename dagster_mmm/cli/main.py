"""The command `mmm`, and the exit code of everything that can go wrong."""

from importlib import import_module

import click

from dagster_mmm.settings import SettingsError
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError
from dagster_mmm.warehouse.runs import UnknownRunError
from dagster_mmm.warehouse.url import WarehouseURLError

WRONG_SETTINGS = (SettingsError, WarehouseURLError)
REFUSED = (WarehouseError, NotPublishableError, NoEarlierRunError, UnknownRunError)

# The module of each command, imported when it is called: help and settings do without Dagster.
MODULES = {
    "demo": "demo",
    "run": "week",
    "ui": "services",
    "dashboard": "services",
    "settings": "settings",
    "data": "data",
    "fit": "fit",
    "publish": "publication",
    "rollback": "publication",
    "retention": "publication",
    "runs": "runs",
    "show": "runs",
    "explain": "runs",
    "changes": "changes",
}


class WrongSettings(click.ClickException):
    """The settings, or the environment's, cannot be used."""

    exit_code = 2


class Commands(click.Group):
    """Loads a command when it is called, and says what a person can act on as one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which they are needed."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is no such."""
        if cmd_name not in MODULES:
            return None
        return getattr(import_module(f"dagster_mmm.cli.{MODULES[cmd_name]}"), cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        """Like any group's, but errors become messages with their exit code."""
        try:
            return super().invoke(ctx)
        except WRONG_SETTINGS as error:
            raise WrongSettings(str(error)) from error
        except REFUSED as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hill-mixture-mmm", message="%(prog)s %(version)s")
def mmm() -> None:
    """The weekly marketing mix model, from a shell.

    The settings file is --settings or MMM_SETTINGS, the warehouse MMM_WAREHOUSE_URL, Dagster's home
    DAGSTER_HOME.

    \b
    Exit codes:
      0  done
      1  rejected or failed: bad data, a fit that has not converged, no warehouse
      2  wrong usage or settings

    \b
    Examples:
      mmm settings check
      mmm data check && mmm fit && mmm publish
      mmm runs --json | jq '.[] | select(.is_published)'
      mmm explain 3f2a91c0
    """
