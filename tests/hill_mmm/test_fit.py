from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hill_mmm import (
    Fit,
    LogNormalPrior,
    ModelSpec,
    Panel,
    channel_summary,
    contribution,
    decompose,
    fit,
    model_fit,
    response_curve,
    simulate_seed_benchmark,
)
from hill_mmm._fit import SITE_DIMS


def through_a_file(fit: Fit, path: Path) -> Fit:
    fit.to_dataset().to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return Fit.from_dataset(dataset.load())


def test_fit_has_every_site_in_its_shape(fitted: Fit) -> None:
    sizes = {"channel": 6, "component": 1, "week": 91, "column": 6}
    for site, dims in SITE_DIMS.items():
        assert fitted.draws[site].shape == (2, 200, *(sizes[dim] for dim in dims))
        assert np.isfinite(fitted.draws[site]).all()
    assert fitted.stats.diverging.shape == (2, 200)


def test_fit_accounts_for_what_it_cost(fitted: Fit) -> None:
    assert fitted.cpu_seconds > 0
    assert fitted.wall_seconds > 0
    assert fitted.peak_rss_mb > 50


def test_a_stored_fit_gives_the_same_estimands_to_the_bit(
    fitted: Fit, market: Panel, tmp_path: Path
) -> None:
    stored = through_a_file(fitted, tmp_path / "fit.nc")

    def frames(fit: Fit) -> list[pd.DataFrame]:
        decomposition = decompose(fit, market)
        return [
            channel_summary(fit, decomposition, 0.9),
            contribution(decomposition, 0.9),
            model_fit(fit, decomposition, 0.9),
            response_curve(fit, 0.9),
        ]

    for before, after in zip(frames(fitted), frames(stored), strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert (stored.spec, stored.sampler, stored.scales) == (
        fitted.spec,
        fitted.sampler,
        fitted.scales,
    )
    for name, values in fitted.stats._asdict().items():
        np.testing.assert_array_equal(getattr(stored.stats, name), values)
    assert stored.stats.diverging.dtype == bool


def test_a_mixture_without_controls_is_stored_too(
    invent_fit: Callable[..., Fit], tmp_path: Path
) -> None:
    panel, _ = simulate_seed_benchmark("mixture_k3", 0, weeks=60)
    spec = ModelSpec(components=3, fourier_order=0, roi_priors={"media": LogNormalPrior(2.0, 0.3)})
    invented = invent_fit(panel, spec)
    stored = through_a_file(invented, tmp_path / "fit.nc")
    assert stored.spec == spec
    assert stored.panel.control_names == ()
    assert stored.panel.series == panel.series
    np.testing.assert_array_equal(stored.panel.weeks, panel.weeks)
    for site, values in invented.draws.items():
        np.testing.assert_array_equal(stored.draws[site], values)


def test_channel_without_spend_is_named(market: Panel) -> None:
    silent = replace(market, spend=market.spend * np.array([1.0, 0, 1, 1, 0, 1]))
    with pytest.raises(ValueError, match=r"without any spend .*'search', 'radio'"):
        fit(silent)


def test_panel_without_channels_is_refused(market: Panel) -> None:
    bare = replace(market, spend=market.spend[:, :0], channels=())
    with pytest.raises(ValueError, match="no channels"):
        fit(bare)
