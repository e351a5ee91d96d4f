"""What drivers are told beside the URL."""

import os
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector

from dagster_mmm.warehouse.bigquery_client import client_of
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.dbt_environment import tell_dbt
from dagster_mmm.warehouse.engine import make_engine
from dagster_mmm.warehouse.url import parse_url
from tests.bigquery_server import write_key
from tests.conftest import DBT_VARIABLES

URL = "snowflake://MMM_RESULTS@org-account/SHOP?warehouse=WH&role=ANALYST"


class ConnectedError(Exception):
    """What the driver was told."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Snowflake's driver is told when it connects."""
    arguments: dict[str, Any] = {}

    def connect(**given: Any) -> None:
        arguments.update(given)
        raise ConnectedError

    monkeypatch.setattr(snowflake.connector, "connect", connect)
    for variable in DBT_VARIABLES:
        monkeypatch.setenv(variable, "")
    return arguments


def connect(url: str) -> None:
    with pytest.raises(ConnectedError):
        make_engine(parse_url(url), "mmm_pr_7", lock_seconds=7).connect()


def test_snowflake_is_told_of_the_account_the_role_and_the_lock(told: dict[str, Any]) -> None:
    connect(URL.replace("@", ":a%40b@"))
    assert (told["user"], told["password"], told["database"]) == ("MMM_RESULTS", "a@b", "SHOP")
    assert (told["account"], told["warehouse"], told["role"]) == ("org-account", "WH", "ANALYST")
    assert told["session_parameters"]["LOCK_TIMEOUT"] == 7
    assert told["schema"] == "mmm_pr_7"
    assert "private_key_file" not in told


def test_a_key_pair_takes_the_place_of_a_password_for_the_job_and_for_dbt(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_SNOWFLAKE_PRIVATE_KEY_PATH", "/keys/mmm.p8")
    monkeypatch.setenv("DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSPHRASE", "of the key")
    connect(URL)
    assert told["authenticator"] == "SNOWFLAKE_JWT"
    assert told["private_key_file"] == "/keys/mmm.p8"
    assert told["private_key_file_pwd"] == "of the key"
    assert not told.get("password")
    tell_dbt(Warehouse(url=URL, schema="mmm_pr_7"))
    environment = {name: os.environ[name] for name in DBT_VARIABLES}
    assert environment["MMM_DBT_TARGET"] == "snowflake"
    assert environment["MMM_DBT_SCHEMA"] == "mmm_pr_7"
    assert environment["MMM_SNOWFLAKE_AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    assert environment["MMM_SNOWFLAKE_ACCOUNT"] == "org-account"
    assert environment["MMM_SNOWFLAKE_PORT"] == ""
    assert environment["DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSWORD"] == ""


def test_single_sign_on_is_asked_for_in_the_url(told: dict[str, Any]) -> None:
    connect(URL + "&authenticator=externalbrowser")
    assert told["authenticator"] == "externalbrowser"


def test_a_service_accounts_key_signs_the_job_and_dbt_in_at_bigquery(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    write_key(key, "https://127.0.0.1/token")
    monkeypatch.setenv("MMM_BIGQUERY_KEY_PATH", str(key))
    for variable in DBT_VARIABLES:
        monkeypatch.setenv(variable, "")
    warehouse = Warehouse("bigquery://shop?location=EU", schema="mmm_pr_7")
    client = client_of(make_engine(parse_url(warehouse.url), warehouse.schema).connect())
    assert (client.project, client.location) == ("shop", "EU")
    assert client._credentials.service_account_email == "mmm@shop.iam.gserviceaccount.com"
    tell_dbt(warehouse)
    told = {name: os.environ[name] for name in DBT_VARIABLES if "BIGQUERY" in name}
    assert told == {
        "MMM_BIGQUERY_PROJECT": "shop",
        "MMM_BIGQUERY_LOCATION": "EU",
        "MMM_BIGQUERY_METHOD": "service-account",
    }
    assert os.environ["MMM_DBT_TARGET"] == "bigquery"
    assert os.environ["MMM_DBT_SCHEMA"] == "mmm_pr_7"
