"""What pyproject.toml cannot say: a wheel carries the folders that stand beside the packages.

They become `dagster_mmm/share`, where `dagster_mmm.environment` looks for them outside a clone.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CARRIED = ("sql", "dashboards", "examples", "deploy", "workspace.yaml")
# What tools have written, what is for editing SQL, and a deployment's own files.
LEFT_OUT = shutil.ignore_patterns(
    "target", "logs", "dbt_packages", "__pycache__", "lint", ".user.yml", ".gitignore", "*.env"
)


class CarryFolders(build_py):
    """Copies them into the wheel; an editable install finds them where they are."""

    def run(self) -> None:
        """Build as always, and copy."""
        super().run()
        if self.editable_mode:
            return
        share = Path(self.build_lib) / "dagster_mmm" / "share"
        # What an earlier build has left is not carried on.
        shutil.rmtree(share, ignore_errors=True)
        for name in CARRIED:
            if Path(name).is_dir():
                shutil.copytree(name, share / name, ignore=LEFT_OUT)
            else:
                shutil.copy(name, share / name)


setup(cmdclass={"build_py": CarryFolders})
