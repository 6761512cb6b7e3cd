"""The static problem from Python: planted values, reference values, duality, edge cases, options."""

from __future__ import annotations

import numpy as np
import pytest
import spectralot as so
from conftest import assert_brackets_meet, reference, reference_clouds, squared_diameter
from spectralot.storage import gauge_from_dict
from test_gauges import GAUGES, largest_eigenvalue, top_eigenvector_metric


@pytest.mark.parametrize(("p", "value"), [(1, 2), (2, np.sqrt(2)), (so.inf, 1)])
def test_two_dirac_pairs_split_their_mass(two_diracs, p, value):
    r = so.solve_sample(two_diracs.X_a, two_diracs.X_b, p, tol=1e-12)
    assert r.converged
    assert r.lower <= value * (1 + 1e-15) <= r.upper * (1 + 4e-16)
    assert r.value == pytest.approx(value, rel=1e-12)
    if p > 1:
        assert np.allclose(r.plan, 0.25, rtol=0, atol=1e-6)
        assert r.n_split_rows == 2


@pytest.mark.parametrize("p", [1e5, 1e9])
def test_huge_powers_meet_the_operator_norm(p):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(2, 30, 3))
    r, limit = so.solve_sample(X, Y, p).require_solved(), so.solve_sample(X, Y, so.Operator()).require_solved()
    assert limit.lower <= r.upper
    assert r.lower <= limit.upper * 3 ** (1 / p)


def test_entrywise_breaks_the_triangle_inequality():
    origin, e1, both = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])
    gauge = so.Entrywise(3)
    assert so.distance(origin, e1, gauge) == pytest.approx(1, rel=1e-12)
    assert so.distance(e1, both, gauge) == pytest.approx(1, rel=1e-12)
    assert so.distance(origin, both, gauge) == pytest.approx(np.sqrt(5), rel=1e-12)


def static_cases():
    for item in reference()["static"]:
        for entry in item["entries"]:
            name = item["instance"], entry["label"]
            yield pytest.param(item, entry, id="-".join(name))


@pytest.mark.parametrize(("item", "entry"), list(static_cases()))
def test_reference_values(item, entry):
    c = reference_clouds(item["instance"])
    gauge = gauge_from_dict(entry["gauge"])
    r = so.solve_sample(c.X_a, c.X_b, gauge, a=c.a, b=c.b, tol=1e-10 if item["d"] <= 3 else 1e-6)
    assert r.converged
    zero = 1e-12 * squared_diameter(c.X_a, c.X_b) if item["instance"].startswith("same") else 0.0
    slack = 1e-9 * entry["upper"] + zero
    assert r.upper >= entry["lower"] - slack
    assert r.lower <= entry["upper"] + slack
    assert so.verify(c.X_a, c.X_b, r).ok


@pytest.mark.parametrize("gauge", GAUGES[:4], ids=repr)
def test_result_fields_fit_together(clouds, gauge):
    r = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=clouds.a, b=clouds.b, tol=1e-9)
    a, b = clouds.a / clouds.a.sum(), clouds.b / clouds.b.sum()
    P, (f, g) = r.plan, r.potentials
    assert np.allclose(P.sum(axis=1), a, rtol=0, atol=1e-15)
    assert np.allclose(P.sum(axis=0), b, rtol=0, atol=1e-15)
    assert np.array_equal(r.sparse_plan.toarray(), P)
    assert f is r.potential_a
    assert g is r.potential_b

    V = clouds.X_b[None] - clouds.X_a[:, None]
    assert np.allclose(np.einsum("ij,ijk,ijl->kl", P, V, V), r.moment, rtol=0, atol=1e-13)
    assert gauge(r.moment) <= r.upper
    assert gauge.contains(r.metric)
    cost = np.einsum("ijk,kl,ijl->ij", V, r.metric, V)
    assert (f[:, None] + g[None] - cost).max() <= 1e-12 * cost.max()
    assert a @ f + b @ g == pytest.approx(r.lower, rel=1e-12)

    assert r.value == r.upper
    assert r.distance == np.sqrt(r.value)
    assert r.gap == (r.upper - r.lower) / r.upper <= 1e-9
    assert r.converged
    assert r.status == "solved"
    assert r.history.dtype.names == ("lower", "upper", "seconds")
    assert len(r.history) == r.n_iter
    assert (np.diff(r.history["seconds"]) >= 0).all()
    assert r.log["status"] == r.status
    for word in (repr(gauge), "solved", "gap", "12x15"):
        assert word in repr(r)
    assert "\n" not in repr(r)


def test_three_dimensional_gauges_agree_with_an_independent_bound(rng):
    """Every gauge against the two classical transports that bracket it."""
    X_a, X_b = rng.normal(size=(9, 3)), rng.normal(size=(9, 3)) * [1, 2, 0.5] + [0.5, 0, 0]
    w2 = so.emd_sample(X_a, X_b)
    for gauge in GAUGES:
        r = so.solve_sample(X_a, X_b, gauge, tol=1e-8)
        assert r.converged, gauge
        c, C = gauge.comparison_constants(3)
        assert c * w2.lower <= r.upper * (1 + 1e-12)
        assert r.lower <= C * w2.upper * (1 + 1e-12)


def test_custom_gauge_gives_the_value_of_the_one_it_copies(clouds):
    arguments = {"X_a": clouds.X_a, "X_b": clouds.X_b, "a": clouds.a, "b": clouds.b, "tol": 1e-7}
    mine = so.solve_sample(gauge=so.CustomGauge(largest_eigenvalue, top_eigenvector_metric), **arguments)
    theirs = so.solve_sample(gauge=so.Operator(), **arguments)
    assert mine.converged
    assert_brackets_meet(mine, theirs)
    assert so.Operator().contains(mine.metric)


def test_custom_gauge_that_is_not_monotone(clouds):
    arguments = {"X_a": clouds.X_a, "X_b": clouds.X_b, "a": clouds.a, "b": clouds.b, "tol": 1e-7}

    def metric_of_signs(S):
        return np.eye(2) + np.sign(S[0, 1]) * np.array([[0, 1], [1, 0]])

    copy = so.CustomGauge(lambda S: np.trace(S) + 2 * abs(S[0, 1]), metric_of_signs, monotone=False)
    mine, theirs = (so.solve_sample(gauge=gauge, **arguments) for gauge in (copy, so.Entrywise(2)))
    assert mine.converged
    assert_brackets_meet(mine, theirs)
    assert so.verify(clouds.X_a, clouds.X_b, mine).ok


@pytest.mark.parametrize(
    ("value", "active", "complaint"),
    [
        (np.trace, lambda S: 2 * np.eye(2), r"active\(S\): must maximise"),
        (lambda S: -np.trace(S), lambda S: -np.eye(2), r"value: must be non-negative"),
        (  # concave: the metric of one moment proves nothing about another
            lambda S: np.sqrt(np.diag(S)).sum() ** 2,
            lambda S: np.diag(np.sqrt(np.diag(S)).sum() / np.sqrt(np.diag(S))),
            r"gauge: value and active must come from one convex K",
        ),
    ],
)
def test_custom_gauge_without_a_convex_set_is_refused(clouds, value, active, complaint):
    with pytest.raises(ValueError, match=complaint):
        so.solve_sample(clouds.X_a, clouds.X_b, so.CustomGauge(value, active))


def test_exact_transport_against_another_solver(clouds):
    from scipy.optimize import linprog
    from scipy.sparse import kron, vstack

    Q = np.array([[2.0, 0.3], [0.3, 0.5]])
    r = so.emd_sample(clouds.X_a, clouds.X_b, clouds.a, clouds.b, metric=Q)
    V = clouds.X_b[None] - clouds.X_a[:, None]
    cost = np.einsum("ijk,kl,ijl->ij", V, Q, V)
    n, m = cost.shape
    marginals = vstack([kron(np.eye(n), np.ones((1, m))), kron(np.ones((1, n)), np.eye(m))])
    masses = np.concatenate([clouds.a / clouds.a.sum(), clouds.b / clouds.b.sum()])
    expected = linprog(cost.ravel(), A_eq=marginals.tocsr(), b_eq=masses).fun
    assert r.converged
    assert r.value == pytest.approx(expected, rel=1e-9)
    assert np.sum(r.plan * cost) == pytest.approx(r.value, rel=1e-13)
    assert np.array_equal(r.metric, Q)
    assert so.verify(clouds.X_a, clouds.X_b, r).ok


def test_exact_transport_is_the_trace_gauge(clouds):
    r = so.emd_sample(clouds.X_a, clouds.X_b, clouds.a, clouds.b)
    assert_brackets_meet(r, so.solve_sample(clouds.X_a, clouds.X_b, so.Trace(), a=clouds.a, b=clouds.b))


@pytest.mark.parametrize("Q", [np.diag([1.0, 0.0]), np.diag([1.0, -0.5])], ids=["singular", "indefinite"])
def test_exact_transport_for_any_symmetric_metric(rng, Q):
    X_a, X_b = rng.normal(size=(2, 6, 2))
    r = so.emd_sample(X_a, X_b, metric=Q)
    from itertools import permutations

    V = X_b[None] - X_a[:, None]
    cost = np.einsum("ijk,kl,ijl->ij", V, Q, V)
    best = min(cost[range(6), list(order)].mean() for order in permutations(range(6)))
    assert r.value == pytest.approx(best, rel=1e-12)
    assert so.verify(X_a, X_b, r).ok


# Inputs that look wrong and are not.


@pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(2), so.Operator()], ids=repr)
class TestEdgeCases:
    def certified(self, X_a, X_b, gauge, **weights):
        r = so.solve_sample(X_a, X_b, gauge, **weights)
        assert r.converged
        assert so.verify(X_a, X_b, r).ok
        return r

    def test_zero_weights_change_nothing(self, clouds, gauge):
        X_a = np.vstack([clouds.X_a, [[30.0, -40.0]]])
        r = self.certified(X_a, clouds.X_b, gauge, a=np.append(clouds.a, 0), b=clouds.b)
        assert_brackets_meet(r, so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=clouds.a, b=clouds.b))
        assert not r.plan[-1].any()
        V = clouds.X_b - X_a[-1]
        slack = np.einsum("jk,kl,jl->j", V, r.metric, V) - r.potential_b - r.potential_a[-1]
        assert slack.min() == pytest.approx(0, abs=1e-9 * np.abs(slack).max())  # the c-transform

    def test_duplicates_are_weights(self, clouds, gauge):
        r = self.certified(clouds.X_a[[0, 0, 1, 2]], clouds.X_b[:5], gauge)
        assert_brackets_meet(r, so.solve_sample(clouds.X_a[:3], clouds.X_b[:5], gauge, a=[2, 1, 1]))

    def test_equal_clouds_cost_nothing(self, clouds, gauge):
        r = self.certified(clouds.X_a, clouds.X_a[::-1].copy(), gauge)
        assert r.lower == 0
        assert r.upper <= 1e-12 * squared_diameter(clouds.X_a)
        assert r.status in ("zero_to_rounding", "solved")

    def test_all_points_equal(self, gauge):
        assert self.certified(np.ones((4, 2)), np.ones((3, 2)), gauge).value <= 1e-30

    def test_one_point(self, gauge):
        assert self.certified([[1.0, 2.0]], [[4.0, 6.0]], gauge).value == pytest.approx(25, rel=1e-14)

    def test_one_dimension_is_sorting(self, rng, gauge):
        x, y = rng.normal(size=(2, 9))
        r = self.certified(x[:, None], y[:, None], gauge)
        assert r.value == pytest.approx(np.mean((np.sort(x) - np.sort(y)) ** 2), rel=1e-13)

    @pytest.mark.parametrize("scale", [1e-150, 1e150])
    def test_extreme_scales(self, clouds, gauge, scale):
        r = self.certified(scale * clouds.X_a, scale * clouds.X_b, gauge, a=clouds.a, b=clouds.b)
        unit = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=clouds.a, b=clouds.b)
        assert r.lower / scale / scale <= unit.upper * (1 + 1e-12)
        assert unit.lower <= r.upper / scale / scale * (1 + 1e-12)

    def test_a_far_offset_costs_no_digits(self, clouds, gauge):
        offset = 2.0**30
        X_a, X_b = (np.round(X * 2**10) / 2**10 for X in (clouds.X_a, clouds.X_b))
        near = self.certified(X_a, X_b, gauge, a=clouds.a, b=clouds.b)
        far = self.certified(X_a + offset, X_b + offset, gauge, a=clouds.a, b=clouds.b)
        assert_brackets_meet(near, far)


# Options.


def test_input_of_any_kind_is_converted_and_left_alone(clouds):
    X_a, X_b = np.round(clouds.X_a * 4), np.round(clouds.X_b * 4)
    expected = so.solve_sample(X_a, X_b)
    for convert in (
        lambda X: X.tolist(),
        lambda X: X.astype(np.float32),
        lambda X: X.astype(int),
        lambda X: X.astype(">f8"),
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
    ):
        inputs = convert(X_a), convert(X_b)
        before = np.array(inputs[0]), np.array(inputs[1])
        r = so.solve_sample(*inputs)
        assert (r.lower, r.upper) == (expected.lower, expected.upper)
        assert np.array_equal(r.plan, expected.plan)
        assert all(np.array_equal(kept, now) for kept, now in zip(before, inputs, strict=True))


def test_result_does_not_follow_later_changes_of_the_input(clouds):
    X_a = clouds.X_a.copy()
    r = so.solve_sample(X_a, clouds.X_b)
    X_a += 100
    assert np.array_equal(r.X_a, clouds.X_a)


def test_weights_are_normalised(clouds):
    r = so.solve_sample(clouds.X_a, clouds.X_b, a=clouds.a, b=clouds.b)
    s = so.solve_sample(clouds.X_a, clouds.X_b, a=4 * clouds.a, b=4 * clouds.b)
    assert (r.lower, r.upper) == (s.lower, s.upper)
    one_sided = so.solve_sample(clouds.X_a, clouds.X_b, a=1000 * clouds.a)
    assert one_sided.plan.sum() == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("gauge", [so.Schatten(2), so.Operator(), so.KyFan(2)], ids=repr)
def test_threads_give_the_same_bits(rng, gauge):
    X_a, X_b = rng.normal(size=(300, 3)), rng.normal(size=(310, 3)) * [2, 1, 1]
    one, two, every = (so.solve_sample(X_a, X_b, gauge, n_threads=k) for k in (1, 2, 0))
    for other in (two, every):
        assert (one.lower, one.upper, one.n_iter) == (other.lower, other.upper, other.n_iter)
        for name in ("rows", "cols", "masses", "potential_a", "potential_b", "metric"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_limits_keep_an_honest_bracket(clouds):
    arguments = {"X_a": clouds.X_a, "X_b": clouds.X_b, "gauge": so.Operator(), "a": clouds.a, "b": clouds.b}
    full = so.solve_sample(**arguments, tol=1e-9)
    r = so.solve_sample(**arguments, tol=1e-14, max_iter=1)
    assert not r.converged
    assert r.status == "iteration_limit"
    assert r.n_iter == 1
    assert_brackets_meet(r, full)
    assert "not converged" in repr(r)
    with pytest.raises(so.NotSolved, match="iteration_limit") as caught:
        so.distance(**arguments, tol=1e-14, max_iter=1)
    assert caught.value.result.upper == r.upper
    r = so.solve_sample(**arguments, tol=1e-14, max_seconds=1e-9)
    assert (r.converged, r.status) == (False, "time_limit")
    assert_brackets_meet(r, full)


def test_distance_is_the_root_of_the_value(clouds):
    assert so.distance(clouds.X_a, clouds.X_b, 2) == so.solve_sample(clouds.X_a, clouds.X_b, 2).distance


def test_warm_start_begins_where_an_earlier_result_ended(clouds):
    arguments = {"X_b": clouds.X_b, "gauge": so.Operator(), "a": clouds.a, "b": clouds.b}
    first = so.solve_sample(clouds.X_a, **arguments)
    again = so.solve_sample(clouds.X_a, warm_start=first, **arguments)
    assert again.converged
    assert again.n_iter == 1
    moved = so.solve_sample(clouds.X_a + 1e-3, warm_start=first, **arguments)
    assert_brackets_meet(moved, so.solve_sample(clouds.X_a + 1e-3, **arguments))
    assert so.verify(clouds.X_a + 1e-3, clouds.X_b, moved).ok


def test_warm_start_must_be_a_result_in_the_same_dimension(clouds):
    with pytest.raises(ValueError, match="warm_start: must be a TransportResult, got dict"):
        so.solve_sample(clouds.X_a, clouds.X_b, warm_start={})
    flat = so.solve_sample(clouds.X_a[:, :1], clouds.X_b[:, :1])
    with pytest.raises(ValueError, match="warm_start: must be a result in dimension"):
        so.solve_sample(clouds.X_a, clouds.X_b, warm_start=flat)
