"""What a result gives besides its value: verification, geodesics, matchings, gradients, files."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import spectralot as so
from conftest import assert_brackets_meet
from test_gauges import FACES, GAUGES, largest_eigenvalue, top_eigenvector_metric

PLANAR = [so.Trace(), so.Schatten(1.5), so.Schatten(2), so.Operator(), so.KyFan(1), so.BlockSum([[0], [1]], [1, 1])]
FIELDS = [field.name for field in dataclasses.fields(so.TransportResult)]


@pytest.fixture(params=[so.Trace(), so.Schatten(2), so.Operator()], ids=repr)
def solved(request, clouds):
    return so.solve_sample(clouds.X_a, clouds.X_b, request.param, a=clouds.a, b=clouds.b, tol=1e-10)


def same(r, s):
    return all(np.array_equal(getattr(r, name), getattr(s, name)) for name in FIELDS)


class TestVerify:
    def test_confirms_the_bracket(self, solved):
        proof = so.verify(solved.X_a, solved.X_b, solved)
        assert proof.ok
        assert proof.lower == pytest.approx(solved.lower, rel=1e-9)
        assert proof.upper == pytest.approx(solved.upper, rel=1e-9)
        assert proof.gap <= 1e-9
        assert proof.marginal_error <= 1e-14
        assert proof.metric_excess <= 1e-12

    def test_proves_less_for_a_tampered_result(self, solved):
        truth = so.verify(solved.X_a, solved.X_b, solved)
        shifted = copy.copy(solved)
        object.__setattr__(shifted, "potential_a", solved.potential_a + 1)
        inflated = copy.copy(solved)
        object.__setattr__(inflated, "metric", 4 * solved.metric)
        object.__setattr__(inflated, "potential_a", 4 * solved.potential_a)
        object.__setattr__(inflated, "potential_b", 4 * solved.potential_b)
        for lie in (shifted, inflated):
            proof = so.verify(solved.X_a, solved.X_b, lie)
            assert proof.lower <= truth.upper * (1 + 1e-9)
        claimed = copy.copy(solved)
        object.__setattr__(claimed, "lower", 1.01 * solved.upper)
        assert not so.verify(solved.X_a, solved.X_b, claimed).ok

    def test_other_clouds_are_not_confirmed(self, solved):
        assert not so.verify(solved.X_a + 10, solved.X_b, solved).ok
        with pytest.raises(ValueError, match=r"X_a: .*12 points"):
            so.verify(solved.X_a[:5], solved.X_b, solved)


class TestGeodesic:
    @pytest.mark.parametrize("gauge", PLANAR, ids=repr)
    def test_has_constant_speed(self, clouds, gauge):
        """W(μ_s, μ_t) = |t-s| W, from the certificates on both sides."""
        r = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=clouds.a, b=clouds.b, tol=1e-9)
        for s, t in [(0, 1), (0, 0.5), (0.25, 0.75), (0.3, 1)]:
            (points_s, weights_s), (points_t, weights_t) = r.geodesic(s), r.geodesic(t)
            piece = so.solve_sample(points_s, points_t, gauge, a=weights_s, b=weights_t, tol=1e-9)
            assert piece.converged
            assert_brackets_meet(piece, r, factor=(t - s) ** 2, scale=1.0)

    def test_starts_and_ends_at_the_clouds(self, solved):
        points, weights = solved.geodesic(0)
        assert np.array_equal(points, solved.X_a[solved.rows])
        assert weights.sum() == pytest.approx(1, rel=1e-14)
        points, _ = solved.geodesic(1)
        assert np.array_equal(points, solved.X_b[solved.cols])

    def test_needs_a_monotone_gauge(self, two_diracs):
        r = so.solve_sample(two_diracs.X_a, two_diracs.X_b, so.Entrywise(1))
        with pytest.raises(ValueError, match="monotone"):
            r.geodesic(0.5)


def test_barycentric_map_averages_the_targets(solved):
    P = solved.plan
    expected = P @ solved.X_b / P.sum(axis=1)[:, None]
    assert np.allclose(solved.barycentric_map(), expected, rtol=1e-13, atol=1e-13)


class TestMatching:
    @pytest.mark.parametrize(("p", "value"), [(2, np.sqrt(2)), (so.inf, 1)])
    def test_of_the_two_dirac_pairs_costs_two(self, two_diracs, p, value):
        r = so.solve_sample(two_diracs.X_a, two_diracs.X_b, p)
        indices, cost = r.matching()
        assert sorted(indices) == [0, 1]
        assert cost == pytest.approx(2, rel=1e-15)
        assert cost > r.value

    @pytest.mark.parametrize("gauge", GAUGES, ids=repr)
    def test_is_a_permutation_that_costs_no_less_than_the_plan(self, rng, gauge):
        X_a, X_b = rng.normal(size=(2, 20, 3))
        r = so.solve_sample(X_a, X_b, gauge)
        indices, cost = r.matching()
        assert sorted(indices) == list(range(20))
        V = X_b[indices] - X_a
        assert cost == pytest.approx(gauge(V.T @ V / 20), rel=1e-13)
        assert cost >= r.lower

    def test_needs_as_many_points_of_equal_weight(self, solved):
        with pytest.raises(ValueError, match=r"."):
            solved.matching()


class TestGradient:
    @pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(1.5), so.Schatten(2), so.Schatten(4)], ids=repr)
    def test_points_against_finite_differences(self, clouds, gauge):
        def value(X_a, X_b):
            r = so.solve_sample(X_a, X_b, gauge, a=clouds.a, b=clouds.b, tol=1e-13)
            return (r.lower + r.upper) / 2

        r = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=clouds.a, b=clouds.b, tol=1e-12)
        dX_a, dX_b, _, _ = r.gradient()
        step = 1e-5
        for i in (0, 7):
            for axis in (0, 1):
                for which, exact in ((0, dX_a), (1, dX_b)):
                    ends = []
                    for sign in (1, -1):
                        moved = [clouds.X_a.copy(), clouds.X_b.copy()]
                        moved[which][i, axis] += sign * step
                        ends.append(value(*moved))
                    numeric = (ends[0] - ends[1]) / (2 * step)
                    assert numeric == pytest.approx(exact[i, axis], rel=1e-4, abs=1e-5 * np.abs(exact).max())

    def test_points_formula(self, solved):
        dX_a, dX_b, _, _ = solved.gradient()
        P, Q = solved.plan, solved.metric
        expected = 2 * (P.sum(axis=1)[:, None] * solved.X_a - P @ solved.X_b) @ Q
        assert np.allclose(dX_a, expected, rtol=0, atol=1e-13)
        assert np.allclose(dX_a.sum(axis=0), -dX_b.sum(axis=0), rtol=0, atol=1e-13)

    @pytest.mark.parametrize("gauge", [so.Trace(), so.Schatten(2)], ids=repr)
    def test_weights_against_finite_differences(self, clouds, gauge):
        a, b = clouds.a / clouds.a.sum(), clouds.b / clouds.b.sum()
        r = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=a, b=b, tol=1e-12)
        _, _, da, db = r.gradient()
        assert a @ da == pytest.approx(0, abs=1e-13 * r.value)
        assert b @ db == pytest.approx(0, abs=1e-13 * r.value)
        step = 1e-6
        for which, exact in ((0, da), (1, db)):
            ends = []
            for sign in (1, -1):
                weights = [a.copy(), b.copy()]
                weights[which][[2, 5]] += sign * step * np.array([1, -1])
                s = so.solve_sample(clouds.X_a, clouds.X_b, gauge, a=weights[0], b=weights[1], tol=1e-13)
                ends.append((s.lower + s.upper) / 2)
            assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(exact[2] - exact[5], rel=1e-4)


class TestFiles:
    @pytest.mark.parametrize("gauge", GAUGES, ids=repr)
    def test_round_trip_keeps_everything(self, rng, tmp_path, gauge):
        r = so.solve_sample(rng.normal(size=(5, 3)), rng.normal(size=(6, 3)), gauge)
        r.save(tmp_path / "r.npz")
        s = so.load(tmp_path / "r.npz")
        assert same(r, s)
        assert so.verify(s.X_a, s.X_b, s).ok
        assert repr(s) == repr(r)

    def test_weights_and_exact_transport_survive(self, clouds, solved, tmp_path):
        for r in (solved, so.emd_sample(clouds.X_a, clouds.X_b, clouds.a, clouds.b, metric=np.diag([1.0, 0.0]))):
            r.save(str(tmp_path / "r.npz"))
            assert same(r, so.load(str(tmp_path / "r.npz")))
        assert [file.name for file in tmp_path.iterdir()] == ["r.npz"]

    def test_custom_gauge_is_passed_again(self, two_diracs, tmp_path):
        gauge = so.CustomGauge(largest_eigenvalue, top_eigenvector_metric)
        so.solve_sample(two_diracs.X_a, two_diracs.X_b, gauge).save(tmp_path / "r.npz")
        with pytest.raises(ValueError, match="CustomGauge"):
            so.load(tmp_path / "r.npz")
        assert so.load(tmp_path / "r.npz", gauge=gauge).gauge == gauge

    def test_failed_save_leaves_the_old_file(self, solved, tmp_path, monkeypatch):
        path = tmp_path / "r.npz"
        solved.save(path)
        before = path.read_bytes()
        monkeypatch.setattr(np, "savez_compressed", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            solved.save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_missing_folder_is_named(self, solved, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"No such folder to write to: .*/no/r\.npz'"):
            solved.save(tmp_path / "no" / "r.npz")

    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
            so.load(tmp_path / "absent.npz")

    def test_truncated_file_is_named(self, solved, tmp_path):
        path = tmp_path / "cut.npz"
        solved.save(path)
        whole = path.read_bytes()
        for length in (0, 1, 20, 100, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"cut\.npz"):
                so.load(path)

    def test_flipped_bytes_never_crash(self, solved, tmp_path, rng):
        path = tmp_path / "bad.npz"
        solved.save(path)
        whole = path.read_bytes()
        for _ in range(300):
            damaged = bytearray(whole)
            for position in rng.integers(len(whole), size=3):
                damaged[position] = rng.integers(256)
            path.write_bytes(damaged)
            with contextlib.suppress(ValueError):
                so.load(path)

    @pytest.mark.parametrize("spoilt", [b"(12Y2)", b"(12, 2", b"\n12, 2)", b"(12, 2]"])
    def test_an_array_header_that_numpy_cannot_parse(self, solved, tmp_path, spoilt):
        path = tmp_path / "header.npz"
        solved.save(path)
        with zipfile.ZipFile(path) as file:
            members = {name: file.read(name) for name in file.namelist()}
        members["X_a.npy"] = members["X_a.npy"].replace(b"(12, 2)", spoilt)
        with zipfile.ZipFile(path, "w") as file:
            for name, data in members.items():
                file.writestr(name, data)
        with pytest.raises(ValueError, match=r"header\.npz: not a readable"):
            so.load(path)

    def rewrite(self, r, path, header=None, **changes):
        """Saves r with entries replaced."""
        r.save(path)
        with np.load(path) as file:
            arrays = dict(file)
        if header is not None:
            arrays["header"] = np.array(json.dumps(json.loads(str(arrays["header"])) | header))
        arrays |= changes
        with open(path, "wb") as file:
            np.savez(file, **{name: array for name, array in arrays.items() if array is not None})

    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"header": {"format": "other"}}, "format"),
            ({"header": {"version": 99}}, "version must be 1, got 99"),
            ({"header": {"gauge": {"name": "rm"}}}, "gauge"),
            ({"header": {"gauge": {"name": "schatten", "p": 0.1}}}, "p"),
            ({"header": {"lower": "low"}}, "lower"),
            ({"X_a": None}, "X_a"),
            ({"X_a": np.full((12, 2), np.nan)}, "X_a"),
            ({"rows": np.array([10**6])}, "rows"),
            ({"rows": np.array([-1])}, "rows"),
            ({"masses": np.zeros(3)}, "masses"),
            ({"potential_b": np.zeros(3)}, "potential_b"),
            ({"metric": np.eye(5)}, "metric"),
            ({"X_b": np.array([{}], dtype=object)}, "pickle"),
        ],
        ids=lambda v: v if isinstance(v, str) else "",
    )
    def test_hostile_entries_are_refused(self, solved, tmp_path, changes, complaint):
        path = tmp_path / "hostile.npz"
        self.rewrite(solved, path, **changes)
        with pytest.raises(ValueError, match=rf"hostile\.npz.*{complaint}"):
            so.load(path)

    def test_expanding_archives_are_refused_before_they_expand(self, solved, tmp_path):
        path = tmp_path / "bomb.npz"
        self.rewrite(solved, path)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)})
        with zipfile.ZipFile(path) as source:
            members = {name: source.read(name) for name in source.namelist()}
        members["X_a.npy"] = header.getvalue()
        with zipfile.ZipFile(path, "w") as file:
            for name, data in members.items():
                file.writestr(name, data)
        with pytest.raises(ValueError, match=r"bomb\.npz"):
            so.load(path)

    def test_other_npy_file_is_refused(self, tmp_path):
        np.save(tmp_path / "x.npy", np.eye(2))
        with pytest.raises(ValueError, match=r"x\.npy: not a readable spectralot result"):
            so.load(tmp_path / "x.npy")


def test_results_pickle_and_copy(solved):
    solved.geodesic(0.5)  # fills the caches, which are not pickled
    for again in (pickle.loads(pickle.dumps(solved)), copy.deepcopy(solved)):
        assert same(solved, again)
        assert np.array_equal(again.geodesic(0.5)[0], solved.geodesic(0.5)[0])


def test_polyhedral_metric_is_a_mixture_of_its_faces(rng):
    X_a, X_b = rng.normal(size=(2, 8, 3))
    r = so.solve_sample(X_a, X_b, so.Polyhedral(FACES), tol=1e-8)
    mixture, residual, *_ = np.linalg.lstsq(np.array(FACES).reshape(3, 9).T, r.metric.ravel(), rcond=None)
    assert residual <= 1e-20
    assert mixture.min() >= -1e-9
    assert mixture.sum() == pytest.approx(1, abs=1e-9)
