from dataclasses import fields
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hill_mmm import Fit
from hill_mmm._posterior import DRAW_BATCH, flatten, over_draws
from hill_mmm.checks import parameter_summary
from hill_mmm.results import estimates


def through_a_file(fit: Fit, path: Path) -> Fit:
    fit.to_dataset().to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return Fit.from_dataset(dataset.load())


@pytest.mark.parametrize("name", ["fitted", "regional_fit"])
def test_a_stored_fit_gives_the_same_estimates_to_the_bit(
    request: pytest.FixtureRequest, name: str, tmp_path: Path
) -> None:
    fit: Fit = request.getfixturevalue(name)
    stored = through_a_file(fit, tmp_path / "fit.nc")
    before, after = estimates(fit), estimates(stored)
    for field in fields(before):
        pd.testing.assert_frame_equal(
            getattr(before, field.name), getattr(after, field.name), check_exact=True
        )
    pd.testing.assert_frame_equal(
        parameter_summary(fit), parameter_summary(stored), check_exact=True
    )


def test_a_fit_of_another_schema_is_refused(national_mixture: Fit) -> None:
    dataset = national_mixture.to_dataset().assign_attrs(schema_version=1)
    with pytest.raises(ValueError, match="has schema version 1, this code reads 5: fit anew"):
        Fit.from_dataset(dataset)


def test_chains_are_joined_and_split_again(national_mixture: Fit) -> None:
    amplitude = national_mixture.draws["amplitude"]
    joined = flatten(amplitude)
    assert national_mixture.n_draws == len(joined) == 50
    np.testing.assert_array_equal(joined[25], amplitude[1, 0])
    np.testing.assert_array_equal(national_mixture.by_chain(joined), amplitude)


def test_curves_are_the_sites_of_all_chains(regional_mixture: Fit) -> None:
    curves = regional_mixture.curves
    assert curves.log_multiplier is None
    for name in curves._fields[:-1]:
        values = getattr(curves, name)
        np.testing.assert_array_equal(values, flatten(regional_mixture.draws[name]))


@pytest.mark.parametrize("draws", [1, DRAW_BATCH, 2 * DRAW_BATCH + 1])
def test_no_draw_is_lost_between_batches(draws: int) -> None:
    values = np.arange(3.0 * draws).reshape(draws, 3)
    summed = over_draws(lambda draw: {"sum": draw["x"].sum()}, {"x": jnp.asarray(values)})
    np.testing.assert_array_equal(summed["sum"], values.sum(axis=1))
