"""Steepest-descent selectors: Fenchel equality, optimality, measure version, reference values."""

from __future__ import annotations

import numpy as np
import pytest
import spectralot as so
from conftest import reference
from spectralot.storage import gauge_from_dict
from test_gauges import MONOTONE

EPS = np.finfo(float).eps


@pytest.mark.parametrize("gauge", [*MONOTONE, so.Schatten(0.5), so.Schatten(0.75)], ids=repr)
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_fenchel_equality(gauge, scale, rng):
    G = scale * rng.normal(size=(8, 3))
    J, diagnostics = gauge.selector(G, diagnostics=True)
    # A gauge without closed form is minimised to a certified residual; the others are exact to rounding.
    closed = not isinstance(gauge, (so.Polyhedral, so.ConicSum))
    tolerance = 1e-13 if closed else 1e-9
    assert diagnostics.fenchel_residual <= tolerance
    assert diagnostics.rank == 3
    assert diagnostics.dual_norm == gauge.dual_norm(G)
    assert gauge.norm(J) == pytest.approx(diagnostics.dual_norm, rel=tolerance)
    unit = J / scale, G / scale, diagnostics.dual_norm / scale
    assert np.sum(unit[0] * unit[1]) == pytest.approx(-(unit[2] ** 2), rel=tolerance)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
def test_no_competitor_descends_faster(gauge, rng):
    G = rng.normal(size=(6, 3))
    J = gauge.selector(G)
    best = np.sum(G * J) + gauge.norm(J) ** 2 / 2
    for size in (1e-3, 1e-1, 1.0):
        for V in J + size * rng.normal(size=(20, 6, 3)):
            assert np.sum(G * V) + gauge.norm(V) ** 2 / 2 >= best - 1e-9 * abs(best)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
def test_weights_are_masses(gauge, rng):
    """A particle of weight 2/5 is two particles of weight 1/5; uniform weights are none; weights are normalised."""
    G = rng.normal(size=(4, 3))
    split = gauge.selector(G[[0, 0, 1, 2, 3]])
    merged = gauge.selector(G, weights=[2, 1, 1, 1])
    assert np.allclose(merged, split[1:], rtol=1e-9, atol=1e-9)
    assert np.allclose(gauge.selector(G, weights=np.full(4, 7e200)), gauge.selector(G), rtol=1e-9, atol=1e-9)
    assert np.isfinite(gauge.selector(G, weights=[1, 0, 1, 1])).all()


def test_known_directions(rng):
    G = rng.normal(size=(9, 4))
    U, sigma, Wt = np.linalg.svd(G, full_matrices=False)
    assert np.allclose(so.polar(G), U @ Wt, rtol=0, atol=1e-14)
    assert np.array_equal(so.Trace().selector(G), -G)
    assert np.allclose(so.Operator().selector(G), -sigma.sum() * so.polar(G), rtol=0, atol=1e-13)
    cube_root = -(np.sum(sigma ** (4 / 3)) ** (1 / 2)) * (U * sigma ** (1 / 3)) @ Wt
    assert np.allclose(so.Schatten(2).selector(G), cube_root, rtol=0, atol=1e-13)
    assert np.array_equal(so.Operator().selector(np.zeros((3, 2))), np.zeros((3, 2)))


def test_the_metric_is_active_at_the_velocity_not_at_the_force(rng):
    """Theorem 4.2 of the first version of the paper would give σ^-1 for p = 2; σ^(1/3) descends faster."""
    G = rng.normal(size=(9, 3)) * [1.0, 0.2, 0.05]
    gauge = so.Schatten(2)
    J = gauge.selector(G)
    at_force = -G @ np.linalg.inv(gauge.active(G.T @ G))
    at_force *= gauge.dual_norm(G) / gauge.norm(at_force)
    assert np.sum(G * J) < 0.9 * np.sum(G * at_force)
    Q = gauge.active(J.T @ J)
    assert np.allclose(J, -G @ np.linalg.inv(Q), rtol=1e-12, atol=1e-12)


def selector_cases():
    for item in reference()["selectors"]:
        for entry in item["entries"]:
            name = f"{item['instance']}-{entry['gauge']['name']}-{entry['gauge'].get('p', '')}"
            yield pytest.param(item, entry, id=name)


@pytest.mark.parametrize(("item", "entry"), list(selector_cases()))
def test_reference_selectors(item, entry):
    G, gauge = np.array(item["G"]), gauge_from_dict(entry["gauge"])
    weights = item["weights"]
    J = gauge.selector(G, weights=weights)
    root = np.eye(len(G)) if weights is None else np.diag(np.sqrt(weights))
    sigma = np.linalg.svd(root @ G, compute_uv=False)
    sigma = sigma[sigma > 1e-12 * sigma[0]] if sigma[0] > 0 else np.ones(1)
    expected = np.array(entry["J"])
    tolerance = 50 * EPS + EPS * sigma[0] / sigma[-1]
    assert np.linalg.norm(J - expected) <= tolerance * np.linalg.norm(expected)
    assert gauge.dual_norm(G, weights=weights) == pytest.approx(entry["dual_norm"], rel=1e-13)
