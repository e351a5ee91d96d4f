"""Clients of BigQuery: who asks, and where."""

import os
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# The file of a service account's key; without one, Google's own default credentials are taken.
KEY_FILE = "MMM_BIGQUERY_KEY_PATH"


def make_client(url: sa.URL, application: str) -> "Client":
    """A client for the project and the location of a URL.

    Raises:
        google.auth.exceptions.GoogleAuthError: if there are no credentials.
    """
    from google.api_core.client_info import ClientInfo
    from google.cloud import bigquery
    from google.oauth2 import service_account

    key_file = os.environ.get(KEY_FILE)
    credentials = (
        service_account.Credentials.from_service_account_file(key_file) if key_file else None
    )
    return bigquery.Client(
        project=url.host,
        credentials=credentials,
        location=cast(str | None, url.query.get("location")),
        client_info=ClientInfo(user_agent=application),
    )


def client_of(connection: sa.Connection) -> "Client":
    """The client of a connection, where the dialect itself looks for it."""
    return getattr(connection.connection.driver_connection, "_client")  # noqa: B009


def make_dataset(connection: sa.Connection, name: str) -> None:
    """Make a dataset in the location of the URL, unless it is there."""
    from google.api_core.exceptions import NotFound

    client = client_of(connection)
    try:
        # Who may not make one may well use it.
        client.get_dataset(name)
    except NotFound:
        client.create_dataset(name, exists_ok=True)
