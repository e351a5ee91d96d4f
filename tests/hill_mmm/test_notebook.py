"""The methods of `Fit` that a notebook calls."""

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, Panel, PanelError
from hill_mmm.checks import parameter_summary
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import estimates, model_fit, with_total


def rows_of(frame: pd.DataFrame, series: str) -> pd.DataFrame:
    return frame[frame["series_key"] == series].reset_index(drop=True)


@pytest.mark.parametrize("series", [None, ALL_SERIES, "region_03"])
def test_tables_are_of_the_series_asked_for(regional_mixture: Fit, series: str | None) -> None:
    tables, name = regional_mixture.estimates(0.8), series or ALL_SERIES
    for found, table in (
        (regional_mixture.summary(series, 0.8), tables.channel_summary),
        (regional_mixture.contributions(series, 0.8), tables.contribution),
        (regional_mixture.response_curves(series, 0.8), tables.response_curve),
        (regional_mixture.predict(series=series, ci_level=0.8), tables.model_fit),
    ):
        pd.testing.assert_frame_equal(found, rows_of(table, name))


@pytest.mark.parametrize("series", [None, "national"])
def test_one_series_need_not_be_named(national_mixture: Fit, series: str | None) -> None:
    tables = estimates(national_mixture)
    pd.testing.assert_frame_equal(national_mixture.summary(series), tables.channel_summary)
    pd.testing.assert_frame_equal(national_mixture.predict(series=series), tables.model_fit)


def test_a_series_that_is_not_there_is_named(national_mixture: Fit, regional_mixture: Fit) -> None:
    with pytest.raises(ValueError, match=r"no series 'region_09'; there are \('region_01'"):
        regional_mixture.summary("region_09")
    # One series has no sum.
    with pytest.raises(ValueError, match=r"no series 'all'; there are \('national',\)"):
        national_mixture.predict(series=ALL_SERIES)


def test_diagnostics_are_the_parameter_summary(national_mixture: Fit) -> None:
    pd.testing.assert_frame_equal(
        national_mixture.diagnostics(), parameter_summary(national_mixture)
    )


def weeks_to_come(panel: Panel, known: int, weeks: int) -> pd.DataFrame:
    """The rows of `weeks` weeks after the first `known` ones, without their outcome."""
    coming = slice(known, known + weeks)
    frames = [
        pd.DataFrame(
            {
                "region": name,
                **dict(zip(panel.media_names, panel.media[coming, series].T, strict=True)),
                **dict(zip(panel.control_names, panel.controls[coming, series].T, strict=True)),
            },
            index=pd.DatetimeIndex(panel.weeks[coming]),
        )
        for series, name in enumerate(panel.series)
    ]
    return pd.concat(frames)


def holdout_rows(fit: Fit, panel: Panel) -> pd.DataFrame:
    return pd.concat([model_fit(part, 0.9) for part in with_total(fit, panel)])


def test_a_forecast_continues_the_panel(regional_mixture: Fit, regions: Panel) -> None:
    future = weeks_to_come(regions, 91, 5)
    forecast = regional_mixture.predict(future, series_column="region", series="region_04")
    np.testing.assert_array_equal(forecast["week_start"], regions.weeks[91:96])
    assert (forecast["evaluation_set"] == "holdout").all()
    assert forecast["actual"].isna().all()
    # The same weeks as a holdout, whose outcome is known.
    known = holdout_rows(regional_mixture, regions.head(96))
    held_out = rows_of(known, "region_04").tail(5)
    np.testing.assert_allclose(forecast["expected_mean"], held_out["expected_mean"], rtol=1e-12)
    np.testing.assert_allclose(forecast["predicted_ci_hi"], held_out["predicted_ci_hi"], rtol=1e-12)
    together = regional_mixture.predict(future, series_column="region")
    sums = known.query("evaluation_set == 'holdout' and series_key != 'all'")
    np.testing.assert_allclose(
        together["expected_mean"], sums.groupby("week_start")["expected_mean"].sum(), rtol=1e-9
    )


def test_a_forecast_without_a_column_of_series_is_of_the_only_one(
    national_mixture: Fit, market: Panel
) -> None:
    future = weeks_to_come(market, 91, 2).drop(columns="region")
    forecast = national_mixture.predict(future)
    np.testing.assert_array_equal(forecast["week_start"], market.weeks[91:93])
    assert (forecast["predicted_ci_lo"] < forecast["expected_mean"]).all()


def test_weeks_that_do_not_follow_are_refused(national_mixture: Fit, market: Panel) -> None:
    later = weeks_to_come(market, 92, 2).drop(columns="region")
    with pytest.raises(PanelError, match="must follow 2022-09-26 without a gap"):
        national_mixture.predict(later)
