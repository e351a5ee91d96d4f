"""The settings file as a Dagster resource."""

from pathlib import Path

import dagster as dg

from dagster_mmm.settings import Settings, load_settings


class SettingsResource(dg.ConfigurableResource):
    """The settings file, read anew by every run.

    Attributes:
        path: the YAML file.
    """

    path: str

    def load(self) -> Settings:
        """The settings; raises `SettingsError` with every mistake listed."""
        return load_settings(Path(self.path))
