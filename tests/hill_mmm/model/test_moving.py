from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from hill_mmm import ModelSpec, Panel, SamplerSettings, Scales, fit, simulate_national_market
from hill_mmm._model.curves import moved
from hill_mmm._model.data import model_data
from hill_mmm._model.moving import knot_weights, told_weeks


@pytest.fixture(scope="module")
def panel() -> Panel:
    return simulate_national_market(0, weeks=156)[0]


def test_a_week_lies_between_two_half_years(panel: Panel) -> None:
    weights = knot_weights(panel, Scales.of(panel, ModelSpec()), 200)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(weights[26], np.eye(weights.shape[1])[1])
    np.testing.assert_allclose(weights[39], 0.5 * (np.eye(weights.shape[1])[[1, 2]].sum(axis=0)))
    # It is not known how an effect goes on: it stays as it was in the last week.
    np.testing.assert_array_equal(weights[156:], np.tile(weights[155], (44, 1)))


def test_a_refit_and_a_holdout_have_the_same_knots(panel: Panel) -> None:
    scales = Scales.of(panel, ModelSpec())
    whole = knot_weights(panel, scales, 130)
    np.testing.assert_array_equal(knot_weights(panel.head(143), scales, 130), whole)
    later = replace(
        panel,
        weeks=panel.weeks[26:],
        **{name: getattr(panel, name)[26:] for name in ("outcome", "spend", "organic", "controls")},
    )
    of_later = knot_weights(later, scales, 100)
    shared = whole[26:126, 1:]
    np.testing.assert_allclose(of_later[:, : shared.shape[1]], shared[:, : of_later.shape[1]])


@pytest.mark.parametrize("weeks", [20, 53, 64, 65, 104, 129, 156])
def test_told_weeks_are_weeks_fitted_to(panel: Panel, weeks: int) -> None:
    short = panel.head(weeks)
    told = told_weeks(short, Scales.of(short, ModelSpec()))
    assert told[0] == 0
    assert told[-1] == weeks - 1
    assert (np.diff(told) > 0).all()


def test_an_effect_is_asked_for_with_its_week() -> None:
    effect, log_multiplier, at = jnp.ones((4, 2, 1)), jnp.zeros((3, 2)), jnp.full((4, 3), 1 / 3)
    assert moved(effect, log_multiplier, at).shape == (4, 2, 1)
    assert moved(effect, None, None) is effect
    for incomplete in ((log_multiplier, None), (None, at)):
        with pytest.raises(ValueError, match="weights of its knots"):
            moved(effect, *incomplete)


def test_names_are_the_panels(panel: Panel) -> None:
    with pytest.raises(ValueError, match=r"moving_effects name \['tiktok'\], not among"):
        fit(panel, ModelSpec(moving_effects=("tv", "tiktok")), SamplerSettings(draws=1))


def test_without_them_the_model_has_nothing_of_them(panel: Panel) -> None:
    spec = ModelSpec()
    assert model_data(panel, spec, Scales.of(panel, spec)).moving is None
    asked = replace(spec, moving_effects=("tv", "search", "tv"))
    moving = model_data(panel, asked, Scales.of(panel, spec)).moving
    assert moving is not None
    names = [panel.media_names[medium] for medium in moving.media]
    assert sorted(names) == ["search", "tv"]
    assert ModelSpec.from_dict(asked.as_dict()) == asked
