"""`spectralot emd`: exact transport on the command line, against closed forms and the Python package."""

from __future__ import annotations

import json

import numpy as np
import pytest
import spectralot as so
from test_cli import BAD_INPUT, FILE_TROUBLE, NOT_SOLVED, WEIGHTED, cli, cloud_files, diracs

__all__ = ["cli", "cloud_files", "diracs"]  # fixtures


def accuracy(X, Y, metric) -> float:
    """What exact_transport.hpp promises of upper - lower: 100·d·eps·‖Q‖D²."""
    radii = [np.linalg.norm(Z - np.mean(Z, axis=0), axis=1).max() for Z in (X, Y)]
    size = sum(radii) + np.linalg.norm(np.mean(X, axis=0) - np.mean(Y, axis=0))
    return 100 * len(metric) * np.finfo(float).eps * np.linalg.norm(metric, 2) * size**2


CLOSED_FORMS = {
    "identity": ([[1.0, 0.0], [0.0, 1.0]], 2.0),
    "rank one": ([[1.0, 0.0], [0.0, 0.0]], 1.0),
    "zero": ([[0.0, 0.0], [0.0, 0.0]], 0.0),
    "negative": ([[-1.0, 0.0], [0.0, -1.0]], -2.0),
    "indefinite": ([[0.0, 1.0], [1.0, 0.0]], -2.0),
}


@pytest.mark.parametrize("case", CLOSED_FORMS)
def test_two_diracs_have_their_closed_form(diracs, two_diracs, case):
    metric, cost = CLOSED_FORMS[case]
    diracs.save(Q=metric)
    r = diracs("emd", "X.npy", "Y.npy", "--metric", "Q.npy", "--json", "r.json").json
    slack = accuracy(two_diracs.X_a, two_diracs.X_b, metric) + np.finfo(float).tiny
    assert r["format"] == "spectralot.transport"
    assert r["gauge"] == {"name": "fixed_metric", "metric": metric}
    assert r["lower"] <= cost <= r["upper"] <= cost + slack
    assert r["upper"] - r["lower"] <= slack
    assert r["converged"] is True
    assert r["options"] == {"n_threads": 1}
    assert diracs("verify", "X.npy", "Y.npy", "r.json").json["agrees"] is True


def test_the_metric_is_the_identity_when_left_out(cloud_files):
    cloud_files.save(Q=np.eye(2))
    r = cloud_files("emd", *WEIGHTED).json
    s = cloud_files("emd", *WEIGHTED, "--metric", "Q.npy", "--threads", 2).json
    assert {**r, "seconds": 0, "options": 0} == {**s, "seconds": 0, "options": 0}
    assert r["distance"] == np.sqrt(r["value"])


@pytest.mark.parametrize("kind", ["definite", "singular", "indefinite"])
def test_the_tool_the_package_and_verify_agree(cli, clouds, rng, kind):
    A = rng.normal(size=(3, 3))
    metric = {"definite": A @ A.T, "singular": A[:, :2] @ A[:, :2].T, "indefinite": A + A.T}[kind]
    metric = (metric + metric.T) / 2
    cli.save(X=rng.normal(size=(20, 3)), Y=rng.normal(size=(30, 3)) + 1, Q=metric)
    r = cli("emd", "X.npy", "Y.npy", "--metric", "Q.npy", "--plan", "plan.csv", "--json", "r.json").json
    X, Y = np.load(cli / "X.npy"), np.load(cli / "Y.npy")
    s = so.emd_sample(X, Y, metric=metric)
    assert (r["lower"], r["upper"]) == (s.lower, s.upper)
    v = cli("verify", "X.npy", "Y.npy", "r.json").json
    assert v["agrees"] is True
    assert v["gauge"]["metric"] == metric.tolist()
    row, col, mass = np.loadtxt(cli / "plan.csv", delimiter=",", skiprows=1).T
    assert mass.sum() == pytest.approx(1, abs=1e-14)
    step = Y[col.astype(int)] - X[row.astype(int)]
    assert mass @ np.einsum("ir,rs,is->i", step, metric, step) == pytest.approx(r["value"], abs=accuracy(X, Y, metric))


def raise_lower(r):
    r["lower"] = r["upper"] + 1e-9 * abs(r["upper"])
    r["upper"] = r["lower"]


def spoil_plan(r):
    r["plan"]["mass"][0] *= 0.5


def other_metric(r):
    r["gauge"]["metric"][0][0] *= 1.1


@pytest.mark.parametrize("tamper", [raise_lower, spoil_plan, other_metric])
def test_a_tampered_result_is_unmasked(cloud_files, tamper):
    cloud_files("emd", *WEIGHTED, "--json", "r.json")
    result = json.loads((cloud_files / "r.json").read_text())
    tamper(result)
    (cloud_files / "r.json").write_text(json.dumps(result))
    assert cloud_files("verify", *WEIGHTED[:2], "r.json", *WEIGHTED[2:], code=NOT_SOLVED).json["agrees"] is False


MALFORMED = [
    (lambda r: r["gauge"].update(name="trace"), "r.json: gauge.name: must be fixed_metric"),
    (lambda r: r["gauge"].update(metric=[[1, 2], [3, 4]]), "metric: must be symmetric"),
    (lambda r: r["gauge"].update(metric=[[1]]), "metric: must be 1x1|metric: must be 2x2"),
    (lambda r: r["gauge"].pop("metric"), "gauge: name: must be trace"),
]


@pytest.mark.parametrize(("spoil", "message"), MALFORMED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_malformed_metric_is_named(diracs, spoil, message):
    diracs("emd", "X.npy", "Y.npy", "--json", "r.json")
    result = json.loads((diracs / "r.json").read_text())
    spoil(result)
    (diracs / "r.json").write_text(json.dumps(result))
    code = BAD_INPUT if message.startswith("metric: must be 1x1") else FILE_TROUBLE
    diracs.refuses("verify", "X.npy", "Y.npy", "r.json", code=code, message=message)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (np.eye(3), r"Q\.npy: must be 2x2, as the points have 2 coordinates, got 3x3"),
        (np.ones((2, 3)), r"Q\.npy: must be 2x2.*got 2x3"),
        ([[1.0, 0.5], [0.0, 1.0]], r"metric: must be symmetric, got an asymmetry of 0\.5"),
        ([[np.nan, 0.0], [0.0, 1.0]], r"finite"),
        ([[np.inf, 0.0], [0.0, 1.0]], r"finite"),
    ],
)
def test_a_bad_metric_is_bad_input(diracs, metric, message):
    diracs.save(Q=metric)
    diracs.refuses("emd", "X.npy", "Y.npy", "--metric", "Q.npy", code=BAD_INPUT, message=message)


@pytest.mark.parametrize(
    ("array", "values", "message"),
    [
        ("X", [[0.0, np.nan]], r"X\.npy: .*finite"),
        ("X", np.zeros((0, 2)), r"X\.npy"),
        ("Y", np.zeros((2, 3)), r"Y\.npy: needs the dimension"),
        ("a", [1.0, -1.0], r"a\.npy: needs finite weights >= 0, got -1 at position 1"),
        ("a", [0.0, 0.0], r"a\.npy"),
        ("a", [1.0], r"a\.npy"),
        ("a", [1.0, 1.5], r"2\.5|mass"),
    ],
)
def test_bad_points_and_weights_are_bad_input(diracs, array, values, message):
    diracs.save(a=[1.0, 1.0], b=[1.0, 1.0])
    diracs.save(**{array: values})
    diracs.refuses(
        "emd", "X.npy", "Y.npy", "--weights-a", "a.npy", "--weights-b", "b.npy", code=BAD_INPUT, message=message
    )


def test_files_that_are_not_there_are_file_trouble(diracs):
    diracs.refuses("emd", "X.npy", "none.npy", code=FILE_TROUBLE, message=r"none\.npy")
    diracs.refuses("emd", "X.npy", "Y.npy", "--metric", "Q.npy", code=FILE_TROUBLE, message=r"Q\.npy")
    diracs.refuses("emd", "X.npy", "Y.npy", "--plan", "no/plan.csv", code=FILE_TROUBLE, message="no folder")
    assert diracs.files() == {"X.npy", "Y.npy"}


def test_a_fixed_metric_is_no_gauge_of_distance(diracs):
    (diracs / "gauge.json").write_text('{"name": "fixed_metric", "metric": [[1, 0], [0, 1]]}')
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge-file", "gauge.json", code=BAD_INPUT, message="name: must be")
