import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import spectralot as so
from test_cli import BAD_INPUT, FILE_TROUBLE, NOT_SOLVED, cli, interrupted

__all__ = ["cli"]  # a fixture


def measures(seed=0, n=20, m=15, d=3):
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(n, d)), random.normal(size=(m, d)) + np.eye(d)[0]
    return (*so.sphere.project(X), *so.sphere.project(Y, np.full(m, 0.3)))


@pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(2), so.Schatten(4), so.Operator(), so.KyFan(2)])
def test_the_bracket_closes_and_a_second_program_confirms_it(gauge):
    r = so.sphere.solve(*measures(), gauge)
    assert r.converged
    assert 0 <= r.lower <= r.value
    assert so.sphere.verify(r).ok


def test_the_coupling_stays_within_the_masses_and_proves_the_value():
    dirs_0, masses_0, dirs_1, masses_1 = measures()
    r = so.sphere.solve(dirs_0, masses_0, dirs_1, masses_1, so.Operator())
    A, B, C = (matrix.toarray() for matrix in r.coupling)
    assert (A.sum(axis=1) <= masses_0 * (1 + 1e-14)).all()
    assert (B.sum(axis=0) <= masses_1 * (1 + 1e-14)).all()
    cross = dirs_0.T @ C @ dirs_1
    S = (dirs_0.T * masses_0) @ dirs_0 + (dirs_1.T * masses_1) @ dirs_1 - cross - cross.T
    assert so.Operator()(S) == pytest.approx(r.value, rel=1e-12)
    assert r.transported + r.destroyed == pytest.approx(masses_0.sum())
    assert r.transported + r.grown + r.created == pytest.approx(masses_1.sum())


def test_the_potentials_prove_the_lower_bound():
    dirs_0, masses_0, dirs_1, masses_1 = measures(1)
    r = so.sphere.solve(dirs_0, masses_0, dirs_1, masses_1, so.Trace(), tol=1e-9)
    K = np.maximum(dirs_0 @ dirs_1.T, 0)
    assert (np.sqrt(np.outer(r.u, r.v)) >= K - 1e-14).all()
    assert masses_0 @ (1 - r.u) + masses_1 @ (1 - r.v) == pytest.approx(r.value, rel=1e-8)


def test_geodesics_join_the_measures_at_constant_speed():
    dirs_0, masses_0, dirs_1, masses_1 = measures(2)
    r = so.sphere.solve(dirs_0, masses_0, dirs_1, masses_1, 2, tol=1e-8)
    for t in (0.25, 0.5):
        first = so.sphere.distance(dirs_0, masses_0, *r.geodesic(t), 2)
        second = so.sphere.distance(*r.geodesic(t), dirs_1, masses_1, 2)
        assert first == pytest.approx(t * r.distance, rel=1e-4)
        assert second == pytest.approx((1 - t) * r.distance, rel=1e-4)


def test_fields_take_a_velocity_apart():
    random = np.random.default_rng(3)
    X, V = random.normal(size=(6, 3)), random.normal(size=(6, 3))
    b, tau = so.sphere.fields(X, V)
    radius = np.linalg.norm(X, axis=1, keepdims=True)
    omega = X / radius
    np.testing.assert_allclose(radius * (b[:, None] * omega + tau), V, atol=1e-14)
    np.testing.assert_allclose((tau * omega).sum(axis=1), 0, atol=1e-14)
    b, tau = so.sphere.fields(np.zeros((1, 3)), np.ones((1, 3)))
    assert not b.any()
    assert not tau.any()


@pytest.mark.parametrize("gauge", [so.Trace(), so.Operator()])
def test_a_relu_network_flows_on_the_sphere_as_in_the_ambient_space(gauge):
    random = np.random.default_rng(4)
    Z = random.normal(size=(300, 2))
    f = so.flow.TwoLayer(Z, np.maximum(Z[:, 0], 0), activation="relu")
    X = random.normal(size=(40, 3))
    ambient = so.flow.run(f, X, gauge, step=1e-3, n_steps=200, method="heun", record_every=200)
    sphere = so.sphere.flow(f, *so.sphere.project(X), gauge, step=1e-3, n_steps=200, record_every=50)
    dirs, masses = so.sphere.project(ambient.points[-1])
    np.testing.assert_allclose(sphere.masses[-1], masses, rtol=1e-3)
    np.testing.assert_allclose(sphere.directions[-1], dirs, atol=1e-3)
    assert sphere.energy[-1] == pytest.approx(ambient.energy[-1], rel=1e-4)
    assert (np.diff(sphere.energy) < 0).all()


@pytest.mark.parametrize("d", [2, 3, 4])
def test_pictures_show_every_atom_once_per_time(d):
    import matplotlib.pyplot as plt

    dirs_0, masses_0, dirs_1, masses_1 = measures(d=d)
    r = so.sphere.solve(dirs_0, masses_0, dirs_1, masses_1, 2)
    ax = so.plot.sphere(r, times=(0, 0.5, 1))
    drawn = [len(dots.get_offsets()) for dots in ax.collections]
    states = [r.geodesic(t)[0] for t in (0, 0.5, 1)]
    assert drawn == [len(s) if d == 2 else int((s[:, 2] >= 0).sum()) for s in states]
    ax = so.plot.directions(dirs_0, masses_0)
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == len(dirs_0)
    plt.close("all")
    with pytest.raises(ValueError, match="two coordinates"):
        so.plot.directions([[1.0]], [1.0])


def test_a_spherical_flow_is_animated_as_particles_with_its_reduction(tmp_path):
    random = np.random.default_rng(9)
    Z = random.normal(size=(50, 2))
    f = so.flow.TwoLayer(Z, np.maximum(Z[:, 0], 0), activation="relu")
    t = so.sphere.flow(f, *so.sphere.project(random.normal(size=(10, 3))), 2, step=0.05, n_steps=10)
    dirs, masses = so.sphere.project(t.points[-1])
    np.testing.assert_allclose(masses, t.masses[-1], rtol=1e-14)
    np.testing.assert_allclose(dirs, t.directions[-1], atol=1e-15)
    assert so.animation.save(t, tmp_path / "flow.html").stat().st_size > 1000
    assert so.animation.save(t, tmp_path / "flow.gif", frames=3).stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"dirs_0": [[2.0, 0.0, 0.0]], "masses_0": [1.0]}, "dirs_0"),
        ({"masses_1": [-1.0] + [1.0] * 14}, "masses_1"),
        ({"masses_1": [1.0]}, "masses_1"),
        ({"dirs_1": [[1.0, 0.0]], "masses_1": [1.0]}, "dirs_1"),
        ({"gauge": so.Entrywise(3)}, "monotone"),
        ({"tol": 0.0}, "tol"),
    ],
)
def test_bad_input_is_named(change, name):
    arguments = dict(zip(("dirs_0", "masses_0", "dirs_1", "masses_1"), measures(), strict=True)) | change
    with pytest.raises(ValueError, match=name):
        so.sphere.solve(**arguments)


@pytest.mark.parametrize("spread", [1.0, 0.3])  # for p = ∞ the saddle metric of caps has rank one
@pytest.mark.parametrize("gauge", [so.Schatten(4), so.Operator(), so.KyFan(2)])
def test_hundreds_of_directions_are_certified_to_six_digits(gauge, spread):
    random = np.random.default_rng(6)
    X, Y = spread * random.normal(size=(2, 300, 3)) + np.eye(3)[0]
    dirs_0, dirs_1 = so.sphere.project(X)[0], so.sphere.project(Y + np.eye(3)[1])[0]
    a, b = random.uniform(0.1, 1, size=(2, 300))
    r = so.sphere.solve(dirs_0, a / a.sum(), dirs_1, 1.5 * b / b.sum(), gauge)
    assert r.converged
    assert r.gap <= 1e-6
    assert so.sphere.verify(r).ok


def test_close_measures_are_never_called_solved_without_a_proof():
    # Sums of masses of size one cancel: see docs/sphere.md on what can be certified.
    dirs_0, masses_0, _, _ = measures(7, n=30)
    for shift in (1e-3, 1e-4, 1e-5, 1e-7):
        turned = so.sphere.project(dirs_0 + shift * np.roll(dirs_0, 1, axis=0))[0]
        r = so.sphere.solve(dirs_0, masses_0, turned, masses_0, so.Schatten(2))
        assert r.lower <= r.value
        assert so.sphere.verify(r).ok
        assert r.converged == (r.gap <= 1e-6 or r.status == "zero_to_rounding")
        if r.value >= 2e-7 * masses_0.sum():
            assert r.converged


def test_a_stored_result_comes_back_whole_and_is_verified_again(tmp_path):
    gauge = so.ConicSum([so.Trace(), so.Operator()], [0.3, 1])
    r = so.sphere.solve(*measures(), gauge)
    r.save(tmp_path / "r.npz")
    back = so.sphere.load(tmp_path / "r.npz")
    for name, value in vars(r).items():
        if name != "gauge":
            np.testing.assert_array_equal(getattr(back, name), value, err_msg=name)
    assert repr(back) == repr(r)
    assert so.sphere.verify(back) == so.sphere.verify(r)
    with pytest.raises(ValueError, match=r"r\.npz.*spectralot\.transport_result"):
        so.load(tmp_path / "r.npz")
    (tmp_path / "half.npz").write_bytes((tmp_path / "r.npz").read_bytes()[:500])
    with pytest.raises(ValueError, match=r"half\.npz"):
        so.sphere.load(tmp_path / "half.npz")


def test_a_result_does_not_change_with_the_callers_arrays():
    arrays = measures()
    r = so.sphere.solve(*arrays, so.Trace())
    arrays[1][:] = 0
    assert so.sphere.verify(r).ok


@pytest.mark.slow
def test_a_tolerance_beyond_precision_ends_with_a_bracket():
    """At the fourth metric a transport once ended in NaN."""
    X, Y = np.random.default_rng(0).normal(size=(2, 1200, 3))
    r = so.sphere.solve(*so.sphere.project(X), *so.sphere.project(Y), so.Operator(), tol=1e-12, max_seconds=15)
    assert 0 <= r.gap < 1e-8


SLOW = """
import numpy as np, spectralot as so, time
random = np.random.default_rng(0)
X, Y = random.normal(size=(2, 1200, 3))
print("go", flush=True)
try:
    so.sphere.solve(*so.sphere.project(X), *so.sphere.project(Y), {gauge}, tol=1e-12)
except so.Interrupted as stop:
    assert isinstance(stop, KeyboardInterrupt)
    print(time.time(), stop.result.status, 0 <= stop.result.lower <= stop.result.upper < np.inf, flush=True)
"""


@pytest.mark.parametrize("gauge", ["so.Operator()", "so.ConicSum([so.Trace(), so.Operator()], [0.1, 1])"])
def test_ctrl_c_stops_within_a_second_and_keeps_the_best_result(gauge):
    process = subprocess.Popen([sys.executable, "-c", SLOW.format(gauge=gauge)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "go\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        sent = time.time()
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    stopped, *rest = out.split()
    assert rest == ["interrupted", "True"]
    assert float(stopped) - sent < 1.0


def test_ctrl_c_on_the_command_line_prints_the_best_bracket(cli):
    random = np.random.default_rng(8)
    X, Y = random.normal(size=(2, 800, 3))
    cli.save(X=X, Y=Y)
    seconds, run = interrupted(cli, "sphere", "X.npy", "Y.npy", "--gauge", "operator", "--tol", "1e-12")
    assert run.returncode == NOT_SOLVED, run
    assert seconds < 1.0
    result = json.loads(run.stdout)
    assert result["status"] == "interrupted"
    assert 0 <= result["lower"] <= result["upper"]


def test_the_command_line_gives_the_same_bracket_and_frames(cli):
    random = np.random.default_rng(5)
    X, Y = random.normal(size=(12, 3)), random.normal(size=(9, 3))
    cli.save(X=X, Y=Y)
    run = cli("sphere", "X.npy", "Y.npy", "--gauge", "operator", "--times", "0,1", "--out", "frames")
    r = so.sphere.solve(*so.sphere.project(X), *so.sphere.project(Y), so.Operator())
    assert run.json["value"] == r.value
    assert np.load(cli / "frames" / "masses_1.npy").sum() == pytest.approx(so.sphere.project(Y)[1].sum())
    cli.refuses("sphere", "X.npy", "Y.npy", "--gauge", "operator", "--times", "2", code=BAD_INPUT, message="times")


def raise_lower(r):
    r["lower"] = r["upper"] * (1 + 1e-9)


def lose_mass(r):
    r["coupling"]["arriving"][0] *= 0.5


def spoil_potential(r):
    r["potentials"]["u"][0] *= 0.9


def spoil_metric(r):
    r["metric"][0][0] *= 0.9


def test_a_stored_result_is_verified_on_the_command_line_and_a_tampered_one_unmasked(cli):
    random = np.random.default_rng(10)
    cli.save(X=random.normal(size=(12, 3)), Y=random.normal(size=(9, 3)), w=np.full(12, 0.2))
    weights = ["--weights-a", "w.npy"]
    r = cli("sphere", "X.npy", "Y.npy", *weights, "--gauge", "schatten:2", "--json", "r.json").json
    stored = json.loads((cli / "r.json").read_text())
    assert {key: stored.pop(key) for key in r} == r
    assert set(stored) == {"potentials", "coupling", "history"}
    v = cli("verify", "X.npy", "Y.npy", "r.json", *weights).json
    assert v["agrees"] is True
    assert v["claimed"]["upper"] == r["value"]
    assert cli("verify", "X.npy", "Y.npy", "r.json", code=NOT_SOLVED).json["agrees"] is False  # other masses
    for spoil in (raise_lower, lose_mass, spoil_potential, spoil_metric):
        spoilt = json.loads((cli / "r.json").read_text())
        spoil(spoilt)
        (cli / "spoilt.json").write_text(json.dumps(spoilt))
        assert cli("verify", "X.npy", "Y.npy", "spoilt.json", *weights, code=NOT_SOLVED).json["agrees"] is False


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r.pop("coupling"), "r.json: no coupling"),
        (lambda r: r["coupling"].update(row=[99]), r"r.json: coupling.row\[0\]: must be an index from 0 to 2, got 99"),
        (lambda r: r["coupling"]["leaving"].append(0.1), "coupling.row: must have as many entries as leaving"),
        (lambda r: r.update(version=2), "r.json: version: must be 1"),
        (lambda r: r["potentials"].pop("v"), "potentials"),
    ],
)
def test_a_malformed_result_is_file_trouble(cli, spoil, message):
    cli.save(X=np.eye(3), Y=np.eye(3)[:2])
    cli("sphere", "X.npy", "Y.npy", "--gauge", "trace", "--json", "r.json")
    result = json.loads((cli / "r.json").read_text())
    spoil(result)
    (cli / "r.json").write_text(json.dumps(result))
    cli.refuses("verify", "X.npy", "Y.npy", "r.json", code=FILE_TROUBLE, message=message)
