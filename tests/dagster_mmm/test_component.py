"""The component, as a `defs.yaml` of others has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox

import dagster_mmm
from dagster_mmm.component import MmmComponent
from dagster_mmm.environment import DEMO_SETTINGS
from dagster_mmm.settings.resource import SettingsResource
from tests.conftest import Project

SETTINGS: dict[str, Any] = yaml.safe_load(DEMO_SETTINGS.read_text())

# Dagster's own, when it loads components.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is currently in beta"),
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
]


@pytest.fixture
def sandbox(project: Project) -> Iterator[DefsFolderSandbox]:
    with create_defs_folder_sandbox() as made:
        yield made


@contextmanager
def loaded(sandbox: DefsFolderSandbox, **attributes: Any) -> Any:
    """The definitions of a `defs.yaml` with these attributes."""
    attributes = {"settings": SETTINGS, **attributes}
    contents = {"type": "dagster_mmm.MmmComponent", "attributes": attributes}
    path = sandbox.scaffold_component(MmmComponent, defs_yaml_contents=contents)
    with sandbox.load_component_and_build_defs(path) as (_, definitions):
        yield definitions


def why_not(sandbox: DefsFolderSandbox, **attributes: Any) -> str:
    """What is said of attributes that cannot be used, with all causes."""
    with pytest.raises(Exception) as caught, loaded(sandbox, **attributes):
        pass
    error: BaseException | None = caught.value
    said: list[str] = []
    while error is not None:
        said.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def test_it_is_what_the_package_names() -> None:
    assert dagster_mmm.MmmComponent is MmmComponent
    assert set(dir(dagster_mmm)) >= {"MmmComponent", "build_definitions"}


def test_attributes_are_settings_and_names(sandbox: DefsFolderSandbox) -> None:
    with loaded(
        sandbox,
        key_prefix="marketing/eu",
        group_name="marketing",
        deps=["marts/weekly"],
        results_schema="mmm_{{ env('NO_SUCH_VARIABLE', 'prod') }}",
        translation={"owners": ["team:science"], "tags": {"name": "{{ spec.key.path[-1] }}"}},
    ) as definitions:
        graph = definitions.resolve_asset_graph()
        fit = graph.get(dg.AssetKey(["marketing", "eu", "fit"]))
        assert (fit.group_name, fit.owners, fit.tags["name"]) == (
            "marketing",
            ["team:science"],
            "fit",
        )
        raw = graph.get(dg.AssetKey(["marketing", "eu", "raw", "weekly_media"]))
        assert raw.parent_keys == {dg.AssetKey(["marts", "weekly"])}
        warehouse = definitions.resources["marketing_eu_warehouse"]
        assert warehouse.schema == "mmm_prod"
        settings = definitions.resources["marketing_eu_settings"]
        assert settings.load("demo").currency == "EUR"
        schedule = definitions.resolve_schedule_def("marketing_eu_weekly_input")
        assert schedule.cron_schedule == settings.models().schedule.cron


def test_what_is_scaffolded_loads_as_it_is(sandbox: DefsFolderSandbox) -> None:
    path = sandbox.scaffold_component(MmmComponent)
    assert (path / "settings.yaml").read_text() == DEMO_SETTINGS.read_text()
    with sandbox.load_component_and_build_defs(path) as (_, definitions):
        assert definitions.resources["mmm_settings"].path == str(path / "settings.yaml")
        dg.Definitions.validate_loadable(definitions)


def test_the_file_that_the_scaffold_is_told_of_is_used(
    sandbox: DefsFolderSandbox, project: Project
) -> None:
    file = project.folder / "settings.yaml"
    path = sandbox.scaffold_component(MmmComponent, scaffold_params={"settings": str(file)})
    assert not (path / "settings.yaml").exists()
    assert yaml.safe_load((path / "defs.yaml").read_text())["attributes"]["settings"] == str(file)


def test_mistakes_are_those_of_the_settings_all_at_once(sandbox: DefsFolderSandbox) -> None:
    wrong = SETTINGS | {"currency": "euro", "chanels": []}
    said = why_not(sandbox, settings=wrong)
    assert "defs.yaml: currency: found 'euro'; allowed: three capitals" in said
    assert "defs.yaml: chanels: unknown key (did you mean 'channels'?)" in said
    assert "Traceback" not in said
    of_one = {"models": {"acme": {"gate": {"min_ess": -1}}}}
    many = {key: value for key, value in SETTINGS.items() if key != "model_key"} | of_one
    assert "models.acme.gate.min_ess: found -1" in why_not(sandbox, settings=many)
    assert "nowhere.yaml: No such file" in why_not(sandbox, settings="nowhere.yaml")


def test_a_key_is_not_to_be_translated(sandbox: DefsFolderSandbox) -> None:
    said = why_not(sandbox, translation={"key": "{{ spec.key.path[-1] }}"})
    assert "set key_prefix for all of them" in said


class Gilded(MmmComponent):
    """A company's own."""

    def get_asset_spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        base = super().get_asset_spec(spec)
        is_published = base.key.path[-1] == "published"
        return base.merge_attributes(tags={"tier": "gold"}) if is_published else base


def test_a_subclass_says_of_an_asset_what_it_will(project: Project) -> None:
    ours = Gilded(settings=SettingsResource.of(DEMO_SETTINGS))
    graph = ours.build_defs(dg.ComponentTree.for_test().load_context).resolve_asset_graph()
    tiers = {key.path[-1] for key in graph.get_all_asset_keys() if "tier" in graph.get(key).tags}
    assert tiers == {"published"}


def test_a_password_in_the_url_is_shown_nowhere(
    sandbox: DefsFolderSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_URL", "postgresql+psycopg://me:s3cret@db/analytics")
    with loaded(sandbox, warehouse="{{ env.ANALYTICS_URL }}") as definitions:
        warehouse = definitions.resources["mmm_warehouse"]
        assert warehouse.url.endswith("s3cret@db/analytics")
        assert "s3cret" not in repr(warehouse) + repr(definitions)


def test_the_settings_stand_beside_the_component(sandbox: DefsFolderSandbox) -> None:
    file = {"input": {**SETTINGS["input"], "file": "weeks.csv"}}
    with loaded(sandbox, settings=SETTINGS | file) as definitions:
        settings = definitions.resources["mmm_settings"].load("demo")
    assert Path(str(settings.input.file)).parent.parent == sandbox.defs_folder_path
