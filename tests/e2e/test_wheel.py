"""The wheel, installed where nothing else of this project is: it runs the product from a folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from dagster_mmm.environment import ROOT
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY

UV = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".uv" / "bin"), os.environ["PATH"]]))
# What would tell an installed package where this clone, or another project, is.
OF_OTHERS = ("MMM_", "DBT_", "DAGSTER_", "JAX_", "PYTHON", "VIRTUAL_ENV")
OPEN_A_PAGE = """
from streamlit.testing.v1 import AppTest
from dagster_mmm.environment import ROOT
app = AppTest.from_file(str(ROOT / "dashboards" / "app.py"), default_timeout=60).run()
assert not app.exception, app.exception
assert app.dataframe
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(UV is None, reason="there is no uv, which `make` brings"),
]


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel alone, and an empty folder."""

    wheel: Path
    environment: Path
    folder: Path

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OF_OTHERS)}
        return subprocess.Popen(
            [str(self.environment / "bin" / words[0]), *words[1:]],
            cwd=self.folder,
            # Without the environment's own commands, as where nobody has activated it.
            env=kept | {"PATH": "/usr/bin:/bin"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **variables: str) -> str:
        process = self.start(*words, **variables)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said
        return said

    def packages(self) -> set[str]:
        """The files of all packages but what Python compiles."""
        (site,) = self.environment.glob("lib/*/site-packages")
        found = (path for path in site.rglob("*") if path.is_file())
        return {str(path) for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    made = tmp_path_factory.mktemp("wheel")
    # By way of the source distribution, which has to be whole then, and leaves nothing here.
    subprocess.run([str(UV), "build", "--quiet", "--out-dir", made / "dist", ROOT], check=True)
    (wheel,) = (made / "dist").glob("*.whl")
    python = ["--python", str(made / "venv")]
    subprocess.run(
        [str(UV), "venv", "--quiet", "--python", sys.executable, made / "venv"], check=True
    )
    subprocess.run([str(UV), "pip", "install", "--quiet", *python, str(wheel)], check=True)
    (made / "empty").mkdir()
    return Installed(wheel, made / "venv", made / "empty")


@pytest.fixture(scope="module")
def demo(installed: Installed) -> tuple[Installed, set[str], str]:
    """The demo after a quick run, the packages' files before it, and what it said."""
    before = installed.packages()
    assert "there is no run yet" in installed.run("mmm", "runs")
    assert list(installed.folder.iterdir()) == []
    installed.run("mmm", "init", "--demo")
    settings = installed.folder / "mmm.yaml"
    document = yaml.safe_load(settings.read_text())
    # What a fit is worth is others' business.
    document |= {"sampler": HASTY, "gate": ANYTHING_GOES, "plans": []}
    settings.write_text(yaml.safe_dump(document))
    return installed, before, installed.run("mmm", "demo")


def test_it_has_what_it_runs_and_nothing_under_a_name_of_others(installed: Installed) -> None:
    carried = ZipFile(installed.wheel).namelist()
    tops = {name.split("/")[0] for name in carried}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dagster_mmm", "hill_mmm"}
    share = "dagster_mmm/share"
    assert {
        "dagster_mmm/py.typed",
        "hill_mmm/py.typed",
        "hill_mmm/__init__.pyi",
        f"{share}/workspace.yaml",
        f"{share}/dashboards/.streamlit/config.toml",
        f"{share}/dashboards/questions/sales.py",
        f"{share}/examples/demo.yaml",
        f"{share}/deploy/celery/dagster.yaml",
        f"{share}/sql/profiles.yml",
    } <= set(carried)
    of_clone = {path.relative_to(ROOT / "sql") for path in (ROOT / "sql" / "models").rglob("*.*")}
    assert {f"{share}/sql/{path.as_posix()}" for path in of_clone} <= set(carried)
    assert not [name for name in carried if "/target/" in name or "__pycache__" in name]


def test_the_demo_runs_from_an_empty_folder_and_keeps_all_there(
    demo: tuple[Installed, set[str], str],
) -> None:
    installed, before, said = demo
    assert "is published" in said
    assert "true ROI" in said
    assert f"Tables: schema mmm in {installed.folder}/data/warehouse.duckdb" in said
    assert "is_published" in installed.run("mmm", "runs")
    assert installed.packages() == before


def test_the_ui_loads_the_job(demo: tuple[Installed, set[str], str]) -> None:
    installed, _, _ = demo
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in _running(installed.start("mmm", "ui", "--port", str(port))):
        assert _locations(f"http://127.0.0.1:{port}/graphql") == {"dagster_mmm": "LOADED"}


def test_the_dashboard_shows_what_was_published(demo: tuple[Installed, set[str], str]) -> None:
    installed, _, _ = demo
    refused = installed.start("mmm", "dashboard")
    assert "install the extra `dashboards`" in refused.communicate(timeout=60)[0]
    python = ["--python", str(installed.environment)]
    extra = f"hill-mixture-mmm[dashboards] @ file://{installed.wheel}"
    subprocess.run([str(UV), "pip", "install", "--quiet", *python, extra], check=True)
    before = installed.packages()
    share = next(installed.environment.glob("lib/*/site-packages/dagster_mmm/share"))
    installed.run("python", "-c", OPEN_A_PAGE, PYTHONPATH=str(share))
    assert installed.packages() == before


def _running(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        # It, and all that it has started.
        os.killpg(process.pid, 15)
        process.communicate(timeout=60)


def _locations(url: str) -> dict[str, str]:
    """The state of each code location of a UI, once all of them have been loaded."""
    query = "{workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"
    request = urllib.request.Request(
        url, json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    for _ in range(240):
        # It does not listen yet.
        with suppress(OSError), urllib.request.urlopen(request) as answer:
            entries = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
            found = {entry["name"]: entry["loadStatus"] for entry in entries}
            if found and "LOADING" not in found.values():
                return found
        time.sleep(0.5)
    raise AssertionError(f"nothing is served at {url}")
