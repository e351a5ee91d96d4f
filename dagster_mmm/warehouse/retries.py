"""The one place that asks Dagster to run a step again: where the warehouse is busy or away."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import sqlalchemy as sa

from dagster_mmm.warehouse.errors import WarehouseBusyError, WarehouseUnreachableError
from dagster_mmm.warehouse.resource import WarehouseResource

if TYPE_CHECKING:
    import pandas as pd

MAX_RETRIES = 3


class RetriedWarehouse(WarehouseResource):
    """The warehouse as the job's steps have it: busy or away now, it may be there in a minute.

    Every other error, and an unconverged fit most of all, is the same a minute later.

    Attributes:
        retry_seconds: how long to wait before the step runs again.
    """

    retry_seconds: int = 60

    @contextmanager
    def locked(self) -> Generator[None]:
        """As of any warehouse, but that the step is run again where it is busy or away."""
        with self._retried(), super().locked():
            yield

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """As of any warehouse, but that the step is run again where it is busy or away."""
        with self._retried(), super().begin() as connection:
            yield connection

    def read(self, query: sa.Select | sa.TextClause) -> "pd.DataFrame":
        """As of any warehouse, but that the step is run again where it is busy or away."""
        with self._retried():
            return super().read(query)

    @contextmanager
    def _retried(self) -> Generator[None]:
        try:
            yield
        except (WarehouseBusyError, WarehouseUnreachableError) as error:
            raise dg.RetryRequested(
                max_retries=MAX_RETRIES, seconds_to_wait=self.retry_seconds
            ) from error
