import numpy as np
import pytest

from hill_mmm._results.components import (
    ReportThresholds,
    effective_components,
    is_reportable,
    relabel,
    relabelling,
    separation,
    switching_rate,
)

SHAPE = (4, 1000)


def effects(*medians: float, sd: float = 1.0, seed: int = 0) -> np.ndarray:
    """Independent Normal draws in agreeing chains, `(4, 1000, components)`."""
    return np.random.default_rng(seed).normal(medians, sd, (*SHAPE, len(medians)))


def weights_of(*means: float, seed: int = 1) -> np.ndarray:
    """Weights with these means and a spread of a few hundredths."""
    return np.random.default_rng(seed).dirichlet(100 * np.array(means), SHAPE)


def switched(values: np.ndarray, seed: int = 2) -> np.ndarray:
    """The same draws under labels that change from draw to draw."""
    labels = np.random.default_rng(seed).permuted(
        np.broadcast_to(np.arange(values.shape[-1]), (*SHAPE, values.shape[-1])), axis=-1
    )
    between = tuple(range(2, values.ndim - 1))
    return np.take_along_axis(values, np.expand_dims(labels, between), axis=-1)


def test_relabelling_undoes_a_label_switch() -> None:
    truth = effects(10.0, 20.0, 40.0)
    weights = weights_of(0.5, 0.3, 0.2)
    # Series, channels and components, each value telling where it belongs.
    amplitude = truth[:, :, None, None] * np.arange(1.0, 7.0).reshape(2, 3, 1)
    order = relabelling(switched(truth))
    assert not np.array_equal(switched(truth), truth)
    np.testing.assert_array_equal(relabel(switched(truth), order), truth)
    np.testing.assert_array_equal(relabel(switched(weights), order), weights)
    np.testing.assert_array_equal(relabel(switched(amplitude), order), amplitude)


def test_relabelling_by_hand() -> None:
    order = relabelling(np.array([[[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]]]))
    np.testing.assert_array_equal(order, [[[1, 2, 0], [0, 1, 2]]])


@pytest.mark.parametrize("shape", [(4, 1000, 3), (4, 999, 2), (1, 1000, 2), (4, 1000, 5, 1)])
def test_values_of_other_draws_or_components_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not go with"):
        relabel(np.zeros(shape), relabelling(effects(1.0, 2.0)))


def test_switching_rate_by_hand() -> None:
    up, down = [1.0, 2.0], [2.0, 1.0]
    assert switching_rate(np.array([[up, down, down, up]])) == pytest.approx(2 / 3)
    # Chains in different labellings, neither of which ever changes.
    assert switching_rate(np.array([[up, up, up], [down, down, down]])) == 0.0
    assert switching_rate(np.array([[up, up, up], [up, down, up]])) == pytest.approx(2 / 4)


def test_switching_rate_counts_a_change_of_any_two() -> None:
    chain = [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 3.0, 1.0], [20.0, 30.0, 10.0]]
    assert switching_rate(np.array([chain])) == pytest.approx(2 / 3)


def test_a_single_component_never_switches() -> None:
    assert switching_rate(effects(1.0)) == 0.0


def test_separation_is_in_pooled_standard_deviations() -> None:
    rng = np.random.default_rng(0)
    draws = np.stack([rng.normal(0.0, 3.0, SHAPE), rng.normal(50.0, 4.0, SHAPE)], axis=-1)
    expected = 50.0 / np.sqrt((9.0 + 16.0) / 2)
    # Error of the medians, 1.25 sd / sqrt(4000) each, and of the pooled variance, 1 / sqrt(4000).
    error = np.hypot(1.2533 * 5.0 / np.sqrt(4000) / 50.0, 0.5 / np.sqrt(4000)) * expected
    assert separation(draws) == pytest.approx([expected], abs=4 * error)


def test_separation_is_of_neighbours_in_any_unit() -> None:
    found = separation(effects(0.0, 20.0, 80.0))
    assert found.shape == (2,)
    assert found[1] > 2.5 * found[0]
    np.testing.assert_allclose(separation(1e6 + 1e3 * effects(0.0, 20.0, 80.0)), found, rtol=1e-6)


def test_relabelling_alone_separates_by_less_than_is_reported() -> None:
    # Lesser and greater of two standard Normals: medians at the normal quantiles of sqrt(1 / 2)
    # from either end, variance 1 - 1 / pi.
    drawn = [separation(np.sort(effects(0.0, 0.0, seed=seed), axis=-1))[0] for seed in range(20)]
    error = np.std(drawn, ddof=1) / np.sqrt(20)
    assert abs(np.mean(drawn) - 2 * 0.54485 / np.sqrt(1 - 1 / np.pi)) < 4 * error
    assert np.max(drawn) < ReportThresholds().min_separation


def test_components_that_never_move_have_no_distance() -> None:
    assert np.isnan(separation(np.ones((*SHAPE, 2)))).all()


def test_separated_components_are_reportable_whatever_their_labels() -> None:
    effect, weights = effects(10.0, 20.0, 40.0), weights_of(0.5, 0.3, 0.2)
    assert is_reportable(weights, effect).tolist() == [True, True, True]
    assert is_reportable(switched(weights), switched(effect)).tolist() == [True, True, True]


def test_overlapping_components_are_not_reportable() -> None:
    assert is_reportable(weights_of(0.5, 0.5), effects(10.0, 10.0)).tolist() == [False, False]
    # The third stands apart from both.
    three = is_reportable(weights_of(0.4, 0.3, 0.3), effects(10.0, 10.5, 40.0))
    assert three.tolist() == [False, False, True]


def test_a_component_without_weight_is_not_reportable() -> None:
    weights, effect = weights_of(0.6, 0.02, 0.38), effects(10.0, 20.0, 40.0)
    assert is_reportable(weights, effect).tolist() == [True, False, True]
    assert is_reportable(switched(weights), switched(effect)).tolist() == [True, False, True]


def test_a_component_that_chains_disagree_on_is_not_reportable() -> None:
    effect, weights = effects(10.0, 20.0, 40.0), weights_of(0.5, 0.3, 0.2)
    moved = effect.copy()
    moved[0, :, 2] += 1.0
    assert is_reportable(weights, moved).tolist() == [True, True, False]
    # From the first to the third; the second keeps its weight.
    shifted = weights + np.array([-0.1, 0.0, 0.1]) * (np.arange(4) == 0)[:, None, None]
    assert is_reportable(shifted, effect).tolist() == [False, True, False]


def test_a_single_component_is_reportable_where_its_chains_agree() -> None:
    ones = np.ones((*SHAPE, 1))
    effect = effects(10.0)
    assert is_reportable(ones, effect).tolist() == [True]
    effect[0] += 1.0
    assert is_reportable(ones, effect).tolist() == [False]
    assert is_reportable(ones, ones).tolist() == [False]


def test_what_is_reportable_follows_the_thresholds() -> None:
    weights, effect = weights_of(0.6, 0.4), effects(10.0, 14.0)
    assert is_reportable(weights, effect).tolist() == [True, True]
    for strict in (
        ReportThresholds(max_r_hat=0.99),
        ReportThresholds(min_separation=5.0),
        ReportThresholds(min_weight=0.7),
    ):
        assert is_reportable(weights, effect, strict).tolist() == [False, False]


def test_effective_components_by_hand() -> None:
    weights = np.array([[[1.0, 0.0], [0.5, 0.5], [0.8, 0.2]]])
    found = effective_components(weights)
    assert found.inverse_herfindahl.shape == found.exp_entropy.shape == (1, 3)
    assert found.inverse_herfindahl[0] == pytest.approx([1.0, 2.0, 1 / 0.68])
    assert found.exp_entropy[0] == pytest.approx([1.0, 2.0, 0.8**-0.8 * 0.2**-0.2])


def test_effective_components_do_not_depend_on_labels() -> None:
    weights = weights_of(0.5, 0.3, 0.2)
    raw, relabelled = effective_components(switched(weights)), effective_components(weights)
    np.testing.assert_allclose(raw.inverse_herfindahl, relabelled.inverse_herfindahl)
    np.testing.assert_allclose(raw.exp_entropy, relabelled.exp_entropy)
    assert (raw.inverse_herfindahl <= raw.exp_entropy).all()
    assert (raw.exp_entropy <= 3.0).all()
