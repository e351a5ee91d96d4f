"""docs/operations.md names every variable that the job or a deployment reads, and no other."""

import re
from collections.abc import Iterable
from pathlib import Path

from dagster_mmm.environment import ROOT

VARIABLE = re.compile(r"\b(?:MMM|DAGSTER|CELERY|RAY|JAX|PG|DBT_ENV_SECRET)_?[A-Z][A-Z_]*[A-Z]\b")
REFERENCE = ROOT / "docs" / "operations.md"


def variables_of(files: Iterable[Path]) -> set[str]:
    return {name for file in files for name in VARIABLE.findall(file.read_text())}


def read_by_the_job() -> set[str]:
    return variables_of([*(ROOT / "dagster_mmm").rglob("*.py"), ROOT / "sql" / "profiles.yml"])


def read_by_a_deployment() -> set[str]:
    # Under make, local/ also holds what Dagster writes there.
    folders = (folder for folder in (ROOT / "deploy").iterdir() if folder.name != "local")
    files = [file for folder in folders for file in folder.glob("*.*") if file.is_file()]
    return variables_of([*files, ROOT / "deploy" / "container" / "Containerfile"])


def test_every_variable_is_in_the_reference_and_none_beside() -> None:
    assert variables_of([REFERENCE]) == read_by_the_job() | read_by_a_deployment()


def test_the_readmes_table_agrees_with_the_reference() -> None:
    assert variables_of([ROOT / "README.md"]) <= variables_of([REFERENCE]) | {"MMM_SHARED_DATA"}


def test_the_compose_files_secrets_are_those_of_the_deployment() -> None:
    example = (ROOT / "deploy" / "container" / "secrets.env.example").read_text()
    named = {line.partition("=")[0] for line in example.splitlines()}
    of_celery = variables_of((ROOT / "deploy" / "celery").glob("*.*"))
    assert named == of_celery | {"MMM_WAREHOUSE_URL", "POSTGRES_PASSWORD"}
