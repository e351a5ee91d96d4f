"""`mmm ui`, `mmm dashboard`: the two pages in a browser, served from this machine alone."""

import importlib.util
import os
import sys
from pathlib import Path

import click

from dagster_mmm import environment
from dagster_mmm.cli.jobs import require_dagster_home
from dagster_mmm.cli.options import Command

THIS_MACHINE = "127.0.0.1"


@click.command(cls=Command)
@click.option("--port", type=int, default=3000, show_default=True)
def ui(port: int) -> None:
    """Serve the Dagster UI, and run what is queued and scheduled, until Ctrl-C.

    \b
    Examples:
      mmm ui
      mmm ui --settings retail.yaml --port 3001
    """
    require_dagster_home()
    dagster = str(Path(sys.executable).with_name("dagster"))
    own = environment.project_folder() / "workspace.yaml"
    workspace = str(own if own.is_file() else environment.ROOT / "workspace.yaml")
    _become([dagster, "dev", "-w", workspace, "-h", THIS_MACHINE, "-p", str(port)])


@click.command(cls=Command)
@click.option("--port", type=int, default=8501, show_default=True)
def dashboard(port: int) -> None:
    """Serve the dashboard over what has been published, until Ctrl-C.

    \b
    Examples:
      mmm dashboard
      mmm dashboard --port 8502
    """
    if importlib.util.find_spec("streamlit") is None:
        raise click.ClickException("streamlit is not installed; install the extra `dashboards`")
    app = str(environment.ROOT / "dashboards" / "app.py")
    # The app's modules are found from here, before any of the same name.
    path = [str(environment.ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    # Without -P, those of the working folder would be found first.
    command = [sys.executable, "-P", "-m", "streamlit", "run", app, "--server.port", str(port)]
    _become(command)


def _become(command: list[str]) -> None:
    """Let the server take this process, so that signals reach it."""
    # All that it starts has the same state, from whatever folder.
    os.environ["MMM_STATE"] = str(environment.state_path())
    os.environ["MMM_SETTINGS"] = str(environment.settings_path())
    os.execv(command[0], command)
