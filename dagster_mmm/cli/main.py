"""The command `mmm`, and the exit code of everything that can go wrong."""

from importlib import import_module

import click
from click.shell_completion import CompletionItem
from dotenv import load_dotenv

from dagster_mmm import environment
from dagster_mmm.settings import SettingsError
from dagster_mmm.storage import PlaceError, StoredFileError
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError
from dagster_mmm.warehouse.runs import UnknownRunError
from dagster_mmm.warehouse.url import WarehouseURLError

WRONG_SETTINGS = (SettingsError, WarehouseURLError, PlaceError)
REFUSED = (
    WarehouseError,
    StoredFileError,
    NotPublishableError,
    NoEarlierRunError,
    UnknownRunError,
)

# Each command: its module, and what help and completion say of it. They do without the module,
# which may import Dagster and take seconds.
COMMANDS = {
    "init": ("init", "Make a project for a file or table."),
    "demo": ("demo", "Run the whole job once, and print its results."),
    "run": ("run", "Run the week once: input, every model, dashboards."),
    "ui": ("services", "Serve the Dagster UI."),
    "dashboard": ("services", "Serve the dashboard."),
    "settings": ("settings", "Check the settings file."),
    "data": ("data", "Check the input in the warehouse."),
    "fit": ("fit", "Refit a model and judge it, without publishing."),
    "publish": ("publication", "Publish a run, if its verdicts allow it."),
    "rollback": ("publication", "Go back to the run that was published before."),
    "retention": ("publication", "Keep the last runs of each model, remove older ones."),
    "runs": ("runs", "List runs, rejected ones too."),
    "show": ("runs", "Show a run: its row, verdicts and returns."),
    "summary": ("summary", "Say what channels brought between two days, and its return."),
    "explain": ("runs", "Say why a run was rejected, and what to do."),
    "changes": ("changes", "Split a run's move since the run before into causes."),
}


class WrongSettings(click.ClickException):
    """The settings, or the environment's, cannot be used."""

    exit_code = 2


class Commands(click.Group):
    """Loads a command when it is called, and says what a person can act on as one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        return getattr(import_module(f"dagster_mmm.cli.{module}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands without loading them, and options."""
        found = [
            CompletionItem(name, help=about)
            for name, (_, about) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> object:
        """Like any group's, but in the project's environment, and errors become messages."""
        # What is set already stays as it is.
        load_dotenv(environment.project_folder() / ".env")
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

    A project is a folder with an mmm.yaml: this one or one above it. Its .env is read, its folder
    data keeps all that is made. Other settings are --settings or MMM_SETTINGS, another warehouse
    MMM_WAREHOUSE_URL, another home of Dagster's DAGSTER_HOME.

    \b
    Exit codes:
      0  done
      1  rejected or failed: bad data, a fit that has not converged, no warehouse
      2  wrong usage or settings

    \b
    Examples:
      mmm init --data weekly.csv
      mmm settings check
      mmm data check && mmm fit && mmm publish
      mmm runs --json | jq '.[] | select(.is_published)'
      mmm explain 3f2a91c0
    """
