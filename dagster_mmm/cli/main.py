"""The command `mmm`, and the exit code of everything that can go wrong."""

import click

from dagster_mmm.cli import changes, data, fit, publication, runs, settings
from dagster_mmm.settings import SettingsError
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError
from dagster_mmm.warehouse.runs import UnknownRunError
from dagster_mmm.warehouse.url import WarehouseURLError

WRONG_SETTINGS = (SettingsError, WarehouseURLError)
REFUSED = (WarehouseError, NotPublishableError, NoEarlierRunError, UnknownRunError)


class WrongSettings(click.ClickException):
    """The settings, or the environment's, cannot be used."""

    exit_code = 2


class Commands(click.Group):
    """Says what a person can act on as one message, and gives it its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """As of any group, but that errors become messages."""
        try:
            return super().invoke(ctx)
        except WRONG_SETTINGS as error:
            raise WrongSettings(str(error)) from error
        except REFUSED as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def mmm() -> None:
    """The weekly marketing mix model, from a shell.

    The settings file is MMM_SETTINGS, the warehouse MMM_WAREHOUSE_URL, Dagster's home DAGSTER_HOME.

    \b
    Exit codes:
      0  done
      1  refused or failed: bad data, a fit that has not converged, no warehouse
      2  wrong usage or settings

    \b
    Examples:
      mmm settings check
      mmm data check && mmm fit && mmm publish
      mmm runs --json | jq '.[] | select(.is_live)'
      mmm explain 3f2a91c0
    """


mmm.add_command(settings.settings)
mmm.add_command(data.data)
mmm.add_command(fit.fit)
mmm.add_command(publication.publish)
mmm.add_command(publication.rollback)
mmm.add_command(publication.retention)
mmm.add_command(runs.runs)
mmm.add_command(runs.run)
mmm.add_command(runs.explain)
mmm.add_command(changes.changes)
