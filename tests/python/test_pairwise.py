"""Matrices of distances: the same through every executor, resumable, interruptible, fit for scikit-learn."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import spectralot as so
from spectralot import pairwise


@pytest.fixture
def measures(rng) -> list:
    """Clouds of several sizes, every other one weighted."""
    clouds = [rng.normal(size=(8 + k, 2)) * [1, 1 + k / 4] + [k, 0] for k in range(7)]
    weights = [rng.uniform(0.5, 1.5, size=len(X)) for X in clouds]
    return [(X, w / w.sum()) if k % 2 else X for k, (X, w) in enumerate(zip(clouds, weights, strict=True))]


@pytest.fixture
def counted(monkeypatch) -> list:
    """The pairs of clouds that are solved, as they are solved."""
    calls: list = []

    def solve_sample(X, Y, *arguments, **options):
        calls.append((X, Y))
        return so.solve_sample(X, Y, *arguments, **options)

    monkeypatch.setattr(pairwise, "solve_sample", solve_sample)
    return calls


class Immediate:
    """The least an executor can be."""

    def __init__(self):
        self.submitted = 0

    def submit(self, function, *arguments):
        self.submitted += 1
        future: Future = Future()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


def split(measure):
    return measure if isinstance(measure, tuple) else (measure, None)


def test_entries_are_the_distances_of_the_pairs(measures):
    D, lower, upper, converged = so.pairwise_distances(measures, so.Operator(), tol=1e-8, return_brackets=True)
    assert D.shape == (7, 7)
    assert converged.all()
    assert not D.diagonal().any()
    for matrix in (D, lower, upper):
        assert (matrix == matrix.T).all()
    for i, j in [(0, 1), (3, 5), (2, 6)]:
        (X, a), (Y, b) = split(measures[i]), split(measures[j])
        r = so.solve_sample(X, Y, so.Operator(), a=a, b=b, tol=1e-8)
        assert lower[i, j] <= r.upper
        assert r.lower <= upper[i, j]
        assert D[i, j] == np.sqrt(upper[i, j])
    assert (upper - lower <= 1e-8 * upper).all()


def test_triangle_inequality(measures):
    D = so.pairwise_distances(measures, 3, tol=1e-9)
    assert (D[:, None, :] <= (D[:, :, None] + D[None, :, :]) * (1 + 1e-8)).all()


def test_no_executor_changes_a_bit(measures, monkeypatch):
    monkeypatch.setattr(pairwise, "PAIRS_PER_TASK", 2)
    here = so.pairwise_distances(measures, 2)
    assert (so.pairwise_distances(measures, 2, Immediate()) == here).all()
    with ThreadPoolExecutor(2) as pool:
        assert (so.pairwise_distances(measures, 2, pool) == here).all()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert (so.pairwise_distances(measures, 2, pool) == here).all()


def test_few_tasks_wait_at_once_and_all_are_done(measures, monkeypatch):
    monkeypatch.setattr(pairwise, "PAIRS_PER_TASK", 1)
    monkeypatch.setattr(pairwise, "TASKS_AT_ONCE", 2)
    executor = Immediate()
    assert np.isfinite(so.pairwise_distances(measures, executor=executor)).all()
    assert executor.submitted == 21


def test_a_resumed_run_solves_only_what_is_missing(measures, tmp_path, counted):
    path = tmp_path / "partial.npz"
    whole = so.pairwise_distances(measures, 2, path=path)
    assert len(counted) == 21
    with np.load(path) as file:
        arrays = dict(file)
    for i, j in [(0, 3), (4, 6)]:
        for row, column in ((i, j), (j, i)):
            arrays["lower"][row, column] = arrays["upper"][row, column] = np.nan
            arrays["converged"][row, column] = False
    np.savez(path, **arrays)
    counted.clear()
    again = so.pairwise_distances(measures, 2, path=path)
    assert [(len(X), len(Y)) for X, Y in counted] == [(8, 11), (12, 14)]
    assert np.abs(again - whole).max() <= 1e-6 * whole.max()
    counted.clear()
    assert (so.pairwise_distances(measures, 2, path=path) == again).all()
    assert counted == []
    assert {p.name for p in tmp_path.iterdir()} == {"partial.npz"}


def test_pairs_that_did_not_converge_are_kept_with_their_bracket_and_tried_again(rng, tmp_path):
    clouds = [rng.normal(size=(40, 8)) * np.linspace(1, 1 + k, 8) for k in range(3)]
    path = tmp_path / "partial.npz"
    with pytest.raises(
        so.NotSolved, match=r"3 of the distances are not certified to 1e-06.*measures 0 and 1"
    ) as caught:
        so.pairwise_distances(clouds, so.KyFan(2), max_iter=1, path=path)
    early = caught.value.result
    assert not early.converged[0, 1]
    assert (early.lower <= early.upper).all()
    kept = so.pairwise_distances(clouds, so.KyFan(2), max_iter=1, return_brackets=True, path=path)
    assert (kept.upper <= early.upper).all()
    final = so.pairwise_distances(clouds, so.KyFan(2), return_brackets=True, path=path)
    assert final.converged.all()
    assert (kept.lower <= final.upper).all()
    assert (final.lower <= kept.upper).all()


@pytest.mark.parametrize("change", ["measures", "weights", "gauge", "tol", "order"])
def test_the_file_of_another_computation_is_refused(measures, tmp_path, change):
    path = tmp_path / "partial.npz"
    so.pairwise_distances(measures[:3], 2, path=path)
    before = path.read_bytes()
    problem = {"measures": measures[:3], "gauge": 2.0, "tol": 1e-6}
    match change:
        case "measures":
            problem["measures"] = [measures[0] + 1e-9, *measures[1:3]]
        case "weights":
            problem["measures"] = [(measures[0], np.arange(1.0, 9.0) / 36), *measures[1:3]]
        case "gauge":
            problem["gauge"] = 3.0
        case "tol":
            problem["tol"] = 1e-7
        case "order":
            problem["measures"] = measures[2::-1]
    named = {"weights": "measures", "order": "measures"}.get(change, change)
    with pytest.raises(ValueError, match=f"partial.npz: .*another computation: {named} must be"):
        so.pairwise_distances(**problem, path=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "text", "other", "shape", "asymmetric", "claims"])
def test_a_damaged_file_is_named(measures, tmp_path, damage):
    path = tmp_path / "partial.npz"
    so.pairwise_distances(measures[:3], 2, path=path)
    with np.load(path) as file:
        arrays = dict(file)
    match damage:
        case "truncated":
            path.write_bytes(path.read_bytes()[:100])
        case "text":
            path.write_text("not an archive")
        case "other":
            so.solve_sample(*measures[:1], measures[2]).save(path)
        case "shape":
            np.savez(path, **arrays | {"lower": np.zeros((2, 2))})
        case "asymmetric":
            arrays["upper"][0, 1] += 1
            np.savez(path, **arrays)
        case "claims":
            np.savez(path, **arrays | {"upper": np.full((3, 3), np.nan)})
    with pytest.raises(ValueError, match=r"partial\.npz: not a readable partial matrix"):
        so.pairwise_distances(measures[:3], 2, path=path)


BAD = {
    "no measures": ([], {}, "measures: must have at least one measure"),
    "one line": ([[1.0, 2.0]], {}, r"measures\[0\]: must have shape \(n, d\)"),
    "dimensions": ([np.zeros((2, 2)), np.zeros((2, 3))], {}, r"measures\[1\]: must have 2 coordinates"),
    "nan": ([np.zeros((2, 2)), [[0, np.nan]]], {}, r"measures\[1\]: entries must be finite"),
    "negative weight": ([(np.zeros((2, 2)), [1, -1])], {}, r"measures\[0\] weights: .*non-negative"),
    "masses": (
        [(np.zeros((2, 2)), [1, 1]), np.zeros((1, 2)), (np.zeros((1, 2)), [1])],
        {},
        r"measures\[2\] weights: must have the sum of those of measures\[0\], 2.0, got 1.0",
    ),
    "tol": ([np.zeros((2, 2)), np.ones((2, 2))], {"tol": -1}, "tol"),
    "k": ([np.zeros((2, 2)), np.ones((2, 2))], {"gauge": so.KyFan(3)}, "k"),
    "custom": (
        [np.zeros((2, 2)), np.ones((2, 2))],
        {"gauge": so.CustomGauge(np.trace, lambda S: np.eye(2)), "path": "p.npz"},
        "path: needs a gauge that a file can describe",
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_named(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measures, options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        so.pairwise_distances(measures, **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_found_before_the_work(measures, tmp_path, counted):
    with pytest.raises(FileNotFoundError):
        so.pairwise_distances(measures, path=tmp_path / "nowhere" / "partial.npz")
    assert counted == []


def test_one_measure_has_one_distance():
    assert so.pairwise_distances([[[1.0, 2.0]]]).tolist() == [[0.0]]


def test_an_error_in_a_worker_passes_and_keeps_the_file(measures, tmp_path, monkeypatch):
    path = tmp_path / "partial.npz"
    error = LookupError("mine")

    def fail_on_the_last(X, Y, *arguments, **options):
        if len(X) == 13:
            raise error
        return so.solve_sample(X, Y, *arguments, **options)

    monkeypatch.setattr(pairwise, "solve_sample", fail_on_the_last)
    with ThreadPoolExecutor(1) as pool, pytest.raises(LookupError) as caught:
        so.pairwise_distances(measures, executor=pool, path=path)
    assert caught.value is error
    with np.load(path) as file:
        assert np.isnan(file["upper"]).sum() == 2


def test_the_bar_is_silent_when_fast_or_unwanted(measures, capsys):
    so.pairwise_distances(measures)
    so.pairwise_distances(measures, progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_bar_talks_to_standard_error_after_a_second(capsys, monkeypatch):
    def slow(*arguments, **options):
        time.sleep(0.6)
        return so.solve_sample(*arguments, **options)

    monkeypatch.setattr(pairwise, "solve_sample", slow)
    so.pairwise_distances([[[0.0]], [[1.0]], [[3.0]]])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err


LONG_RUN = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
import numpy as np, spectralot as so
from spectralot import pairwise

pairwise.PAIRS_PER_TASK = 3
rng = np.random.default_rng(0)
clouds = [rng.normal(size=(20 if k < 11 else 1500, 12)) * np.linspace(0.5, 2, 12) for k in range(12)]
print("go", flush=True)
try:
    with ThreadPoolExecutor(2) if sys.argv[1] == "threads" else nullcontext() as pool:
        so.pairwise_distances(clouds, so.KyFan(3), pool, path="partial.npz", max_iter=10**6)
except so.Interrupted as stop:
    assert isinstance(stop, KeyboardInterrupt)
    print(time.time(), np.isfinite(stop.result.upper).sum(), flush=True)
"""


@pytest.mark.parametrize("where", ["here", "threads"])
def test_ctrl_c_stops_within_a_second_and_keeps_the_file(where, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout.readline() == "go\n"
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        sent = time.time()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    stopped, computed = out.split()
    assert float(stopped) - sent < 1.0
    with np.load(tmp_path / "partial.npz") as file:
        assert np.isfinite(file["upper"]).sum() == int(computed)
        assert json.loads(str(file["header"]))["format"] == "spectralot.pairwise"
    assert 12 < int(computed) < 144


def labelled(rng) -> tuple[list, list[int]]:
    """Stretched clouds, along one diagonal or the other."""
    labels = [k % 2 for k in range(20)]
    stretch = [np.array([[1.0, s], [s, 1.0]]) for s in (0.9, -0.9)]
    return [rng.normal(size=(30, 2)) @ stretch[label] for label in labels], labels


@pytest.mark.slow
def test_scikit_learn_takes_the_matrix(rng):
    manifold = pytest.importorskip("sklearn.manifold")
    neighbors = pytest.importorskip("sklearn.neighbors")
    clouds, labels = labelled(rng)
    D = so.pairwise_distances(clouds, so.Operator())
    train, test = slice(0, 14), slice(14, 20)
    classifier = neighbors.KNeighborsClassifier(3, metric="precomputed").fit(D[train, train], labels[train])
    assert (classifier.predict(D[test, train]) == labels[test]).all()
    mds = manifold.MDS(n_components=2, metric="precomputed", n_init=1, init="random", random_state=0)
    assert mds.fit_transform(D).shape == (20, 2)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_bits(measures):
    distributed = pytest.importorskip("distributed")
    here = so.pairwise_distances(measures, 2)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert (so.pairwise_distances(measures, 2, executor) == here).all()
