import io

import matplotlib.dates
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hill_mmm import Fit
from hill_mmm.checks import parameter_summary
from hill_mmm.panel import ALL_SERIES
from hill_mmm.plots import (
    plot_contributions,
    plot_convergence,
    plot_fit,
    plot_response_curves,
    plot_roi,
)
from hill_mmm.results import Estimates, estimates


@pytest.fixture(scope="module")
def tables(regional_mixture: Fit) -> Estimates:
    return estimates(regional_mixture)


def of_all(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["series_key"] == ALL_SERIES]


def drawn(figure: Figure) -> list[Axes]:
    """The frames of a picture that can be drawn."""
    figure.savefig(io.BytesIO(), format="png")
    return figure.axes


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def test_fit_is_the_actual_over_its_interval(tables: Estimates) -> None:
    frame = of_all(tables.model_fit)
    (axes,) = drawn(plot_fit(frame, "EUR"))
    assert axes.get_ylabel() == "outcome a week (EUR)"
    assert legend(axes) == ["predictive interval", "expected", "actual"]
    expected, actual = axes.lines
    np.testing.assert_array_equal(expected.get_ydata(), frame["expected_mean"])
    np.testing.assert_array_equal(actual.get_ydata(), frame["actual"])
    weeks = matplotlib.dates.date2num(frame["week_start"])
    np.testing.assert_array_equal(matplotlib.dates.date2num(actual.get_xdata()), weeks)
    (band,) = axes.collections
    lowest, highest = band.get_datalim(axes.transData).intervaly
    assert lowest == frame["predicted_ci_lo"].min()
    assert highest == frame["predicted_ci_hi"].max()


def test_weeks_to_come_have_no_actual(tables: Estimates) -> None:
    frame = of_all(tables.model_fit).assign(actual=np.nan)
    (axes,) = drawn(plot_fit(frame))
    assert axes.get_ylabel() == "outcome a week"
    assert np.isnan(axes.lines[1].get_ydata()).all()


def test_contributions_are_stacked_media(tables: Estimates) -> None:
    frame = of_all(tables.contribution)
    (axes,) = drawn(plot_contributions(frame, "EUR"))
    assert axes.get_ylabel() == "contribution a week (EUR)"
    media = ["display", "newsletter", "radio", "search", "social", "tv"]
    assert legend(axes) == media
    top = axes.collections[-1].get_datalim(axes.transData).intervaly[1]
    stacked = frame[frame["component"].isin(media)].groupby("week_start")["contribution_mean"]
    assert top == pytest.approx(stacked.sum().max())


def test_roi_is_of_what_was_bought(tables: Estimates) -> None:
    frame = of_all(tables.channel_summary).query("period == 'all'")
    (axes,) = drawn(plot_roi(frame))
    paid = frame[frame["is_paid"]]
    # The first channel on top; newsletters cost nothing.
    assert [label.get_text() for label in axes.get_yticklabels()] == list(paid["channel"][::-1])
    points = axes.lines[0]
    np.testing.assert_array_equal(points.get_xdata(), paid["roi_mean"][::-1])
    (bars,) = axes.collections
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, paid[["roi_ci_lo", "roi_ci_hi"]][::-1])
    assert axes.lines[-1].get_xdata() == [1.0, 1.0]


def test_response_curves_are_dashed_where_they_have_met_no_data(tables: Estimates) -> None:
    frame = of_all(tables.response_curve)
    figure = plot_response_curves(frame, "EUR")
    frames = drawn(figure)
    assert [axes.get_title() for axes in frames] == ["tv", "search", "social", "display", "radio"]
    assert figure.get_supxlabel() == "thousands of weekly spend (dotted: mean) (EUR)"
    for axes in frames:
        curve = frame.query("basis == 'steady_state' and channel == @axes.get_title()")
        solid, dashed, mean = axes.lines
        assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
        beyond = curve["is_extrapolated"].to_numpy()
        in_thousands = curve["contribution_mean"].to_numpy() / 1e3
        np.testing.assert_array_equal(solid.get_ydata(), np.where(beyond, np.nan, in_thousands))
        np.testing.assert_array_equal(dashed.get_ydata(), np.where(beyond, in_thousands, np.nan))
        at_mean = curve.loc[curve["spend_multiplier"] == 1.0, "weekly_spend"].item() / 1e3
        assert mean.get_xdata() == [at_mean, at_mean]


@pytest.mark.parametrize(("channels", "rows"), [(1, 1), (5, 1), (6, 2), (11, 3)])
def test_every_channel_has_its_frame(tables: Estimates, channels: int, rows: int) -> None:
    tv = of_all(tables.response_curve).query("channel == 'tv'")
    many = pd.concat([tv.assign(channel=f"channel {number}") for number in range(channels)])
    figure = plot_response_curves(many)
    assert [axes.get_title() for axes in drawn(figure)] == list(many["channel"].unique())
    assert figure.get_size_inches()[1] == pytest.approx(1.9 * rows + 0.4)


@pytest.mark.parametrize("series", [None, "region_02"])
def test_a_fits_pictures_are_of_the_series_asked_for(
    regional_mixture: Fit, tables: Estimates, series: str | None
) -> None:
    name = series or ALL_SERIES
    (axes,) = drawn(regional_mixture.plot_fit(series))
    weeks = tables.model_fit[tables.model_fit["series_key"] == name]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), weeks["actual"])
    (axes,) = drawn(regional_mixture.plot_roi(series))
    summary = tables.channel_summary[tables.channel_summary["series_key"] == name]
    overall = summary[summary["period"] == "all"].dropna(subset="roi_mean")
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), overall["roi_mean"][::-1])
    (axes,) = drawn(regional_mixture.plot_contributions(series))
    assert "newsletter" in legend(axes)
    # The second region has no radio.
    assert len(drawn(regional_mixture.plot_response_curves(series))) == (5 if series is None else 4)


def test_convergence_shows_every_published_quantity_and_names_the_worst(
    regional_mixture: Fit,
) -> None:
    summary = parameter_summary(regional_mixture)
    judged = summary[summary["is_judged"]]
    r_hat, ess = drawn(plot_convergence(summary, 1.01, 400.0))
    points, limit = r_hat.lines
    np.testing.assert_array_equal(points.get_ydata(), np.sort(judged["r_hat"]))
    by_chance = judged.sort_values("r_hat")["r_hat_by_chance"]
    np.testing.assert_array_equal(limit.get_ydata(), np.maximum(by_chance, 1.01))
    over = judged["r_hat"] - np.maximum(judged["r_hat_by_chance"], 1.01)
    worst = judged.iloc[int(over.to_numpy().argmax())]
    assert f"worst: {worst['parameter']}" in r_hat.get_title()
    least = judged[["ess_bulk", "ess_tail"]].min(axis=1)
    np.testing.assert_array_equal(ess.lines[0].get_ydata(), np.sort(least))
    assert set(ess.lines[1].get_ydata()) == {400.0}
