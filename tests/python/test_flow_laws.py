"""Laws of the paper along flows: distances, convexity along geodesics, implicit steps, resuming, user objectives."""

from __future__ import annotations

import json

import numpy as np
import pytest
import spectralot as so

GAUGES = [so.Trace(), so.Schatten(2), so.Operator()]


@pytest.fixture
def scene(rng):
    X = rng.normal(size=(24, 2))
    return so.flow.MMD(rng.normal(size=(20, 2)) + 2, kernel="gaussian", eps=2.0), X, rng.uniform(0.5, 1, size=24)


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
class TestDistances:
    def test_a_step_moves_at_most_its_speed_times_its_length(self, scene, gauge):
        f, X, w = scene
        J = gauge.selector(f.force(X, w), weights=w)
        speed = gauge.norm(J, weights=w)
        for h in (1e-3, 0.1, 10.0):
            r = so.solve_sample(X, X + h * J, gauge, a=w, b=w, tol=1e-8)
            assert r.lower <= (h * speed) ** 2 * (1 + 1e-12)
            if h == 1e-3:  # generic clouds: the fixed pairing is optimal for small steps
                assert r.upper == pytest.approx((h * speed) ** 2, rel=2e-8)

    def test_action_bounds_the_distance_of_the_ends(self, scene, gauge):
        """T·∫N(v)² dt ≥ W_γ²(X_0, X_T): exact for Euler paths, which are piecewise straight."""
        f, X, w = scene
        t = so.flow.run(f, X, gauge, step=0.2, n_steps=30, weights=w)
        action = 0.2 * t.dissipation[:-1].sum()  # N(v)² = N*² = dissipation
        r = so.solve_sample(t.points[0], t.points[-1], gauge, a=w, b=w, tol=1e-8)
        assert t.times[-1] * action >= r.lower
        assert r.lower > 0.01 * t.times[-1] * action

    def test_an_implicit_step_reports_the_distance_it_went(self, scene, gauge):
        f, X, w = scene
        r = so.flow.jko_step(f, X, gauge, 0.5, weights=w)
        direct = so.solve_sample(X, r.points, gauge, a=w, b=w, tol=1e-6)
        assert r.converged
        assert r.certified
        assert max(r.lower, direct.lower) <= min(r.upper, direct.upper) * (1 + 1e-12)
        assert 0 <= r.pairing_excess <= r.pairing_cost - r.lower
        assert r.energy + r.pairing_cost / (2 * r.tau) <= r.energy_before
        assert "iterations, solved" in repr(r)


def along(f, X, Y, gauge, times=(0.25, 0.5, 0.75)):
    """f along a computed geodesic, beside its chord, and the certified squared distance."""
    r = so.solve_sample(X, Y, gauge, tol=1e-9)
    ends = f.energy(*r.geodesic(0)), f.energy(*r.geodesic(1))
    return [(t, f.energy(*r.geodesic(t)), (1 - t) * ends[0] + t * ends[1]) for t in times], r


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
class TestConvexity:
    def test_convex_potentials_are_convex_along_geodesics(self, rng, gauge):
        kappa = 2.0
        f = so.flow.Potential(lambda X: kappa / 2 * (X**2).sum(1) + (X**4).sum(1), lambda X: kappa * X + 4 * X**3)
        for seed in range(3):
            X, Y = np.random.default_rng(seed).normal(size=(2, 15, 2))
            values, r = along(f, X, Y, gauge)
            for t, value, chord in values:  # κI ⪰ κQ for every Q in K of a Schatten gauge
                assert value <= chord - kappa / 2 * t * (1 - t) * r.lower + 1e-12 * chord

    def test_convex_interactions_are_convex_along_geodesics(self, rng, gauge):
        f = so.flow.Interaction(lambda Z: (Z**4).sum(1), lambda Z: 4 * Z**3)
        X, Y = rng.normal(size=(2, 15, 2))
        for _, value, chord in along(f, X, Y, gauge)[0]:
            assert value <= chord * (1 + 1e-12)

    def test_a_potential_that_is_not_convex_fails_on_two_diracs(self, gauge):
        f = so.flow.Potential(lambda X: -np.cos(X[:, 0]), lambda X: np.stack([np.sin(X[:, 0]), 0 * X[:, 1]], axis=1))
        (_, value, chord) = along(f, [[np.pi - 1, 0.0]], [[np.pi + 1, 0.0]], gauge, times=[0.5])[0][0]
        assert value > chord + 0.1


@pytest.mark.parametrize("gauge", [so.WeightedTrace([[2.0, 0.5], [0.5, 1.0]]), so.Trace()], ids=repr)
def test_the_quadratic_of_the_metric_is_one_convex_with_equality(rng, gauge):
    """For K = {A} and h = ½xᵀAx, f(μ_t) is its chord minus ½t(1-t)W²: κ = 1 is attained."""
    A = gauge.active(np.eye(2))
    f = so.flow.Potential(lambda X: 0.5 * ((X @ A) * X).sum(1), lambda X: X @ A)
    X, Y = rng.normal(size=(2, 15, 2))
    values, r = along(f, X, Y, gauge)
    for t, value, chord in values:
        assert value == pytest.approx(chord - t * (1 - t) / 2 * r.value, rel=1e-9)


@pytest.mark.parametrize("gauge", GAUGES, ids=repr)
def test_a_hessian_below_kappa_in_one_direction_fails_on_two_diracs(gauge):
    """∇²h = diag(4, 1) is not ⪰ 2I, and Diracs apart along the second axis show it for every Schatten gauge."""
    f = so.flow.Potential(lambda X: 0.5 * (X**2 @ [4.0, 1.0]), lambda X: X * [4.0, 1.0])
    (t, value, chord), r = along(f, [[0.0, 0.0]], [[0.0, 1.0]], gauge, times=[0.5])[0][0], 1.0
    kappa = 2.0
    assert value > chord - kappa / 2 * t * (1 - t) * r + 0.1
    assert value == pytest.approx(chord - 1.0 / 2 * t * (1 - t) * r, rel=1e-12)  # κ = 1, the least eigenvalue, holds


def test_reflection_of_a_strip_is_optimal_for_p_infinity_and_collapses_it():
    """math.md §7: translation and reflected translation of a symmetric strip cost the same at p = ∞."""
    y = np.linspace(-1, 1, 21)
    X = np.stack([np.zeros(21), y], axis=1)
    Y = X + np.array([3.0, 0.0])
    r = so.solve_sample(X, Y, so.Operator(), tol=1e-9)
    S = lambda D: D.T @ D / len(D)  # noqa: E731
    translated, reflected = (so.Operator()(S(Z - X)) for Z in (Y, Y * [1, -1]))
    assert r.lower <= translated == pytest.approx(9, rel=1e-12)
    assert reflected == pytest.approx(r.upper, rel=1e-9)  # the vertical displacement costs nothing: 4E[y²] < 9
    half = (X + Y * [1, -1]) / 2
    assert np.ptp(half[:, 1]) == 0  # so an energy of spread, convex along the translation, is infinite half way
    assert so.Trace()(S(Y * [1, -1] - X)) > so.Trace()(S(Y - X)) + 1  # while p = 1 forbids it


def test_resuming_from_a_file_gives_the_same_bits(scene, tmp_path):
    f, X, w = scene
    options = {"step": 0.1, "method": "heun", "momentum": 0.5}
    whole = so.flow.run(f, X, n_steps=20, weights=w, **options)
    first = so.flow.run(f, X, n_steps=8, weights=w, **options)
    first.state.save(tmp_path / "state.npz")
    second = so.flow.run(f, so.flow.load_state(tmp_path / "state.npz"), n_steps=12, **options)
    for name in ("points", "energy", "times", "balance_residual", "kinetic"):
        assert np.array_equal(getattr(second, name)[-1], getattr(whole, name)[-1]), name
    assert np.array_equal(so.flow.run(f, first, n_steps=12, **options).points, second.points)
    with pytest.raises(ValueError, match="weights: must be left out"):
        so.flow.run(f, first, n_steps=1, step=0.1, weights=w)
    (tmp_path / "broken.npz").write_bytes((tmp_path / "state.npz").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"broken\.npz: not a readable state"):
        so.flow.load_state(tmp_path / "broken.npz")
    first.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as file:
        assert np.array_equal(file["points"], first.points)


def test_a_stopped_flow_goes_on_as_if_it_had_not(scene):
    f, X, w = scene

    def stop(at):
        if at.step == 7:
            raise StopIteration

    options = {"step": 0.1, "method": "rk4", "momentum": 0.3}
    first = so.flow.run(f, X, n_steps=20, weights=w, callback=stop, **options)
    assert (first.status, first.n_steps, first.state.step) == ("interrupted", 7, 7)
    rest = so.flow.run(f, first, n_steps=13, **options)
    whole = so.flow.run(f, X, n_steps=20, weights=w, **options)
    assert np.array_equal(np.concatenate([first.points, rest.points[1:]]), whole.points)
    assert np.array_equal(rest.balance_residual[1:], whole.balance_residual[8:])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"version": 2}, "version must be 1, got 2"),
        ({"format": "spectralot.transport_result"}, "header must say format spectralot.flow_state"),
        ({"step": -1}, "step: must be non-negative, got -1"),
        ({"step": 1.5}, "step: must be int, got 1.5"),
        ({"time": "now"}, "time: must be float, got 'now'"),
        ({"points": np.full((2, 2), np.nan)}, "points: entries must be finite"),
        ({"points": np.ones((2, 2)) * 1j}, "points: must be real"),
        ({"weights": np.ones(3)}, r"weights: must have shape \(2,\)"),
        ({"momentum": np.ones((3, 2))}, r"momentum: must have the shape of points, \(2, 2\)"),
        ({"points": None}, "entry 'points.* is missing"),
    ],
)
def test_nothing_in_the_file_of_a_state_is_trusted(tmp_path, changes, complaint):
    X = np.arange(4.0).reshape(2, 2)
    state = so.flow.run(so.flow.MMD(X + 1), X, step=0.1, n_steps=1).state
    path = tmp_path / "state.npz"
    state.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(str(arrays["header"]))
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif value is None:
            del arrays[name]
        else:
            header[name] = value
    np.savez(path, **(arrays | {"header": np.array(json.dumps(header))}))
    with pytest.raises(ValueError, match=rf"state\.npz: not a readable state of a flow: {complaint}"):
        so.flow.load_state(path)


class Lasso:
    """½ mean |<x, z> - 1|² with mini-batches, in plain Python."""

    def __init__(self, Z):
        self.Z, self.n_data = Z, len(Z)

    def energy(self, X, weights):
        return float(((X.T @ weights @ self.Z.T - 1) ** 2).mean() / 2)

    def force(self, X, weights):
        return self.batch_force(X, weights, np.arange(self.n_data))

    def batch_force(self, X, weights, indices):
        Z = self.Z[indices]
        return np.tile((X.T @ weights @ Z.T - 1) @ Z / len(Z), (len(X), 1))


def test_python_objectives_may_have_mini_batches(rng, monkeypatch):
    f, X = Lasso(rng.normal(size=(30, 3))), rng.normal(size=(5, 3))
    full, same = (so.flow.run(f, X, 1, step=0.1, n_steps=20, batch_size=b) for b in (None, None))
    assert np.array_equal(full.points, same.points)
    one, again = (so.flow.run(f, X, 1, step=0.1, n_steps=20, batch_size=4, rng=7) for _ in range(2))
    other = so.flow.run(f, X, 1, step=0.1, n_steps=20, batch_size=4, rng=np.random.default_rng(7))
    assert np.array_equal(one.points, again.points)
    assert not np.array_equal(one.points, other.points)
    assert one.energy[-1] < one.energy[0]
    monkeypatch.delattr(Lasso, "batch_force")
    with pytest.raises(ValueError, match="f: must have batch_force"):
        so.flow.run(f, X, 1, step=0.1, n_steps=1)
    with pytest.raises(ValueError, match="batch_size"):
        so.flow.run(so.flow.Potential(lambda X: X[:, 0], lambda X: X), X, step=0.1, n_steps=1, batch_size=2)


def test_a_user_force_that_breaks_keeps_what_there_was(rng):
    class Breaks:
        def energy(self, X, weights):
            return float(weights @ (X**2).sum(1)) / 2

        def force(self, X, weights):
            return X if abs(X[0, 0]) > 0.6 else X * np.nan

    t = so.flow.run(Breaks(), np.ones((3, 2)), 1, step=0.1, n_steps=100, record_every=3)
    assert (t.status, t.n_steps, len(t.points)) == ("stalled", 4, 3)
    assert "step 5" in t.reason
    assert np.isfinite(t.energy).all()


def test_objectives_add_up(scene, rng):
    f, X, w = scene
    h = so.flow.Potential(lambda X: (X**2).sum(1) / 2, lambda X: X, smoothness=1.0)
    total = f + 0.5 * h
    w = w / w.sum()
    assert total.energy(X, w) == pytest.approx(f.energy(X, w) + 0.5 * h.energy(X, w), rel=1e-14)
    assert np.allclose(total.force(X, w), f.force(X, w) + 0.5 * X, rtol=0, atol=1e-14)
    assert total.smoothness == f.smoothness + 0.5
    assert total.n_data == f.n_data
    t = so.flow.run(total, X, 1, step=10.0, n_steps=200, method="descent", weights=w)
    assert t.descent.all()
    assert np.abs(total.force(t.points[-1], w)).max() < 1e-6
    with pytest.raises(ValueError, match="dimension"):
        so.flow.Sum([f, so.flow.MMD(rng.normal(size=(4, 3)))])


def test_a_user_activation_is_the_built_in_one(rng):
    Z, y, X = rng.normal(size=(40, 2)), rng.normal(size=40), rng.normal(size=(9, 3))
    mine = so.flow.TwoLayer(Z, y, (np.tanh, lambda t: 1 - np.tanh(t) ** 2))
    theirs = so.flow.TwoLayer(Z, y, "tanh")
    assert mine.energy(X) == pytest.approx(theirs.energy(X), rel=1e-12)
    assert np.allclose(mine.force(X), theirs.force(X), rtol=1e-9, atol=1e-13)
    assert mine.predict(X).shape == (40, 1)


def test_attention_weights_are_those_of_the_risk(rng):
    tokens, X = rng.normal(size=(3, 5, 4)), rng.normal(size=(6, 32))
    f = so.flow.Attention(tokens, np.zeros((3, 5, 4)), 2)
    p = f.attention_weights(X)
    V, O = np.moveaxis(X.reshape(6, 4, 2, 4), 1, 0)[2:]
    H = np.einsum("nsji,nab,sib,nac->sjc", p, V, tokens, O) / 6
    assert np.allclose(f.predict(X), H, rtol=0, atol=1e-13)
    assert np.allclose(p.sum(-1), 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda Z: so.flow.TwoLayer(Z, Z[:3, 0]), "y: must have one row per input"),
        (lambda Z: so.flow.TwoLayer(Z, Z[:, 0], "step"), "activation: must be one of"),
        (lambda Z: so.flow.TwoLayer(Z, Z[:, 0], (np.tanh, 3)), "activation: must be a name or two callables"),
        (lambda Z: so.flow.TwoLayer(Z, Z[:, 0], (np.tanh,)), "activation: must be a name or two callables"),
        (lambda Z: so.flow.TwoLayer(Z, Z[:, 0], 3), "activation: must be a name or two callables, got 3"),
        (lambda Z: so.flow.Attention(Z, Z, 1), "tokens: must have shape"),
        (lambda Z: so.flow.Attention(Z[None], Z[None], 0), "d_head"),
        (lambda Z: so.flow.Potential(1, 2), "h: must be a callable"),
        (lambda Z: so.flow.NewtonSchulz("newton"), "schedule: must be one of"),
        (lambda Z: so.flow.NewtonSchulz(iterations=0), "iterations: must be at least 1, got 0"),
        (lambda Z: so.flow.NewtonSchulz(bound=-1), "bound: must be positive, got -1"),
        (lambda Z: so.flow.run(so.flow.MMD(Z), Z, step=0.1, n_steps=1, selector="muon"), "selector: must be a Newton"),
        (lambda Z: so.flow.run(so.flow.MMD, Z, step=0.1, n_steps=1), "f: must be an objective, not its class.* MMD"),
        (lambda Z: so.flow.jko_step(so.flow.MMD(Z), Z, 1, -1.0), "tau: must be positive"),
        (lambda Z: so.flow.run(so.flow.MMD(Z), Z, 2, step=0.1, n_steps=1, momentum=0.01), "momentum: must be 0 or at"),
        (lambda Z: so.flow.run(so.flow.MMD(Z), Z, step=0.1, n_steps=1, method="midpoint"), "method: must be one of"),
        (lambda Z: so.flow.run(so.flow.MMD(Z), np.ones((2, 3)), step=0.1, n_steps=1), "X0: must have the 2 coord"),
        (
            lambda Z: so.flow.run(so.flow.MMD(Z), Z, 1, step=0.1, n_steps=1, selector=so.flow.NewtonSchulz()),
            "gauge: must be the operator's",
        ),
    ],
)
def test_bad_input_is_named(rng, make, message):
    with pytest.raises(ValueError, match=message):
        make(rng.normal(size=(8, 2)))
