"""The warehouse as Dagster's steps have it: busy or away now, it may be there in a minute."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.engine import LOCK_SECONDS
from dagster_mmm.warehouse.errors import WarehouseBusyError, WarehouseUnreachableError

MAX_RETRIES = 3
RETRY_SECONDS = 60


@dataclass(frozen=True)
class RetriedWarehouse(Warehouse):
    """A warehouse that asks Dagster to run the step again if it is busy or unreachable.

    Every other error, and an unconverged fit most of all, is the same a minute later.

    Attributes:
        retry_seconds: how long to wait before the step runs again.
    """

    retry_seconds: int = RETRY_SECONDS

    @contextmanager
    def locked(self) -> Generator[None]:
        """Like `Warehouse.locked`, but asks for a retry."""
        with self._retried(), super().locked():
            yield

    @contextmanager
    def connected(self) -> Generator[sa.Connection]:
        """Like `Warehouse.connected`, but asks for a retry; so does whatever connects by it."""
        with self._retried(), super().connected() as connection:
            yield connection

    @contextmanager
    def _retried(self) -> Generator[None]:
        try:
            yield
        except (WarehouseBusyError, WarehouseUnreachableError) as error:
            raise dg.RetryRequested(
                max_retries=MAX_RETRIES, seconds_to_wait=self.retry_seconds
            ) from error


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """Gives assets, checks and sensors the `Warehouse`.

    Attributes:
        url: see `Warehouse`; one with a password as `dg.EnvVar`, which Dagster never shows.
        lock_seconds: see `Warehouse`.
        retry_seconds: see `RetriedWarehouse`.
    """

    url: str = Field(repr=False)
    lock_seconds: int = LOCK_SECONDS
    retry_seconds: int = RETRY_SECONDS

    def create_resource(self, context: dg.InitResourceContext) -> Warehouse:
        """The warehouse of a step or tick."""
        return RetriedWarehouse(self.url, self.lock_seconds, self.retry_seconds)
