"""The Python face of the dynamic solver: shapes, certificate, bad input, and the static values it must approach."""

import numpy as np
import pytest
import spectralot as so


def bump(n, x, y, deviation):
    at = (np.arange(n) + 0.5) / n
    masses = np.exp(-((at[:, None] - x) ** 2 + (at - y) ** 2) / (2 * deviation**2))
    return masses / masses.sum()


def test_shapes_and_certificate():
    a, b = bump(16, 0.3, 0.4, 0.1), bump(16, 0.7, 0.6, 0.1)
    r = so.dynamic.solve(a, b, so.Operator(), n_times=8, tol=1e-2)
    assert r.converged
    assert r.lower <= r.upper
    assert r.density.shape == (9, 16, 16)
    assert r.momentum.shape == (2, 8, 16, 16)
    assert r.metrics.shape == (8, 2, 2)
    np.testing.assert_allclose(r.density[0], a, rtol=1e-12)
    np.testing.assert_allclose(r.density.sum((1, 2)), 1, rtol=1e-12)
    np.testing.assert_allclose(r.action.mean(), r.value, rtol=1e-12)


@pytest.mark.parametrize(("p", "value"), [(1, 0.82025), (2, 0.72716), (np.inf, 0.68181)])
def test_circle_approaches_the_static_unbalanced_cost(p, value):
    angle = (np.arange(48) + 0.5) * 2 * np.pi / 48
    a, b = (np.exp(k * (np.cos(angle - c) - 1)) for c, k in ((0.3, 4), (1.4, 8)))
    r = so.dynamic.solve_circle(a / a.sum(), 1.6 * b / b.sum(), p, n_times=12, tol=1.5e-2)
    assert r.converged
    assert r.lower * 0.99 < value < r.upper * 1.02


def test_bad_input_is_named():
    a = bump(8, 0.5, 0.5, 0.2)
    for wrong, name in (((a, a[:4]), "density_1"), ((-a, a), "density_0"), ((a, 2 * a), "unbalanced")):
        with pytest.raises(ValueError, match=name):
            so.dynamic.solve(*wrong)
    wall = np.ones((8, 8), bool)
    wall[4] = False
    left, right = np.zeros((8, 8)), np.zeros((8, 8))
    left[1, 1] = right[6, 6] = 1
    with pytest.raises(ValueError, match="apart"):
        so.dynamic.solve(left, right, mask=wall)
