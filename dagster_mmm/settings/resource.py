"""The settings as a Dagster resource."""

import json
from pathlib import Path
from typing import Self

import dagster as dg

from dagster_mmm.settings import Models, Settings, load_models, read_models


class SettingsResource(dg.ConfigurableResource):
    """The settings: of a file, which every run reads anew, or those that stand in the code.

    Attributes:
        path: the YAML file; of settings in the code, where they stand.
        document: settings in the code, as JSON.
    """

    path: str
    document: str | None = None

    @classmethod
    def of(cls, path: Path, document: object = None) -> Self:
        """The settings of a file or, if there are some, those that stand in it as plain values."""
        text = None if document is None else json.dumps(document, default=str)
        return cls(path=str(path), document=text)

    def models(self) -> Models:
        """The models that they describe; raises `SettingsError` if they cannot be read."""
        if self.document is None:
            return load_models(Path(self.path))
        return read_models(Path(self.path), json.loads(self.document))

    def load(self, model_key: str) -> Settings:
        """One model's settings; raises `SettingsError` with every mistake listed."""
        return self.models().of(model_key)
