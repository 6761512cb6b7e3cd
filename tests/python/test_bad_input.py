"""The table "Bad input, everywhere the same" row by row: a ValueError naming argument, rule and value."""

from __future__ import annotations

import numpy as np
import pytest
import spectralot as so
from scipy.sparse import eye_array

X, Y = np.arange(8.0).reshape(4, 2), np.ones((3, 2))


def with_entry(array, index, value):
    changed = np.array(array, dtype=np.result_type(array, value))
    changed[index] = value
    return changed


CLOUDS = {
    "NaN": (with_entry(X, (2, 1), np.nan), Y, r"X_a: .*finite.*nan at index \(2, 1\)"),
    "infinity": (X, with_entry(Y, (0, 0), -np.inf), r"X_b: .*finite.*-inf at index \(0, 0\)"),
    "empty cloud": (np.empty((0, 2)), Y, r"X_a: .*at least one point.*\(0, 2\)"),
    "no coordinates": (X, np.empty((3, 0)), r"X_b: .*\(3, 0\)"),
    "different dimensions": (X, np.ones((3, 5)), r"X_b: .*2 coordinates.*\(3, 5\)"),
    "vector": (X[:, 0], Y[:, 0], r"X_a: .*X_a\[:, None\].*shape \(4,\)"),
    "cube": (X, np.ones((1, 3, 2)), r"X_b: .*\(1, 3, 2\)"),
    "scalar": (3.0, Y, r"X_a: .*shape \(\)"),
    "complex": (X + 1j, Y, r"X_a: must be real, got complex.*complex128"),
    "complex list": (X, [[1j, 2], [3, 4]], r"X_b: must be real"),
    "ragged": ([[1, 2], [3]], Y, r"X_a: .*rectangular"),
    "text": (X, [["a", "b"]], r"X_b: .*real numbers.*<U1"),
    "nothing": (None, Y, r"X_a: .*real numbers.*object"),
    "objects": (X, [[object(), 1]], r"X_b: .*real numbers.*object"),
    "sparse": (eye_array(3), Y, r"X_a: "),
    "masked": (np.ma.masked_array(X, mask=X > 6), Y, r"X_a: .*masked.*1"),
    "dates": (np.array([["2026-01-01"]], dtype="M8[D]"), Y, r"X_a: .*datetime64"),
}
WEIGHTS = {
    "negative": ([0.5, 0.5, -0.1, 0.1], None, r"a: .*non-negative.*-0\.1 at index 2"),
    "zero mass": (None, [0, 0, 0], r"b: .*positive sum"),
    "unequal masses": ([1, 1, 1, 1], [1, 1, 1], r"b: .*mass of a \(4\).*got 3"),
    "slightly unequal masses": (np.full(4, 0.25), np.full(3, (1 + 2e-9) / 3), r"b: .*mass of a"),
    "wrong number": ([0.5, 0.5], None, r"a: .*\(4,\).*\(2,\)"),
    "none given": ([], None, r"a: .*\(4,\).*\(0,\)"),
    "wrong shape": (None, np.ones((3, 1)), r"b: .*\(3,\).*\(3, 1\)"),
    "NaN": ([1, 1, 1, np.nan], None, r"a: .*finite.*nan at index \(3,\)"),
    "complex": ([1, 1, 1, 1j], None, r"a: must be real"),
}
OPTIONS = {
    "tol NaN": ({"tol": np.nan}, r"tol: .*nan"),
    "tol negative": ({"tol": -1e-3}, r"tol: .*-0\.001"),
    "tol text": ({"tol": "tight"}, r"tol: .*'tight'"),
    "max_iter 0": ({"max_iter": 0}, r"max_iter: .*0"),
    "max_iter 2.5": ({"max_iter": 2.5}, r"max_iter: .*integer.*2\.5"),
    "max_iter huge": ({"max_iter": 10**12}, r"max_iter: .*1000000000000"),
    "n_threads -1": ({"n_threads": -1}, r"n_threads: .*-1"),
    "tol one": ({"tol": 1}, r"tol: .*1"),
    "max_seconds zero": ({"max_seconds": 0}, r"max_seconds: .*0"),
    "max_seconds NaN": ({"max_seconds": np.nan}, r"max_seconds: .*nan"),
    "gauge text": ({"gauge": "schatten"}, r"gauge: .*'schatten'"),
    "gauge not called": ({"gauge": so.Operator}, r"gauge: .*call it: Operator"),
    "gauge bool": ({"gauge": True}, r"gauge: .*True"),
    "gauge p below a half": ({"gauge": 0.4}, r"p: .*0\.4"),
    "gauge not convex": ({"gauge": 0.75}, r"gauge: .*convex"),
    "gauge of another dimension": ({"gauge": so.KyFan(3)}, r"k: .*3"),
    "gauge of another matrix size": ({"gauge": so.WeightedTrace(np.eye(3))}, r"A: .*3"),
    "gauge misses a coordinate": ({"gauge": so.BlockSum([[0]], [1])}, r"blocks: "),
}
GAUGES = {
    "p below a half": (lambda: so.Schatten(0.49), r"p: .*0\.49"),
    "p NaN": (lambda: so.Schatten(np.nan), r"p: .*nan"),
    "p negative infinity": (lambda: so.Schatten(-np.inf), r"p: .*-inf"),
    "p text": (lambda: so.Schatten("2"), r"p: .*'2'"),
    "p complex": (lambda: so.Schatten(2j), r"p: .*2j"),
    "k zero": (lambda: so.KyFan(0), r"k: .*0"),
    "k fraction": (lambda: so.KyFan(1.5), r"k: .*integer.*1\.5"),
    "k above d": (lambda: so.KyFan(3)(np.eye(2)), r"k: .*3|k: .*2"),
    "A indefinite": (lambda: so.WeightedTrace(np.diag([1.0, -1.0])), r"A: .*positive definite.*-1"),
    "A singular": (lambda: so.WeightedTrace(np.diag([1.0, 0.0])), r"A: .*positive definite"),
    "A not symmetric": (lambda: so.WeightedTrace([[1, 2], [0, 1]]), r"A: .*symmetric"),
    "A not square": (lambda: so.WeightedTrace(np.ones((2, 3))), r"A: .*square.*\(2, 3\)"),
    "A NaN": (lambda: so.WeightedTrace([[np.nan]]), r"A: .*finite.*nan"),
    "A complex": (lambda: so.WeightedTrace([[1j]]), r"A: must be real"),
    "no matrices": (lambda: so.Polyhedral([]), r"matrices: "),
    "matrix indefinite": (lambda: so.Polyhedral([np.eye(2), np.diag([1.0, -1.0])]), r"matrices\[1\]: .*-1"),
    "matrices of different sizes": (lambda: so.Polyhedral([np.eye(2), np.eye(3)]), r"matrices"),
    "matrices with a singular sum": (lambda: so.Polyhedral([np.diag([1.0, 0.0])] * 2), r"matrices: "),
    "blocks overlap": (lambda: so.BlockSum([[0, 1], [1]], [1, 1]), r"blocks.*1"),
    "blocks miss a coordinate": (lambda: so.BlockSum([[0], [2]], [1, 1]), r"blocks.*1"),
    "block negative": (lambda: so.BlockMax([[-1, 0]], [1]), r"blocks.*-1"),
    "block empty": (lambda: so.BlockMax([[0], []], [1, 1]), r"blocks"),
    "block fractional": (lambda: so.BlockSum([[0.5]], [1]), r"blocks\[0\]: .*0\.5"),
    "fewer gauges than blocks": (lambda: so.BlockSum([[0], [1]], [1]), r"gauges: .*1"),
    "block gauge too large": (lambda: so.BlockSum([[0], [1]], [so.KyFan(2), 1])(np.eye(2)), r"k: .*2|k: .*1"),
    "eta zero": (lambda: so.BlockMax([[0], [1]], [1, 1], eta=[1, 0]), r"eta.*0"),
    "eta too short": (lambda: so.BlockMax([[0], [1]], [1, 1], eta=[1]), r"eta: .*1"),
    "conic weight zero": (lambda: so.ConicSum([1, 2], [1, 0]), r"weights.*0"),
    "conic weight negative": (lambda: so.ConicSum([1, 2], [1, -2]), r"weights.*-2"),
    "conic weights too short": (lambda: so.ConicSum([1, 2], [1]), r"weights: .*1"),
    "conic sum of nothing": (lambda: so.ConicSum([], []), r"gauges: "),
    "M negative": (lambda: so.Entrywise(-1), r"M: .*-1"),
    "M infinite": (lambda: so.Entrywise(np.inf), r"M: .*inf"),
    "value not callable": (lambda: so.CustomGauge(3, len), r"value: .*3"),
    "S indefinite": (lambda: so.Schatten(2)(np.diag([1.0, -1.0])), r"S: .*positive semidefinite.*-1"),
    "S not symmetric": (lambda: so.Schatten(2).active([[1, 2], [0, 9]]), r"S: .*symmetric"),
    "S NaN": (lambda: so.Schatten(2)([[np.nan]]), r"S: .*finite"),
    "S not square": (lambda: so.Schatten(2)(np.ones((2, 3))), r"S: .*square"),
    "Q not symmetric": (lambda: so.Schatten(2).contains([[1, 2], [0, 9]]), r"Q: .*symmetric"),
    "V a vector": (lambda: so.Schatten(2).norm([1.0, 2.0]), r"V: .*V\[:, None\]"),
    "G complex": (lambda: so.Schatten(2).selector(X + 1j), r"G: must be real"),
    "G NaN": (lambda: so.polar([[np.nan]]), r"G: .*finite"),
    "weights of the wrong size": (lambda: so.Schatten(2).dual_norm(X, weights=[1, 1]), r"weights: .*\(4,\).*\(2,\)"),
    "selector of a non-monotone gauge": (lambda: so.Entrywise(1).selector(X), r"monotone"),
    "norm of a non-monotone gauge": (lambda: so.Entrywise(1).norm(X), r"monotone"),
    "d zero": (lambda: so.Schatten(2).comparison_constants(0), r"d: .*0"),
    "gauge inside a sum": (lambda: so.ConicSum(["trace"], [1]), r"gauge: .*'trace'"),
}
CALLS = {
    "metric not symmetric": (lambda: so.emd_sample(X, Y, metric=[[1, 2], [0, 1]]), r"metric: .*symmetric"),
    "metric of another size": (lambda: so.emd_sample(X, Y, metric=np.eye(3)), r"metric: .*2x2.*\(3, 3\)"),
    "geodesic outside": (lambda: so.solve_sample(X, Y).geodesic(1.5), r"t: .*1\.5"),
    "geodesic NaN": (lambda: so.solve_sample(X, Y).geodesic(np.nan), r"t: .*nan"),
    "kernel": (lambda: so.flow.MMD(Y, kernel="gauss"), r"kernel: .*'gauss'"),
    "eps": (lambda: so.flow.MMD(Y, eps=-1), r"eps: .*-1"),
    "target NaN": (lambda: so.flow.MMD(with_entry(Y, (0, 0), np.nan)), r"Y: .*nan"),
    "target weights": (lambda: so.flow.MMD(Y, weights=[1, -1, 1]), r"weights: .*-1\.0 at index 1"),
    "objective dimension": (lambda: so.flow.MMD(Y).energy(np.ones((2, 3))), r"X: .*2 coordinates"),
    "step": (lambda: run(step=0), r"step: .*0"),
    "n_steps": (lambda: run(n_steps=-1), r"n_steps: .*-1"),
    "record_every": (lambda: run(record_every=0), r"record_every: .*0"),
    "method": (lambda: run(method="rk9"), r"method: .*'rk9'"),
    "clock": (lambda: run(clock="wall"), r"clock: .*'wall'"),
    "particles NaN": (lambda: run(X0=with_entry(X, (0, 0), np.nan)), r"X0: .*nan"),
    "particles of another dimension": (lambda: run(X0=np.ones((2, 3))), r"X0: .*2 coordinates"),
    "particle weights": (lambda: run(weights=[1, 1]), r"weights: .*\(4,\)"),
    "objective": (lambda: run(f=3), r"f: .*energy.*3"),
    "flow of a non-monotone gauge": (lambda: run(gauge=so.Entrywise(1)), r"monotone"),
}


def run(**changes):
    return so.flow.run(**({"f": so.flow.MMD(Y), "X0": X, "gauge": 2, "step": 0.1, "n_steps": 1} | changes))


@pytest.mark.parametrize("function", [so.solve_sample, so.distance, so.emd_sample], ids=lambda f: f.__name__)
class TestClouds:
    @pytest.mark.parametrize("case", list(CLOUDS))
    def test_points(self, function, case):
        X_a, X_b, complaint = CLOUDS[case]
        with pytest.raises(ValueError, match=complaint):
            function(X_a, X_b)

    @pytest.mark.parametrize("case", list(WEIGHTS))
    def test_weights(self, function, case):
        a, b, complaint = WEIGHTS[case]
        with pytest.raises(ValueError, match=complaint):
            function(X, Y, a=a, b=b)


@pytest.mark.parametrize("case", list(OPTIONS))
def test_options(case):
    options, complaint = OPTIONS[case]
    with pytest.raises(ValueError, match=complaint):
        so.solve_sample(X, Y, **options)


@pytest.mark.parametrize("case", list(GAUGES))
def test_gauges(case):
    call, complaint = GAUGES[case]
    with pytest.raises(ValueError, match=complaint):
        call()


@pytest.mark.parametrize("case", list(CALLS))
def test_other_calls(case):
    call, complaint = CALLS[case]
    with pytest.raises(ValueError, match=complaint):
        call()


def test_unknown_keywords_are_type_errors():
    with pytest.raises(TypeError, match="warm"):
        so.solve_sample(X, Y, warm=True)
