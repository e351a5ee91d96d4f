"""The settings file as a Dagster resource."""

from pathlib import Path

import dagster as dg

from dagster_mmm.settings import Models, Settings, load_models


class SettingsResource(dg.ConfigurableResource):
    """The settings file, read anew by every run.

    Attributes:
        path: the YAML file.
    """

    path: str

    def models(self) -> Models:
        """The models that the file describes; raises `SettingsError` if it cannot be read."""
        return load_models(Path(self.path))

    def load(self, model_key: str) -> Settings:
        """One model's settings; raises `SettingsError` with every mistake listed."""
        return self.models().of(model_key)
