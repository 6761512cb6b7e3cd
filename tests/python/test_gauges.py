"""Gauges as Python values: laws of γ, N, N* and K; equality, repr and pickling."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import spectralot as so
from hypothesis import given
from hypothesis import strategies as st
from spectralot.storage import gauge_from_dict, gauge_to_dict

A = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.8]])
FACES = [np.diag([2.0, 0.5, 0.5]), np.diag([0.3, 1.5, 0.4]), A]
MONOTONE = [
    so.Trace(),
    so.Schatten(1.5),
    so.Schatten(2),
    so.Operator(),
    so.KyFan(2),
    so.WeightedTrace(A),
    so.Polyhedral(FACES),
    so.BlockSum([[0, 1], [2]], [so.Operator(), so.Trace()]),
    so.BlockMax([[0, 2], [1]], [so.Schatten(3), so.Trace()], eta=[1.2, 0.9]),
    so.BlockMax([[0], [1], [2]], [1, 1, 1]),
    so.ConicSum([so.Operator(), so.Trace()], [0.7, 0.3]),
]
GAUGES = [*MONOTONE, so.Entrywise(3)]


def top_eigenvector_metric(S):
    """The active matrix of the operator norm, written by a user."""
    values, vectors = np.linalg.eigh(S)
    top = vectors[:, values > values[-1] * (1 - 1e-12)]
    return top @ top.T / top.shape[1]


def largest_eigenvalue(S):
    return np.linalg.eigvalsh(S)[-1]


@st.composite
def moments(draw, d=3):
    """Second moments of integer points: exactly symmetric, of any rank."""
    rows = draw(st.lists(st.lists(st.integers(-9, 9), min_size=d, max_size=d), min_size=1, max_size=5))
    P = np.array(rows, dtype=float)
    return P.T @ P


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
@given(S=moments())
def test_active_matrix_supports_the_gauge(gauge, S):
    value, Q = gauge(S), gauge.active(S)
    assert np.sum(Q * S) == pytest.approx(value, rel=1e-13, abs=0)
    assert gauge.contains(Q)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
@given(S=moments(), T=moments())
def test_monotone_gauges_grow_with_the_matrix(gauge, S, T):
    assert gauge(S) <= gauge(S + T) * (1 + 1e-13)
    assert np.linalg.eigvalsh(gauge.active(S))[0] >= -1e-13
    assert np.sum(gauge.active(S) * T) <= gauge(T) * (1 + 1e-12) + 1e-12


def test_entrywise_is_not_monotone():
    smaller, larger = np.array([[1.0, 1.0], [1.0, 1.0]]), 2 * np.eye(2)  # larger - smaller is PSD
    gauge = so.Entrywise(3)
    assert gauge(smaller) > gauge(larger)
    assert not gauge.is_monotone


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
@given(S=moments())
def test_comparison_constants_bracket_the_gauge(gauge, S):
    c, C = gauge.comparison_constants(3)
    assert c * np.trace(S) * (1 - 1e-13) <= gauge(S) <= C * np.trace(S) * (1 + 1e-13)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
def test_norm_is_the_root_of_the_gauge_of_the_second_moment(gauge, rng):
    V, w = rng.normal(size=(7, 3)), rng.uniform(size=7)
    assert gauge.norm(V) == pytest.approx(np.sqrt(gauge(V.T @ V)), rel=1e-14)
    w /= w.sum()
    assert gauge.norm(V, weights=w) == pytest.approx(np.sqrt(gauge(V.T @ np.diag(w) @ V)), rel=1e-14)
    assert gauge.norm(V) == pytest.approx(np.sqrt(7) * gauge.norm(V, weights=np.ones(7)), rel=1e-14)
    assert gauge.dual_norm(V) == pytest.approx(np.sqrt(7) * gauge.dual_norm(V, weights=np.ones(7)), rel=1e-10)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
@given(seed=st.integers(0, 2**32 - 1))
def test_dual_norm_pairs_with_the_norm(gauge, seed):
    V, G = np.random.default_rng(seed).normal(size=(2, 6, 3))
    assert np.sum(G * V) <= gauge.norm(V) * gauge.dual_norm(G) * (1 + 1e-9)


def test_shorthands():
    assert so.Trace() == so.Schatten(1)
    assert so.Operator() == so.Schatten(np.inf) == so.Schatten(p=so.inf)
    S = np.diag([3.0, 2.0, 1.0])
    assert so.Trace()(S) == 6
    assert so.Operator()(S) == 3
    assert so.KyFan(2)(S) == 5
    assert so.Schatten(2)(S) == pytest.approx(np.sqrt(14), rel=1e-15)


def test_ties_are_broken_isotropically():
    assert np.allclose(so.Operator().active(np.eye(4)), np.eye(4) / 4, rtol=0, atol=1e-15)
    expected = np.diag([1, 0.5, 0.5])
    assert np.allclose(so.KyFan(2).active(np.diag([3.0, 2.0, 2.0])), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
def test_repr_pickle_copy_and_dictionary_read_back(gauge):
    for again in (
        eval(repr(gauge), vars(so).copy()),
        pickle.loads(pickle.dumps(gauge)),
        copy.deepcopy(gauge),
        gauge_from_dict(gauge_to_dict(gauge)),
    ):
        assert again == gauge
        assert hash(again) == hash(gauge)
        assert again(np.diag([1.0, 2.0, 3.0])) == gauge(np.diag([1.0, 2.0, 3.0]))


def test_different_gauges_differ():
    assert len(set(GAUGES)) == len(GAUGES)
    assert so.Schatten(2) != so.Schatten(2.5)
    assert so.Schatten(2) != 2
    assert so.BlockMax([[0], [1]], [1, 1]) != so.BlockSum([[0], [1]], [1, 1])


def test_gauges_are_immutable():
    with pytest.raises(AttributeError):
        so.Schatten(2).p = 3
    matrix = np.eye(2)
    gauge = so.WeightedTrace(matrix)
    matrix[0, 0] = 5
    assert gauge(np.eye(2)) == 2


def test_custom_gauge_behaves_like_the_one_it_copies():
    gauge, twin = so.CustomGauge(largest_eigenvalue, top_eigenvector_metric), so.Operator()
    S = np.diag([1.0, 4.0, 2.0])
    assert gauge(S) == twin(S)
    assert np.array_equal(gauge.active(S), np.diag([0.0, 1.0, 0.0]))
    assert gauge == so.CustomGauge(largest_eigenvalue, top_eigenvector_metric)
    assert gauge != so.CustomGauge(largest_eigenvalue, top_eigenvector_metric, monotone=False)
    assert pickle.loads(pickle.dumps(gauge)) == gauge
    assert eval(repr(gauge), vars(so) | globals()) == gauge


def test_custom_gauge_passes_the_exceptions_of_its_functions():
    def broken(S):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        so.CustomGauge(broken, top_eigenvector_metric)(np.eye(2))
    with pytest.raises(ZeroDivisionError, match="mine"):
        so.solve_sample(np.eye(2), -np.eye(2), so.CustomGauge(broken, top_eigenvector_metric))
    with pytest.raises(ValueError, match="value"):
        so.CustomGauge(lambda S: "high", top_eigenvector_metric)(np.eye(2))
    with pytest.raises(ValueError, match="active"):
        so.CustomGauge(largest_eigenvalue, lambda S: np.eye(5)).active(np.eye(2))


@pytest.mark.parametrize(
    ("gauge", "inside", "outside"),
    [
        (so.Operator(), np.eye(2) / 2, np.eye(2)),
        (so.Trace(), np.eye(2), 1.1 * np.eye(2)),
        (so.Schatten(2), np.eye(2) / np.sqrt(2), np.eye(2)),
        (so.KyFan(1), np.diag([1.0, 0.0]), np.diag([1.0, 0.1])),
        (so.Entrywise(2), np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 1.1], [1.1, 1.0]])),
    ],
    ids=lambda v: repr(v) if isinstance(v, so.Gauge) else "",
)
def test_membership_in_K(gauge, inside, outside):
    assert gauge.contains(inside)
    assert not gauge.contains(outside)
