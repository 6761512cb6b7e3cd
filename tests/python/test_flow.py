"""MMD objective and explicit Euler: formulas, energy balance, clocks, laws of the selector along a flow."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import spectralot as so
from test_gauges import MONOTONE


class Quadratic:
    """½ Σ wᵢ |xᵢ|²: the force is x itself."""

    def energy(self, X, weights):
        return float(weights @ (X**2).sum(axis=1)) / 2

    def force(self, X, weights):
        return X


@pytest.fixture
def scene(rng):
    return rng.normal(size=(7, 2)), rng.normal(size=(9, 2)) + 2, rng.uniform(0.5, 1, size=7), rng.uniform(size=9)


def smoothed(X, Y, eps):
    return np.sqrt(((X[:, None] - Y[None]) ** 2).sum(axis=2) + eps**2)


def test_mmd_is_its_formula(scene):
    X, Y, w, b = scene
    f = so.flow.MMD(Y, weights=b, eps=0.1)
    w, b = w / w.sum(), b / b.sum()
    expected = 2 * w @ smoothed(X, Y, 0.1) @ b - w @ smoothed(X, X, 0.1) @ w - b @ smoothed(Y, Y, 0.1) @ b
    assert f.energy(X, w) == pytest.approx(expected, rel=1e-13)
    assert f.energy(X) == pytest.approx(f.energy(X, np.full(7, 1 / 7)), rel=1e-15)
    assert so.flow.MMD(X).energy(X) == pytest.approx(0, abs=1e-14)


def test_force_is_the_gradient_divided_by_the_weights(scene):
    X, Y, w, b = scene
    w /= w.sum()
    f = so.flow.MMD(Y, weights=b)
    G, step = f.force(X, w), 1e-6
    for i, axis in [(0, 0), (3, 1), (6, 0)]:
        up, down = X.copy(), X.copy()
        up[i, axis] += step
        down[i, axis] -= step
        assert w[i] * G[i, axis] == pytest.approx((f.energy(up, w) - f.energy(down, w)) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(2), so.Operator(), so.KyFan(1)], ids=repr)
class TestRun:
    def test_one_step_of_the_force_clock_is_the_measure_selector(self, scene, gauge):
        X, Y, w, _ = scene
        f = so.flow.MMD(Y)
        t = so.flow.run(f, X, gauge, step=0.3, n_steps=1, weights=w)
        w /= w.sum()
        expected = X + 0.3 * gauge.selector(f.force(X, w), weights=w)
        assert np.allclose(t.points[-1], expected, rtol=0, atol=1e-12)
        assert np.array_equal(t.points[0], X)

    def test_one_step_of_the_coordinate_clock_is_the_matrix_selector(self, scene, gauge):
        X, Y, w, _ = scene
        f = so.flow.MMD(Y)
        t = so.flow.run(f, X, gauge, step=0.3, n_steps=1, weights=w, clock="coordinate")
        w /= w.sum()
        expected = X + 0.3 * gauge.selector(w[:, None] * f.force(X, w))
        assert np.allclose(t.points[-1], expected, rtol=0, atol=1e-12)

    def test_for_equal_weights_the_clocks_differ_by_the_factor_n(self, scene, gauge):
        X, Y, _, _ = scene
        f = so.flow.MMD(Y)
        force = so.flow.run(f, X, gauge, step=0.01, n_steps=20)
        coordinate = so.flow.run(f, X, gauge, step=0.07, n_steps=20, clock="coordinate")
        assert np.allclose(force.points, coordinate.points, rtol=0, atol=1e-10)

    def test_dissipation_of_the_force_clock_is_the_squared_dual_norm(self, scene, gauge):
        X, Y, w, _ = scene
        f = so.flow.MMD(Y)
        t = so.flow.run(f, X, gauge, step=0.05, n_steps=5, weights=w)
        w /= w.sum()
        for points, dissipation, energy in zip(t.points, t.dissipation, t.energy, strict=True):
            assert dissipation == pytest.approx(gauge.dual_norm(f.force(points, w), weights=w) ** 2, rel=1e-10)
            assert energy == pytest.approx(f.energy(points, w), rel=1e-12)

    def test_the_energy_balance_closes_with_the_step(self, scene, gauge):
        """The residual of explicit Euler is of first order; smooth here because the force is."""
        X, _, w, _ = scene
        coarse, fine = (
            so.flow.run(Quadratic(), X, gauge, step=0.5 / n, n_steps=n, weights=w).balance_residual[-1]
            for n in (50, 200)
        )
        assert fine < 0.3 * coarse < 0.03


def test_quadratic_flow_of_the_trace_gauge_is_exact():
    """Ẋ = -X by Euler: X_k = (1 - step)^k X_0."""
    X = np.array([[1.0, 2.0], [3.0, -1.0]])
    t = so.flow.run(Quadratic(), X, so.Trace(), step=0.1, n_steps=10)
    for k in range(11):
        assert np.allclose(t.points[k], 0.9**k * X, rtol=1e-14, atol=0)
    assert np.allclose(t.times, 0.1 * np.arange(11), rtol=1e-15, atol=0)


def test_a_python_objective_gives_what_the_built_in_one_gives(scene):
    X, Y, w, _ = scene
    f = so.flow.MMD(Y)

    class Wrapped:
        def energy(self, X, weights):
            return f.energy(X, weights)

        def force(self, X, weights):
            return f.force(X, weights).tolist()

    mine, theirs = (so.flow.run(g, X, step=0.1, n_steps=10, weights=w) for g in (Wrapped(), f))
    assert np.allclose(mine.points, theirs.points, rtol=0, atol=1e-13)  # the two forces are summed in another order
    assert np.allclose(mine.energy, theirs.energy, rtol=1e-12, atol=0)


@pytest.mark.parametrize("gauge", MONOTONE, ids=repr)
def test_every_monotone_gauge_flows_downhill(rng, gauge):
    f = so.flow.MMD(rng.normal(size=(12, 3)) + 3)
    t = so.flow.run(f, rng.normal(size=(10, 3)), gauge, step=0.02, n_steps=20)
    assert (np.diff(t.energy) < 0).all()


def test_records_every_kth_state_and_the_last(scene):
    X, Y, _, _ = scene
    t = so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=10, record_every=4)
    assert np.allclose(t.times, [0, 0.4, 0.8, 1.0], rtol=1e-14, atol=0)
    assert t.points.shape == (4, 7, 2)
    assert t.energy.shape == t.dissipation.shape == t.balance_residual.shape == (4,)
    assert (t.n_steps, t.status) == (10, "solved")
    assert t.weights.sum() == pytest.approx(1, rel=1e-15)
    every = so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=10)
    assert np.array_equal(t.points[:3], every.points[[0, 4, 8]])
    assert t.balance_residual[-1] == every.balance_residual[-1]
    assert so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=0).points.shape == (1, 7, 2)


def test_callback_and_verbose(scene, capsys):
    X, Y, _, _ = scene
    seen = []
    t = so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=10, callback=seen.append, verbose=True)
    assert [at.step for at in seen] == list(range(11))
    assert [at.energy for at in seen] == t.energy.tolist()
    assert "step 10/10" in capsys.readouterr().err

    def stop(at):
        if at.step == 3:
            raise StopIteration

    assert so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=10, callback=stop).status == "interrupted"


def test_a_terminal_sees_a_bar(scene, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    so.flow.run(so.flow.MMD(scene[1]), scene[0], step=0.1, n_steps=10, verbose=True)
    last = terminal.getvalue().split("\r")[-1]
    assert "█" * 30 in last
    assert "step 10/10" in last
    assert last.endswith("\n")


def test_an_objective_that_raises_passes_its_exception(scene):
    class Broken(Quadratic):
        def force(self, X, weights):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        so.flow.run(Broken(), scene[0], step=0.1, n_steps=3)

    class WrongShape(Quadratic):
        def force(self, X, weights):
            return X[:2]

    with pytest.raises(ValueError, match=r"force\(X, weights\): .*\(7, 2\).*\(2, 2\)"):
        so.flow.run(WrongShape(), scene[0], step=0.1, n_steps=3)


def test_coordination_of_common_opposite_and_independent_motion(rng):
    X = rng.normal(size=(300, 2))
    V = rng.normal(size=(300, 2))
    assert so.flow.coordination(X, np.ones((300, 2))) == pytest.approx(1, rel=1e-14)
    assert abs(so.flow.coordination(X, V)) < 0.1
    assert so.flow.coordination([[0, 0], [1, 0]], [[1, 2], [-1, -2]], k=1) == pytest.approx(-1, rel=1e-14)
    assert so.flow.coordination(X, V, weights=np.full(300, 7.0)) == pytest.approx(so.flow.coordination(X, V), rel=1e-12)


def test_mmd_pickles_and_prints(scene):
    f = so.flow.MMD(scene[1], eps=0.05)
    assert pickle.loads(pickle.dumps(f)).energy(scene[0]) == f.energy(scene[0])
    assert "eps=0.05" in repr(f)
    t = so.flow.run(f, scene[0], step=0.1, n_steps=2)
    assert "3 states of 7 particles" in repr(t)
    assert isinstance(f, so.flow.Objective)
