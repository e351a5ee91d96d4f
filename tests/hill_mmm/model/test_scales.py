import json
from dataclasses import fields, replace

import numpy as np
import pytest

from hill_mmm import ModelSpec, Panel, Scales, simulate_seed_benchmark
from hill_mmm._model.scales import reference_adstock


def assert_equal_to_the_bit(one: Scales, other: Scales) -> None:
    for field in fields(Scales):
        value, again = getattr(one, field.name), getattr(other, field.name)
        assert type(value) is type(again)
        np.testing.assert_array_equal(value, again, strict=True)


def of_series(panel: Panel, series: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and media of a series' own weeks."""
    observed = panel.observed[:, series]
    return panel.outcome[observed, series], panel.media[observed, series]


def test_scales_are_of_each_series_own_weeks(regions: Panel) -> None:
    scales = Scales.of(regions, ModelSpec())
    for series in range(len(regions.series)):
        outcome, media = of_series(regions, series)
        assert scales.outcome[series] == pytest.approx(outcome.mean(), rel=1e-14)
        assert scales.outcome_sd[series] == pytest.approx(outcome.std() / outcome.mean())
        on_air = [column[column > 0].mean() if column.any() else 1.0 for column in media.T]
        np.testing.assert_allclose(scales.spend[series], on_air, rtol=1e-14)
    assert scales.spend.shape == (4, 6)


def test_amplitude_location_is_three_tenths_of_the_range(regions: Panel) -> None:
    amplitude = np.exp(Scales.of(regions, ModelSpec()).amplitude_loc)
    for series in range(len(regions.series)):
        outcome, _ = of_series(regions, series)
        expected = 0.3 * np.ptp(outcome) / outcome.mean()
        assert amplitude[series] == pytest.approx(expected, rel=1e-12)


def test_half_saturation_is_located_at_the_median_adstocked_spend() -> None:
    panel, truth = simulate_seed_benchmark("single", 0)
    scales = Scales.of(panel, ModelSpec())
    located = np.exp(scales.log_half_saturation[0]) * scales.spend[0, 0]
    # The DGP's own k is the median adstocked spend at the same alpha.
    assert located == pytest.approx(truth.half_saturation[0, 0, 0], rel=1e-12)


def test_half_saturation_is_located_over_the_weeks_with_adstock_of_all_series(
    regions: Panel,
) -> None:
    scales = Scales.of(regions, ModelSpec())
    radio = regions.channels.index("radio")
    pooled = []
    for series in range(len(regions.series)):
        carried = 0.0
        for spent in regions.spend[:, series, radio] / scales.spend[series, radio]:
            carried = spent + 0.5 * carried
            if 0.5 * carried > 1e-3:
                pooled.append(0.5 * carried)
    assert len(pooled) < regions.observed.sum()
    assert np.exp(scales.log_half_saturation[radio]) == pytest.approx(np.median(pooled), rel=1e-12)


def test_reference_adstock_is_the_recursion_at_a_half() -> None:
    np.testing.assert_allclose(
        reference_adstock(np.array([[[8.0]], [[0.0]], [[4.0]]])).ravel(), [4.0, 2.0, 3.0]
    )


def test_channel_without_spend_has_finite_scales(market: Panel) -> None:
    silent = replace(market, spend=market.spend * np.array([0.0, 1, 1, 1, 1, 1]))
    scales = Scales.of(silent, ModelSpec())
    assert scales.spend[0, 0] == 1.0
    assert np.isfinite(scales.log_half_saturation).all()


@pytest.mark.parametrize(
    "spec", [ModelSpec(), ModelSpec(holidays="DE", trend="piecewise")], ids=["plain", "holidays"]
)
def test_scales_survive_json_to_the_bit(regions: Panel, spec: ModelSpec) -> None:
    scales = Scales.of(regions, spec)
    assert_equal_to_the_bit(Scales.from_dict(json.loads(json.dumps(scales.as_dict()))), scales)


def test_scales_without_controls_or_knots_survive_json() -> None:
    panel, _ = simulate_seed_benchmark("single", 0, weeks=30)
    scales = Scales.of(panel, ModelSpec())
    assert (scales.control_mean.shape, scales.knots.shape) == ((1, 0), (0,))
    assert_equal_to_the_bit(Scales.from_dict(json.loads(json.dumps(scales.as_dict()))), scales)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"series": ("a", "b", "c", "d")}, "the panel's series are .*'a'.* fit a new model"),
        ({"organic_names": ("app",)}, "the panel's media are .*'app'.*'newsletter'"),
        ({"channels": tuple("vwxyz")}, "the panel's media are .*'v'"),
        ({"control_names": ("rain",)}, "the panel's controls are .*'rain'.*'competitor_price'"),
    ],
)
def test_a_panel_of_other_variables_is_refused(
    regions: Panel, change: dict[str, tuple[str, ...]], message: str
) -> None:
    scales = Scales.of(regions, ModelSpec())
    scales.require_same_variables(regions)
    with pytest.raises(ValueError, match=message):
        scales.require_same_variables(replace(regions, **change))


def test_last_bend_leaves_a_quarter_to_learn_it_from(market: Panel) -> None:
    spec = ModelSpec(trend="piecewise")
    for weeks, knots in ((91, [26, 52]), (92, [26, 52, 78]), (52, [26]), (39, [])):
        np.testing.assert_array_equal(Scales.of(market.head(weeks), spec).knots, knots)
