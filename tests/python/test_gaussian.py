"""Gaussian costs, geodesics and flows: references, closed forms, metric laws, and agreement with clouds."""

from __future__ import annotations

import json
from itertools import permutations
from math import inf

import numpy as np
import pytest
import spectralot as so
from conftest import REFERENCE
from hypothesis import given, settings
from hypothesis import strategies as st

PAIRS = json.loads((REFERENCE / "gaussian.json").read_text())
SPECTRAL = [so.Trace(), so.Schatten(1.5), so.Schatten(2), so.Schatten(4), so.Operator(), so.KyFan(2)]
MIXED = [
    so.WeightedTrace([[2, 0.9, 0], [0.9, 1, 0.1], [0, 0.1, 0.5]]),
    so.Polyhedral([np.diag([1.0, 2, 0.5]), np.eye(3)]),
    so.BlockSum([[0, 1], [2]], [so.Operator(), so.Trace()]),
    so.BlockMax([[0, 1], [2]], [so.Operator(), so.Trace()]),
    so.ConicSum([so.Operator(), so.Trace()], [0.9, 0.1]),
]


def gauge_of(description):
    if description["name"] == "ky_fan":
        return so.KyFan(description["k"])
    return so.Schatten(float(description["p"]))


def covariance(random, d, rank=None):
    """Products of multiples of 1/4: exactly singular where the rank says so."""
    root = random.integers(-9, 10, size=(d, d if rank is None else rank)) / 4
    return root @ root.T


def gaussian(random, d, rank=None):
    return random.normal(size=d), covariance(random, d, rank)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["instance"])
def test_reference_brackets_are_met(pair):
    for entry in pair["entries"]:
        r = so.gaussian.solve(pair["m0"], pair["S0"], pair["m1"], pair["S1"], gauge_of(entry["gauge"]))
        assert r.converged, (entry["label"], r)
        slack = 1e-9 * entry["upper"]
        assert r.upper >= entry["lower"] - slack, entry["label"]
        assert r.lower <= entry["upper"] + slack, entry["label"]


@given(st.integers(0, 10**6), st.sampled_from(SPECTRAL + MIXED), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_both_ends_are_proved_without_the_solver(seed, gauge, rank0, rank1):
    random = np.random.default_rng(seed)
    (m0, S0), (m1, S1) = gaussian(random, 3, rank0), gaussian(random, 3, rank1)
    r = so.gaussian.solve(m0, S0, m1, S1, gauge)
    assert r.converged
    A, Q, delta = r.cross_covariance, r.metric, m1 - m0
    joint = np.block([[S0, A], [A.T, S1]])
    scale = np.trace(joint) + delta @ delta
    assert np.linalg.eigvalsh(joint)[0] >= -1e-13 * scale
    assert abs(gauge(np.outer(delta, delta) + S0 + S1 - A - A.T) - r.upper) <= 1e-12 * scale
    assert gauge.contains(Q, 1e-12)

    def root(S):
        w, V = np.linalg.eigh(S)
        return V * np.sqrt(np.where(w > 1e-13 * max(w[-1], 1e-300), w, 0))

    dual = delta @ Q @ delta + np.trace(Q @ (S0 + S1)) - 2 * np.linalg.norm(root(S0).T @ Q @ root(S1), "nuc")
    assert abs(dual - r.lower) <= 1e-12 * scale


@pytest.mark.parametrize("gauge", SPECTRAL, ids=repr)
def test_invariances(gauge):
    random = np.random.default_rng(1)
    (m0, S0), (m1, S1) = gaussian(random, 4), gaussian(random, 4)
    R = np.linalg.qr(random.normal(size=(4, 4)))[0]
    value = so.gaussian.solve(m0, S0, m1, S1, gauge).value

    def turned(S):
        S = R @ S @ R.T
        return (S + S.T) / 2

    assert so.gaussian.solve(R @ m0, turned(S0), R @ m1, turned(S1), gauge).value == pytest.approx(value, rel=3e-9)
    assert so.gaussian.solve(m0 + 5, S0, m1 + 5, S1, gauge).value == pytest.approx(value, rel=3e-9)
    assert so.gaussian.solve(m1, S1, m0, S0, gauge).value == pytest.approx(value, rel=3e-9)
    for s in (1e-60, 1e60):
        scaled = so.gaussian.solve(s * m0, s * s * S0, s * m1, s * s * S1, gauge)
        assert scaled.converged
        assert scaled.value == pytest.approx(s * s * value, rel=3e-9)


@given(st.integers(0, 10**6), st.sampled_from(SPECTRAL + MIXED))
@settings(max_examples=25, deadline=None)
def test_triangle_inequality(seed, gauge):
    random = np.random.default_rng(seed)
    three = [(np.zeros(3), covariance(random, 3, random.integers(1, 4))) for _ in range(3)]
    far, one, two = (so.gaussian.solve(*three[i], *three[j], gauge) for i, j in ((0, 2), (0, 1), (1, 2)))
    assert np.sqrt(far.lower) <= np.sqrt(one.upper) + np.sqrt(two.upper)


@pytest.mark.parametrize("gauge", [*SPECTRAL, *MIXED], ids=repr)
def test_geodesics_have_constant_speed(gauge):
    random = np.random.default_rng(2)
    pair = (*gaussian(random, 3), *gaussian(random, 3, 2))
    r = so.gaussian.solve(*pair, gauge)
    for s, t in ((0, 0.3), (0.25, 0.75), (0.6, 1)):
        part = so.gaussian.solve(*r.geodesic(s), *r.geodesic(t), gauge)
        assert part.distance == pytest.approx((t - s) * r.distance, rel=1e-6)


def test_isotropic_pairs_reach_the_comparison_bound():
    for p in (1, 1.5, 2, 4, inf):
        r = so.gaussian.solve(np.zeros(5), 4 * np.eye(5), np.zeros(5), np.eye(5), p)
        assert r.value == pytest.approx(5 ** (1 / p - 1) * 5, rel=1e-12)


def test_affine_map_pushes_source_to_target():
    random = np.random.default_rng(3)
    m0, S0 = gaussian(random, 4)
    m1, S1 = gaussian(random, 4)
    T = so.gaussian.solve(m0, S0, m1, S1, 2).affine_map()
    np.testing.assert_allclose(T @ S0 @ T.T, S1, atol=1e-8 * np.trace(S1))


def test_operator_geodesics_are_not_unique_and_a_conic_sum_selects_one():
    pair = ([0, 0], np.eye(2), [3, 0], np.eye(2))
    for A in (np.eye(2), np.diag([1.0, -1.0])):  # both couplings cost 9
        assert so.Operator()(np.diag([9.0, 0]) + 2 * np.eye(2) - A - A.T) == 9
    midpoint = so._core.gaussian_geodesic(
        *map(np.asarray, ([0.0, 0], np.eye(2), [3.0, 0], np.eye(2))), so.Operator()._core, np.diag([1.0, -1]), 0.5
    )
    assert so.gaussian.kl(*midpoint, [0, 0], np.eye(2)) == inf
    selected = so.gaussian.solve(*pair, so.ConicSum([so.Operator(), so.Trace()], [0.99, 0.005]))
    np.testing.assert_allclose(selected.cross_covariance, np.eye(2), atol=1e-6)


def test_clouds_approach_the_gaussian_value_like_one_over_root_n():
    # Between different measures the error of the squared cost is that of an average, n^{-1/2}, below dimension 4.
    random = np.random.default_rng(4)
    S0, S1, m1 = np.diag([1.0, 0.3]), np.array([[0.5, 0.2], [0.2, 1.5]]), np.array([1.0, 0.5])
    sizes, n_trials = (64, 1024), 16
    for gauge in (so.Trace(), so.Schatten(2), so.Operator()):
        exact = so.gaussian.solve([0, 0], S0, m1, S1, gauge).value
        errors = []
        for n in sizes:
            trials = []
            for _ in range(n_trials):
                X = random.normal(size=(n, 2)) @ np.linalg.cholesky(S0).T
                Y = random.normal(size=(n, 2)) @ np.linalg.cholesky(S1).T + m1
                trials.append(so.solve_sample(X, Y, gauge, tol=1e-3).value - exact)
            errors.append(np.sqrt(np.mean(np.square(trials))))
        # A mean square of 16 trials is known to a third, an exponent over log 16 to a fifth, at two deviations.
        rate = np.log(errors[1] / errors[0]) / np.log(sizes[1] / sizes[0])
        assert rate == pytest.approx(-0.5, abs=0.2), gauge


@pytest.mark.parametrize("gauge", [*SPECTRAL, MIXED[0], MIXED[4]], ids=repr)
def test_right_hand_side_dissipates_the_energy(gauge):
    random = np.random.default_rng(5)
    m, S = gaussian(random, 3)
    target = (np.zeros(3), covariance(random, 3) + np.eye(3))
    dm, dS = so.gaussian.kl_rhs(m, S, *target, gauge)
    H, b = so.gaussian.KL(*target).force(m, S)
    rate = b @ dm + 0.5 * np.trace(H @ dS)
    assert rate == pytest.approx(-(gauge.dual_norm(np.vstack([np.linalg.cholesky(S).T @ H, b])) ** 2), rel=1e-6)
    h = 1e-5
    change = so.gaussian.kl(m + h * dm, S + h * dS, *target) - so.gaussian.kl(m - h * dm, S - h * dS, *target)
    assert change / (2 * h) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(2), so.Operator(), so.KyFan(2), MIXED[0]], ids=repr)
def test_kl_flow_keeps_its_energy_balance(gauge):
    random = np.random.default_rng(6)
    m, S = gaussian(random, 3)
    target = (np.zeros(3), covariance(random, 3) + np.eye(3))
    t = so.gaussian.kl_flow(m, S, *target, gauge, 2.0)
    assert t.status == "solved"
    assert t.balance_residual.max() <= 1e-6 * t.energy[0]
    assert (np.diff(t.energy) <= 1e-12).all()
    assert all(np.linalg.eigvalsh(S)[0] > 0 for S in t.covariances)


def test_rank_loss_of_a_commuting_flow_is_located():
    # One coordinate reaches its target while the other is still far: F loses rank, and the flow goes on.
    t = so.gaussian.kl_flow([0, 0], np.diag([1.2, 4.0]), [0, 0], np.eye(2), so.Operator(), 3.0)
    assert [event.rank for event in t.events][:1] == [1]
    at = np.searchsorted(t.times, t.events[0].time)
    np.testing.assert_allclose(t.covariances[at:, 0, 0], 1, atol=1e-5)
    assert t.covariances[at, 1, 1] > 1.5


@pytest.mark.parametrize("p", [1, 1.5, 2, 4, inf])
def test_modal_invariants_and_extinction(p):
    far = so.gaussian.modal_flow(0.0, 1.0, 50.0, p, 5.0)  # beyond α2^{p/(p-1)} for every p > 1.3 here
    before = far.times <= (far.events[0].time if far.events else inf)
    inside = np.flatnonzero(before)[:-1] if far.events else np.flatnonzero(before)
    np.testing.assert_allclose(far.invariant[inside, 0], far.invariant[0, 0], rtol=1e-12)
    assert far.balance_residual.max() <= 1e-6 * far.energy[0]
    if p > 1.5 or p == 1.5:
        assert [event.kind for event in far.events][:1] == ["lost_b"]
        after = far.times > far.events[0].time
        np.testing.assert_allclose(far.s[after], far.r[after], rtol=1e-12)
    else:
        assert not far.events
    near = so.gaussian.modal_flow(0.0, 1.0, 1.5, p, 5.0)  # below the threshold 2: no eigenvalue is lost
    assert all(event.kind == "settled" for event in near.events)


def test_particles_follow_the_gaussian_flow():
    random = np.random.default_rng(7)
    X = random.normal(size=(400, 2))
    X -= X.mean(axis=0)
    X = X @ np.linalg.inv(np.linalg.cholesky(X.T @ X / 400)).T @ np.linalg.cholesky([[2.0, 0.5], [0.5, 0.6]]).T
    target = so.gaussian.KL([1.0, 0], [[1.0, 0.2], [0.2, 0.8]])

    class Relative:
        def energy(self, X, weights):
            m = weights @ X
            return target.energy(m, (X - m).T @ ((X - m) * weights[:, None]))

        def force(self, X, weights):
            m = weights @ X
            H, b = target.force(m, (X - m).T @ ((X - m) * weights[:, None]))
            return (X - m) @ H + b

    flow = so.gaussian.flow(target, [0, 0], [[2.0, 0.5], [0.5, 0.6]], so.Schatten(2), 0.3)
    cloud = so.flow.run(Relative(), X, so.Schatten(2), step=1e-3, n_steps=300, record_every=300)
    np.testing.assert_allclose(cloud.points[-1].mean(axis=0), flow.means[-1], atol=2e-3)
    np.testing.assert_allclose(np.cov(cloud.points[-1].T, bias=True), flow.covariances[-1], atol=4e-3)


def test_an_objective_of_your_own():
    class Trap:  # ½|m|² + ½ tr S
        def energy(self, m, S):
            return 0.5 * m @ m + 0.5 * np.trace(S)

        def force(self, m, S):
            return np.eye(len(m)), m

    t = so.gaussian.flow(Trap(), [1.0, 0], np.eye(2), so.Trace(), 1.0)
    np.testing.assert_allclose(t.means[-1], [np.exp(-1), 0], rtol=1e-7)
    np.testing.assert_allclose(t.covariances[-1], np.exp(-2) * np.eye(2), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [[1, 2], [2, 1]], [0, 0], np.eye(2)), "S0: must be positive semidefinite"),
        (([0, 0], np.eye(2), [0, 0], [[1, 0.1], [0, 1]]), "S1: must be symmetric"),
        (([0, 0], np.eye(3), [0, 0], np.eye(2)), "S0: must have shape"),
        (([0, 0], np.eye(2), [0, 0, 0], np.eye(3)), "m1: must have the dimension of m0, 2"),
        (([0, np.nan], np.eye(2), [0, 0], np.eye(2)), "m0: entries must be finite"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        so.gaussian.solve(*arguments)


def test_iteration_limit_keeps_a_true_bracket():
    pair = PAIRS[4]
    r = so.gaussian.solve(pair["m0"], pair["S0"], pair["m1"], pair["S1"], 2, max_iter=3)
    assert not r.converged
    assert r.status == "iteration_limit"
    entry = next(entry for entry in pair["entries"] if entry["label"] == "schatten_2")
    assert r.lower <= entry["upper"]
    assert r.upper >= entry["lower"]
    with pytest.raises(so.NotSolved):
        r.require_solved()


def root(S):
    w, V = np.linalg.eigh(S)
    return V * np.sqrt(np.where(w > 1e-13 * max(w[-1], 1e-300), w, 0)) @ V.T


def test_trace_barycenter_solves_the_fixed_point_equation():
    random = np.random.default_rng(8)
    means, covariances = random.normal(size=(3, 3)), np.stack([covariance(random, 3) + np.eye(3) for _ in range(3)])
    bary = so.gaussian.barycenter(means, covariances, so.Trace(), tol=1e-9)
    assert bary.converged
    np.testing.assert_allclose(bary.mean, means.mean(axis=0), atol=1e-8)
    R = root(bary.covariance)
    np.testing.assert_allclose(np.mean([root(R @ S @ R) for S in covariances], axis=0), bary.covariance, rtol=1e-6)


@pytest.mark.parametrize("gauge", [*SPECTRAL, *MIXED], ids=repr)
def test_both_ends_of_a_barycenter_are_proved(gauge):
    random = np.random.default_rng(9)
    k = 3
    means, covariances = random.normal(size=(k, 3)), np.stack([covariance(random, 3) + np.eye(3) for _ in range(k)])
    weights = np.array([0.5, 0.2, 0.3])
    bary = so.gaussian.barycenter(means, covariances, gauge, weights=weights, tol=1e-4, max_iter=60)
    assert bary.converged if gauge in SPECTRAL else bary.gap <= 0.05
    assert bary.lower <= bary.upper

    def value(m, S):
        return sum(
            w * so.gaussian.solve(m, S, mi, Si, gauge).value
            for w, mi, Si in zip(weights, means, covariances, strict=True)
        )

    assert bary.lower <= value(bary.mean, bary.covariance) <= bary.upper * (1 + 1e-9)
    for _ in range(5):  # no other Gaussian beats the lower end
        bump = 0.1 * random.normal(size=(3, 3))
        assert value(bary.mean + 0.1 * random.normal(size=3), bary.covariance + bump @ bump.T) >= bary.lower

    # The least value for the metrics alone, by the fixed point of their transport maps.
    assert all(gauge.contains(Q, 1e-9) for Q in bary.metrics)
    total = np.einsum("i,ijk->jk", weights, bary.metrics)
    S = bary.covariance
    for _ in range(300):
        R, pulled, cost = root(S), np.zeros((3, 3)), np.trace(total @ S)
        for w, Q, Si in zip(weights, bary.metrics, covariances, strict=True):
            U, s, Vt = np.linalg.svd(R @ Q @ root(Si))
            pulled += w * Q @ root(Si) @ Vt.T @ U.T
            cost += w * (np.trace(Q @ Si) - 2 * s.sum())
        moved = np.linalg.solve(total, pulled)
        S = moved @ moved.T
    push = np.einsum("i,ijk,ik->j", weights, bary.metrics, means)
    cost += np.einsum("i,ij,ijk,ik->", weights, means, bary.metrics, means) - push @ np.linalg.solve(total, push)
    assert bary.lower <= cost * (1 + 1e-9)
    assert bary.lower == pytest.approx(cost, rel=1e-3)


@pytest.mark.parametrize("gauge", [so.Schatten(3), so.Schatten(10), so.Operator(), so.KyFan(2), so.KyFan(4)], ids=repr)
def test_spectral_barycenters_reach_six_digits(gauge):
    random = np.random.default_rng(15)
    weights = [1, 0, 2, 1]  # a component without weight counts for nothing
    for rank in (6, 3, 0):  # singular components, and Diracs
        means, covariances = random.normal(size=(4, 6)), np.stack([covariance(random, 6, rank) for _ in range(4)])
        bary = so.gaussian.barycenter(means, covariances, gauge, weights=weights)
        assert bary.converged, (rank, bary)
        light = so.gaussian.barycenter(means[[0, 2, 3]], covariances[[0, 2, 3]], gauge, weights=[1, 2, 1])
        assert light.lower <= bary.upper
        assert bary.lower <= light.upper
    two = so.gaussian.barycenter(means[:2], covariances[:2] + np.eye(6), gauge, tol=1e-7)
    pair = so.gaussian.solve(means[0], np.eye(6), means[1], np.eye(6), gauge)
    assert two.converged
    assert two.lower <= pair.upper / 4  # the midpoint
    assert pair.lower / 4 <= two.upper


CONIC = json.loads((REFERENCE.parent / "cvxpy" / "barycenters.json").read_text())  # how it was made: make.py beside it


@pytest.mark.parametrize("case", CONIC, ids=lambda case: f"{case['gauge']}-d{len(case['means'][0])}")
def test_barycenters_agree_with_a_conic_program(case):
    bary = so.gaussian.barycenter(
        case["means"], case["covariances"], gauge_of(case["gauge"]), weights=case["weights"], tol=1e-7
    )
    assert bary.converged
    slack = 1e-8 * case["value"]  # what the conic solver reaches
    assert bary.lower <= case["value"] + slack
    assert bary.upper >= case["value"] - slack


def test_barycenters_start_inside_k():
    # Active at the identity is the second block alone: a singular metric for every component.
    gauge = so.BlockMax([[0], [1, 2]], [so.Operator(), so.Trace()])
    random = np.random.default_rng(16)
    means, covariances = random.normal(size=(3, 3)), np.stack([covariance(random, 3) + np.eye(3) for _ in range(3)])
    assert so.gaussian.barycenter(means, covariances, gauge).converged


def test_barycenters_move_with_their_components():
    random = np.random.default_rng(13)
    means, covariances = random.normal(size=(3, 2)), np.stack([covariance(random, 2) + np.eye(2) for _ in range(3)])
    bary = so.gaussian.barycenter(means, covariances, 2)
    assert bary.converged
    far = so.gaussian.barycenter(1e3 * means + 5e3, 1e6 * covariances, 2)
    assert far.value == pytest.approx(1e6 * bary.value, rel=2e-6)
    alone = so.gaussian.barycenter(means[:1], covariances[:1], 2)
    assert (alone.status, alone.lower) == ("zero_to_rounding", 0.0)
    np.testing.assert_allclose(alone.covariance, covariances[0], rtol=1e-10)
    two = so.gaussian.barycenter(means[:2], covariances[:2], 2)  # the midpoint of a geodesic
    assert two.converged
    assert two.value == pytest.approx(
        so.gaussian.solve(means[0], covariances[0], means[1], covariances[1], 2).value / 4, rel=2e-6
    )


def test_bad_components_are_named():
    with pytest.raises(ValueError, match=r"covariances\[1\]: must be positive semidefinite"):
        so.gaussian.barycenter(np.zeros((2, 2)), [np.eye(2), [[1, 2], [2, 1]]])
    with pytest.raises(ValueError, match="covariances: must have shape"):
        so.gaussian.barycenter(np.zeros((2, 2)), np.eye(2))
    with pytest.raises(ValueError, match="gauge: must be monotone"):
        so.gaussian.barycenter(np.zeros((2, 2)), [np.eye(2)] * 2, so.Entrywise(0.5))


def test_bad_mixture_components_are_named():
    good = (np.zeros((2, 2)), np.stack([np.eye(2)] * 2))
    bad = (np.zeros((2, 2)), np.array([np.eye(2), [[1, 2], [2, 1]]]))
    with pytest.raises(ValueError, match=r"covariances_a\[1\]: must be positive semidefinite"):
        so.gaussian.solve_mixture(*bad, *good)
    with pytest.raises(ValueError, match=r"covariances_b\[1\]: must be positive semidefinite"):
        so.gaussian.solve_mixture(*good, *bad)
    with pytest.raises(ValueError, match=r"means_b\[0\]: must have the dimension of the first component, 2, got 3"):
        so.gaussian.solve_mixture(*good, np.zeros((1, 3)), np.eye(3)[None])


def test_barycenters_and_modal_flows_can_be_interrupted():
    def stop(at):
        raise KeyboardInterrupt

    random = np.random.default_rng(14)
    means, covariances = random.normal(size=(3, 4)), np.stack([covariance(random, 4) for _ in range(3)])
    with pytest.raises(so.Interrupted) as caught:
        so.gaussian.barycenter(means, covariances, so.Operator(), tol=1e-9, callback=stop)
    bary = caught.value.result
    assert (bary.status, bary.n_iter) == ("interrupted", 1)
    assert bary.lower <= bary.upper


POT = json.loads((REFERENCE.parent / "pot" / "gaussian.json").read_text())  # how it was made: make.py beside it


def test_trace_agrees_with_pot():
    for pair in POT["costs"]:
        (m0, m1), (S0, S1) = pair["means"], pair["covariances"]
        assert so.gaussian.solve(m0, S0, m1, S1, 1).value == pytest.approx(pair["cost"], rel=1e-11)
    for case in POT["barycenters"]:
        bary = so.gaussian.barycenter(case["means"], case["covariances"], 1, weights=case["weights"], tol=1e-9)
        np.testing.assert_allclose(bary.mean, case["mean"], rtol=1e-9)
        np.testing.assert_allclose(bary.covariance, case["covariance"], atol=2e-5 * np.trace(bary.covariance))
    for case in POT["mixtures"]:
        sides = [case[side][name] for side in ("source", "target") for name in ("means", "covariances")]
        a, b = case["source"]["weights"], case["target"]["weights"]
        r = so.gaussian.solve_mixture(*sides, 1, a=a, b=b, tol=1e-10)
        assert r.value == pytest.approx(case["cost"], rel=1e-9)


def test_trace_mixture_is_transport_with_pairwise_costs():
    random = np.random.default_rng(10)
    source = [gaussian(random, 2) for _ in range(3)]
    target = [gaussian(random, 2) for _ in range(3)]
    cost = np.array([[so.gaussian.solve(*x, *y, 1).value for y in target] for x in source])
    best = min(np.mean(cost[range(3), order]) for order in permutations(range(3)))
    arrays = [np.stack(part) for side in (source, target) for part in zip(*side, strict=True)]
    r = so.gaussian.solve_mixture(*arrays, so.Trace(), tol=1e-10)
    assert r.converged
    assert r.value == pytest.approx(best, rel=1e-10)
    operator = so.gaussian.solve_mixture(*arrays, so.Operator())
    assert operator.converged
    assert operator.upper < r.lower
    np.testing.assert_allclose(operator.plan.sum(axis=1), 1 / 3, atol=1e-12)


@pytest.mark.parametrize("gauge", [*SPECTRAL, MIXED[4]], ids=repr)
def test_mixtures_of_diracs_are_clouds(gauge):
    random = np.random.default_rng(11)
    X, Y = random.normal(size=(5, 2)), random.normal(size=(7, 2)) + 0.5
    a, b = random.uniform(0.2, 1, 5), random.uniform(0.2, 1, 7)
    a, b = a / a.sum(), b / b.sum()
    r = so.gaussian.solve_mixture(X, np.zeros((5, 2, 2)), Y, np.zeros((7, 2, 2)), gauge, a=a, b=b, tol=1e-8)
    cloud = so.solve_sample(X, Y, gauge, a=a, b=b, tol=1e-8)
    assert r.converged
    assert r.lower <= cloud.upper
    assert cloud.lower <= r.upper


def test_a_small_mixture_distance_keeps_its_proved_lower_end():
    means, covariances = np.array([[0.0, 0], [1e4, 0]]), np.array([np.eye(2)] * 2)
    moved = means + np.array([1e-3, 0])
    r = so.gaussian.solve_mixture(means, covariances, moved, covariances, so.Trace(), max_iter=3)
    assert r.status == "iteration_limit"
    assert r.n_iter == 3
    cost = np.mean((moved - means)[:, 0] ** 2)
    assert 0.999 * cost < r.lower <= cost * (1 + 1e-12)
    assert r.upper >= cost


def test_a_mixture_of_one_component_is_the_gaussian_cost():
    random = np.random.default_rng(12)
    (m0, S0), (m1, S1) = gaussian(random, 3), gaussian(random, 3)
    r = so.gaussian.solve_mixture([m0], [S0], [m1], [S1], so.Schatten(2), tol=1e-7)
    exact = so.gaussian.solve(m0, S0, m1, S1, so.Schatten(2))
    assert r.converged
    assert r.value == pytest.approx(exact.value, rel=1e-6)


def test_a_path_without_a_step_that_stays_inside_ends():
    rng = np.random.default_rng(4001)
    rng.random(), rng.integers(4, 10), rng.random()
    S0, S1 = (A @ A.T / 7 + 0.05 * np.eye(7) for A in rng.normal(size=(2, 7, 7)))
    m = rng.normal(size=7) * rng.choice([0, 0.3, 2])
    gauge = so.ConicSum([so.Schatten(1.5), so.KyFan(2)], [1.0, 0.5])
    assert so.gaussian.solve(np.zeros(7), S0, m, S1, gauge).converged
