"""dbt as the job calls it."""

import subprocess

from dagster_mmm.defs.transforms import DBT


def test_dbt_is_called_without_asking_it_first_and_without_an_adapter_of_ours() -> None:
    invocation = DBT.cli(["--version"])
    assert invocation.wait().is_successful()
    assert invocation.adapter is None
    asked = subprocess.check_output([DBT.dbt_executable, "--version"], text=True)
    assert f"installed: {invocation.cli_version}" in asked
