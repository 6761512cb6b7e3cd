"""Metric axioms and invariances of W_γ, on small random clouds, up to the certificates."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import spectralot as so
from conftest import assert_brackets_meet, squared_diameter
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_gauges import MONOTONE

SPECTRAL = [so.Trace(), so.Schatten(1.5), so.Schatten(2), so.Schatten(4), so.Operator(), so.KyFan(2)]
THREE = [gauge for gauge in MONOTONE if gauge not in SPECTRAL] + [so.Schatten(2), so.Operator()]
coordinates = st.integers(-64, 64).map(lambda k: k / 8)


def points(d=3):
    return st.integers(1, 5).flatmap(lambda n: arrays(float, (n, d), elements=coordinates))


def solve(X_a, X_b, gauge, **options):
    return so.solve_sample(X_a, X_b, gauge, **({"tol": 1e-8} | options))


@st.composite
def rotations(draw, d=3):
    seed = draw(st.integers(0, 2**32 - 1))
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def upper_distance(r):
    return np.sqrt(r.upper)


def lower_distance(r):
    return np.sqrt(r.lower)


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points(), Y=points())
def test_symmetry(gauge, X, Y):
    assert_brackets_meet(solve(X, Y, gauge), solve(Y, X, gauge), scale=squared_diameter(X, Y))


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points(), Y=points(), Z=points())
def test_triangle_inequality(gauge, X, Y, Z):
    way_round = upper_distance(solve(X, Y, gauge)) + upper_distance(solve(Y, Z, gauge))
    assert lower_distance(solve(X, Z, gauge)) <= way_round * (1 + 1e-12)


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points())
def test_distance_to_itself_is_zero(gauge, X):
    r = solve(X, X[::-1].copy(), gauge)
    assert r.converged
    assert r.lower == 0
    assert r.upper <= 1e-12 * squared_diameter(X)


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points(), Y=points())
def test_comparison_with_w2(gauge, X, Y):
    w2, r = so.emd_sample(X, Y), solve(X, Y, gauge)
    c, C = gauge.comparison_constants(3)
    rounding = 64 * np.finfo(float).eps * squared_diameter(X, Y)
    assert c * w2.lower <= r.upper + rounding
    assert r.lower <= C * w2.upper + rounding


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points(), Y=points(), shift=arrays(float, 3, elements=coordinates))
def test_translation(gauge, X, Y, shift):
    scale = squared_diameter(X, Y) + np.sum(shift**2)
    assert_brackets_meet(solve(X, Y, gauge), solve(X + shift, Y + shift, gauge), scale=scale)


@pytest.mark.parametrize("gauge", SPECTRAL, ids=repr)
@given(X=points(), Y=points(), R=rotations())
def test_rotation(gauge, X, Y, R):
    scale = np.sum(X**2) + np.sum(Y**2)
    assert_brackets_meet(solve(X, Y, gauge), solve(X @ R.T, Y @ R.T, gauge), scale=scale)


@pytest.mark.parametrize("gauge", THREE, ids=repr)
@given(X=points(), Y=points(), s=st.sampled_from([-3.0, -1.0, 0.37, 1e5]))
def test_scaling(gauge, X, Y, s):
    scale = s**2 * squared_diameter(X, Y)
    assert_brackets_meet(solve(s * X, s * Y, gauge), solve(X, Y, gauge), factor=s**2, scale=scale)


@given(X=points(), Y=points())
def test_decreasing_in_p(X, Y):
    results = [solve(X, Y, p) for p in (1, 1.3, 2, 5, so.inf)]
    for smaller_p, larger_p in pairwise(results):
        assert larger_p.lower <= smaller_p.upper * (1 + 1e-12)


@given(X=points(4), Y=points(4))
def test_ky_fan_increases_in_k_from_operator_to_trace(X, Y):
    results = [solve(X, Y, so.KyFan(k)) for k in (1, 2, 3, 4)]
    scale = squared_diameter(X, Y)
    for fewer, more in pairwise(results):
        assert fewer.lower <= more.upper * (1 + 1e-12)
    assert_brackets_meet(results[0], solve(X, Y, so.Operator()), scale=scale)
    assert_brackets_meet(results[-1], solve(X, Y, so.Trace()), scale=scale)


@given(X=points(), Y=points(), shift=arrays(float, 3, elements=coordinates))
def test_means_split_off_for_a_fixed_metric(X, Y, shift):
    """W_Q² of shifted clouds is W_Q² of the clouds plus the cross term and square of the shift."""
    Q = np.diag([1.0, 0.5, 2.0])
    delta = Y.mean(axis=0) - X.mean(axis=0)
    extra = shift @ Q @ shift + 2 * shift @ Q @ delta
    r, s = so.emd_sample(X, Y, metric=Q), so.emd_sample(X, Y + shift, metric=Q)
    assert s.value == pytest.approx(r.value + extra, abs=1e-13 * (squared_diameter(X, Y, Y + shift) + 1))
