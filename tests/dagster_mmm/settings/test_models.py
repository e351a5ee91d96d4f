"""One settings file for many models: what they share, what differs, and whose mistake it is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_mmm.settings import Models, SettingsError, dbt_vars, load_models, load_settings

SHARED: dict[str, Any] = {
    "currency": "EUR",
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}, {"name": "radio"}],
    "gate": {"min_ess": 200, "max_r_hat": 1.02},
}
BY_BRAND = {"input": {"model_column": "brand"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mmm.yaml"


def write(file: Path, **sections: Any) -> Path:
    file.write_text(yaml.safe_dump(SHARED | sections))
    return file


def models_of(file: Path, **sections: Any) -> Models:
    return load_models(write(file, **sections))


def test_a_model_has_what_all_share_and_what_differs(file: Path) -> None:
    acme = {"currency": "USD", "gate": {"min_ess": 400}, "channels": [{"name": "tv"}]}
    models = models_of(file, **BY_BRAND, models={"acme": acme, "globex": None})
    assert models.declared == ("acme", "globex")
    settings = models.of("acme")
    assert (settings.model_key, settings.currency) == ("acme", "USD")
    # Mappings are merged, lists are replaced.
    assert (settings.gate.min_ess, settings.gate.max_r_hat) == (400, 1.02)
    assert [channel.name for channel in settings.channels] == ["tv"]
    assert models.of("globex").gate.min_ess == 200


def test_with_a_column_every_text_that_can_be_a_key_is_a_model(file: Path) -> None:
    models = models_of(file, **BY_BRAND)
    assert models.declared == ()
    assert models.of("Acme|DE-2.0_x").model_key == "Acme|DE-2.0_x"
    for text in ("", "a b", "../etc", ".hidden", "-x", "a...b", "é"):
        with pytest.raises(SettingsError, match=r"mmm\.yaml: models: found the model .*; allowed:"):
            models.of(text)


def test_models_of_tables_of_their_own_are_those_that_are_named(file: Path) -> None:
    tables = {key: {"input": {"table": f"raw.{key}"}} for key in ("acme", "globex")}
    models = models_of(file, models=tables)
    assert models.of("acme").input.table == "raw.acme"
    assert models.of_undeclared() is None
    with pytest.raises(SettingsError, match=r"no model 'acm' \(did you mean 'acme'\?\); its mod"):
        models.of("acm")


def test_a_file_of_one_model_is_its_own(file: Path) -> None:
    models = models_of(file, model_key="demo")
    assert models.declared == ("demo",)
    assert load_settings(file) == models.of("demo")
    with pytest.raises(SettingsError, match="no model 'other'; its models: demo"):
        models.of("other")


def test_a_file_of_several_is_asked_for_one_of_them(file: Path) -> None:
    write(file, **BY_BRAND)
    assert load_settings(file, "acme").model_key == "acme"
    with pytest.raises(SettingsError, match="it is of several models, and none was named"):
        load_settings(file)


@pytest.mark.parametrize(
    ("different", "line"),
    [
        ({"channels": [{"name": "TV"}]}, "models.acme.channels[0].name: found 'TV'; allowed: smal"),
        ({"gate": {"min_ess": 0}}, "models.acme.gate.min_ess: found 0; allowed: greater than 0"),
        ({"modl": {}}, "models.acme.modl: unknown key (did you mean 'model'?)"),
        ({"channels": [{"name": "week"}]}, "models.acme: found 'week' at input.date_column"),
    ],
)
def test_a_mistake_of_one_model_is_named_by_its_key_and_holds_back_no_other(
    file: Path, different: dict[str, Any], line: str
) -> None:
    models = models_of(file, **BY_BRAND, models={"acme": different, "globex": {}})
    every = models.all(("initech",))
    assert every.usable.keys() == {"globex", "initech"}
    (mistake,) = every.mistakes.values()
    assert str(mistake).startswith(f"{file}: {line}")


def test_a_mistake_of_all_is_named_where_it_stands(file: Path) -> None:
    models = models_of(file, models={"acme": {"gate": {"min_ess": 300}}}, currency="euro")
    with pytest.raises(SettingsError) as raised:
        models.of("acme")
    assert str(raised.value).startswith(f"{file}: currency: found 'euro'")


@pytest.mark.parametrize(
    ("sections", "lines"),
    [
        ({}, ["model_key: found nothing; it is required"]),
        (
            {"model_key": "demo", "models": {"acme": {}}},
            ["model_key: found 'demo' beside several models; allowed: model_key of one model"],
        ),
        ({"models": ["acme"]}, ["models: found ['acme']; allowed: models' keys with what"]),
        ({"models": {"acme": 3}}, ["models.acme: found 3; allowed: what differs in it"]),
        (
            {"models": {"a b": {}, 7: {}}},
            ["models: found the model 'a b'; allowed: letters", "models: found the model 7; all"],
        ),
        (
            {"models": {"acme": {"schedule": {}, "input": {"grain": "daily"}}}},
            [
                "models.acme.schedule: found it of one model; allowed: of the file",
                "models.acme.input.grain: found it of one model; allowed: of the file",
            ],
        ),
    ],
    ids=["none", "one and many", "list", "number", "keys", "of the file"],
)
def test_a_file_that_does_not_say_whose_it_is_is_refused(
    file: Path, sections: dict[str, Any], lines: list[str]
) -> None:
    with pytest.raises(SettingsError) as raised:
        models_of(file, **sections)
    found = str(raised.value).splitlines()
    assert len(found) == len(lines)
    for said, expected in zip(found, lines, strict=True):
        assert said.startswith(f"{file}: {expected}")


def test_models_that_are_read_alike_share_an_input(file: Path) -> None:
    radio = {"channels": [{"name": "radio"}]}
    differences = {"acme": {"gate": {"min_ess": 9}}, "globex": radio, "hooli": radio}
    models = models_of(file, **BY_BRAND, models=differences)
    variables = dbt_vars(models.all().usable.values(), models.of_undeclared())
    most, others = variables["mmm_inputs"]
    assert (most["only"], most["all_but"]) == (None, ["globex", "hooli"])
    assert [v["name"] for v in most["variables"]] == ["revenue", "tv", "radio"]
    assert (others["only"], others["all_but"]) == (["globex", "hooli"], None)
    assert [v["name"] for v in others["variables"]] == ["revenue", "radio"]


def test_the_schedule_is_the_files(file: Path) -> None:
    models = models_of(file, **BY_BRAND, schedule={"cron": "0 7 * * 2"}, triggers={"dbt": True})
    assert (models.schedule.cron, models.triggers.dbt) == ("0 7 * * 2", True)
    assert models.of("acme").schedule == models.schedule
    models = models_of(file, **BY_BRAND, schedule={"cron": "weekly"})
    with pytest.raises(SettingsError, match=r"schedule\.cron: found 'weekly'; allowed: five"):
        _ = models.schedule
