"""The command line tool as a user meets it: exit codes, messages, numbers, files and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import spectralot as so

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("SPECTRALOT_CLI", ROOT / "build" / "spectralot")).resolve()
SOLVED, NOT_SOLVED, BAD_INPUT, FILE_TROUBLE = 0, 1, 2, 3


class Cli:
    """Runs the tool in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def __call__(self, *args: object, code: int = SOLVED) -> SimpleNamespace:
        run = subprocess.run([TOOL, *map(str, args)], cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert run.returncode == code, f"exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
        return SimpleNamespace(
            out=run.stdout, err=run.stderr, json=json.loads(run.stdout) if run.stdout[:1] == "{" else None
        )

    def refuses(self, *args: object, code: int, message: str) -> None:
        """One line on standard error that matches, nothing on standard output."""
        run = self(*args, code=code)
        assert run.out == ""
        assert re.search(message, run.err), run.err
        assert run.err.count("\n") <= 2, run.err

    def save(self, **arrays: object) -> None:
        for name, array in arrays.items():
            np.save(self / f"{name}.npy", np.asarray(array))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def cli(tmp_path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def diracs(cli, two_diracs) -> Cli:
    cli.save(X=two_diracs.X_a, Y=two_diracs.X_b)
    return cli


@pytest.fixture
def cloud_files(cli, clouds) -> Cli:
    cli.save(X=clouds.X_a, Y=clouds.X_b, a=clouds.a, b=clouds.b)
    return cli


WEIGHTED = ("X.npy", "Y.npy", "--weights-a", "a.npy", "--weights-b", "b.npy")


# ---- distance

KNOWN = [
    ("trace", 2.0),
    ("schatten:1", 2.0),
    ("schatten:2", np.sqrt(2.0)),
    ("operator", 1.0),
    ("ky-fan:1", 1.0),
    ("ky-fan:2", 2.0),
]


@pytest.mark.parametrize(("gauge", "squared"), KNOWN)
def test_two_diracs_have_their_closed_form(diracs, gauge, squared):
    r = diracs("distance", "X.npy", "Y.npy", "--gauge", gauge, "--tol", "1e-9").json
    assert r["format"] == "spectralot.transport"
    assert r["version"] == 1
    assert r["lower"] <= squared * (1 + 1e-15)
    assert squared * (1 - 1e-15) <= r["upper"] <= squared * (1 + 1e-9)
    assert r["value"] == r["upper"]
    assert r["distance"] == pytest.approx(np.sqrt(r["value"]), rel=1e-15)
    assert r["converged"] is True
    assert r["gap"] <= 1e-9
    assert r["status"] == "solved"
    assert "plan" not in r
    assert "potentials" not in r


def test_the_plan_file_holds_a_coupling(cloud_files, clouds):
    cloud_files("distance", *WEIGHTED, "--gauge", "schatten:2", "--plan", "plan.csv")
    assert (cloud_files / "plan.csv").read_text().startswith("row,col,mass\n")
    row, col, mass = np.loadtxt(cloud_files / "plan.csv", delimiter=",", skiprows=1).T
    plan = np.zeros((12, 15))
    plan[row.astype(int), col.astype(int)] = mass
    slack = 64 * np.finfo(float).eps
    assert np.abs(plan.sum(1) - clouds.a / clouds.a.sum()).sum() <= slack
    assert np.abs(plan.sum(0) - clouds.b / clouds.b.sum()).sum() <= slack


def test_csv_and_npy_give_the_same_numbers(cloud_files, clouds):
    for name, array in {"X": clouds.X_a, "Y": clouds.X_b, "a": clouds.a, "b": clouds.b}.items():
        np.savetxt(cloud_files / f"{name}.csv", array, delimiter=",", fmt="%.17g", header="made by NumPy")
    text = [arg.replace(".npy", ".csv") for arg in WEIGHTED]
    r, s = (cloud_files("distance", *files, "--gauge", "schatten:2").json for files in (WEIGHTED, text))
    assert {**r, "seconds": 0} == {**s, "seconds": 0}


def test_integers_float32_and_fortran_order_are_accepted(diracs, two_diracs):
    r = diracs("distance", "X.npy", "Y.npy", "--gauge", "trace").json
    np.save(diracs / "X.npy", np.asfortranarray(two_diracs.X_a, dtype=np.int8))
    np.save(diracs / "Y.npy", two_diracs.X_b.astype(">f4"))
    assert diracs("distance", "X.npy", "Y.npy", "--gauge", "trace").json["value"] == r["value"]


EASY = {
    "zero weights": {"a": [0.0, 1.0], "b": [0.5, 0.5]},
    "duplicate points": {"X": np.zeros((3, 2))},
    "X = Y": {"Y": [[-1.0, 0.0], [1.0, 0.0]]},
    "one point": {"X": [[1.0, 2.0]]},
    "d = 1": {"X": [[0.0], [1.0]], "Y": [[3.0]]},
    "all points equal": {"X": np.ones((2, 2)), "Y": np.ones((3, 2))},
    "n != m": {"X": np.arange(6.0).reshape(3, 2)},
    "tiny": {"X": [[-1e-150, 0.0], [1e-150, 0.0]], "Y": [[0.0, -1e-150], [0.0, 1e-150]]},
    "huge": {"X": [[-1e150, 0.0], [1e150, 0.0]], "Y": [[0.0, -1e150], [0.0, 1e150]]},
}


@pytest.mark.parametrize("gauge", ["trace", "schatten:2", "operator"])
@pytest.mark.parametrize("case", EASY)
def test_unusual_but_legal_input_is_certified(diracs, case, gauge):
    diracs.save(**EASY[case])
    weights = ("--weights-a", "a.npy", "--weights-b", "b.npy") if "a" in EASY[case] else ()
    r = diracs("distance", "X.npy", "Y.npy", "--gauge", gauge, *weights).json
    assert r["converged"] is True
    assert 0 <= r["lower"] <= r["upper"]
    assert r["gap"] <= 1e-6 or r["status"] == "zero_to_rounding"


def test_the_iteration_limit_keeps_an_honest_bracket(cloud_files):
    best = cloud_files("distance", *WEIGHTED, "--gauge", "schatten:2", "--tol", "1e-9").json
    r = cloud_files(
        "distance",
        *WEIGHTED,
        "--gauge",
        "schatten:2",
        "--tol",
        "1e-9",
        "--max-iter",
        1,
        "--json",
        "r.json",
        code=NOT_SOLVED,
    )
    assert r.json["converged"] is False
    assert r.json["status"] == "iteration_limit"
    assert r.json["lower"] <= best["upper"]
    assert best["lower"] <= r.json["upper"]
    assert (cloud_files / "r.json").exists()
    assert cloud_files("verify", *WEIGHTED[:2], "r.json", *WEIGHTED[2:]).json["agrees"] is True


def test_options_are_recorded_and_have_short_names(diracs):
    r = diracs(
        "distance", "X.npy", "Y.npy", "--gauge", "trace", "--tol", "1e-8", "--threads", 2, "--max-seconds", 60
    ).json
    assert r["options"] == {"tol": 1e-8, "max_iter": 1000, "n_threads": 2, "max_seconds": 60.0}


def test_standard_error_is_silent_unless_asked(diracs):
    assert diracs("distance", "X.npy", "Y.npy", "--gauge", "operator").err == ""
    assert "lower" in diracs("distance", "X.npy", "Y.npy", "--gauge", "operator", "--verbose").err


# ---- gauges as JSON

GAUGES = [
    {"name": "schatten", "p": 1.5},
    {"name": "schatten", "p": "inf"},
    {"name": "trace"},
    {"name": "operator"},
    {"name": "ky_fan", "k": 2},
    {"name": "weighted_trace", "A": [[2, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]},
    {"name": "polyhedral", "matrices": [[[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 1]]]},
    {"name": "block_sum", "blocks": [[0, 1], [2]], "gauges": [{"name": "operator"}, {"name": "trace"}]},
    {"name": "block_max", "blocks": [[0, 2], [1]], "gauges": [{"name": "trace"}, {"name": "trace"}], "eta": [1, 2]},
    {"name": "block_max", "blocks": [[0, 2], [1]], "gauges": [{"name": "trace"}, {"name": "schatten", "p": 2}]},
    {"name": "conic_sum", "gauges": [{"name": "trace"}, {"name": "ky_fan", "k": 1}], "weights": [0.5, 2]},
    {"name": "entrywise", "M": 3},
]


@pytest.mark.parametrize("gauge", GAUGES, ids=lambda gauge: gauge["name"])
def test_every_gauge_is_solved_and_verified_from_json(cli, rng, gauge):
    cli.save(X=rng.normal(size=(10, 3)), Y=rng.normal(size=(12, 3)) + 1)
    (cli / "gauge.json").write_text(json.dumps(gauge))
    r = cli("distance", "X.npy", "Y.npy", "--gauge-file", "gauge.json", "--json", "r.json").json
    assert r["gauge"] == gauge
    v = cli("verify", "X.npy", "Y.npy", "r.json").json
    assert v["agrees"] is True
    assert v["gauge"] == gauge


@pytest.mark.parametrize(
    ("text", "gauge"),
    [
        ("schatten:1.5", {"name": "schatten", "p": 1.5}),
        ("operator", {"name": "schatten", "p": "inf"}),
        ("schatten:inf", {"name": "schatten", "p": "inf"}),
        ("ky-fan:2", {"name": "ky_fan", "k": 2}),
    ],
)
def test_a_gauge_given_as_text_is_the_same_as_its_json(diracs, text, gauge):
    (diracs / "gauge.json").write_text(json.dumps(gauge))
    r = diracs("distance", "X.npy", "Y.npy", "--gauge", text).json
    s = diracs("distance", "X.npy", "Y.npy", "--gauge-file", "gauge.json").json
    assert r["gauge"] == gauge
    assert r["value"] == s["value"]


BAD_GAUGES = [
    ({"name": "schatten"}, r'needs an object with the field "p"'),
    ({"name": "schatten", "p": "two"}, r'p: must be a number or "inf", got "two"'),
    ({"name": "schatten", "p": 0.4}, r"0\.4"),
    ({"name": "schatten", "p": 0.7}, r"0\.7"),
    ({"name": "schatten", "p": 2, "q": 2}, r"q: is not a known field"),
    ({"name": "shatten", "p": 2}, r'name: must be trace, .* got "shatten"'),
    ({"name": "ky_fan", "k": 0}, r"0"),
    ({"name": "ky_fan", "k": 3}, r"3"),
    ({"name": "ky_fan", "k": 1.5}, r"k: must be an integer, got 1\.5"),
    ({"name": "weighted_trace", "A": [[1, 0], [0, -1]]}, r"-1"),
    ({"name": "weighted_trace", "A": [[1, 0], [0]]}, r"A\[1\]: must be a row of 2 numbers"),
    ({"name": "polyhedral", "matrices": [[[1, 0], [0, 0]]]}, r"matrices|singular|definite"),
    ({"name": "polyhedral", "matrices": [[[1, 0], [0, -1]], [[1, 0], [0, 1]]]}, r"-1"),
    ({"name": "block_sum", "blocks": [[0, 1], [1]], "gauges": [{"name": "trace"}] * 2}, r"block"),
    ({"name": "block_sum", "blocks": [[0]], "gauges": [{"name": "trace"}]}, r"block"),
    ({"name": "conic_sum", "gauges": [{"name": "trace"}], "weights": [0]}, r"weights?.*0"),
    ({"name": "conic_sum", "gauges": [{"name": "trace"}, {"name": "schatten"}], "weights": [1, 1]}, r"gauges\[1\]"),
    ([1, 2], r'needs an object with the field "name"'),
]


@pytest.mark.parametrize(("gauge", "message"), BAD_GAUGES, ids=lambda value: "")
def test_bad_gauges_are_bad_input(diracs, gauge, message):
    (diracs / "gauge.json").write_text(json.dumps(gauge))
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge-file", "gauge.json", code=BAD_INPUT, message=message)


@pytest.mark.parametrize(
    "text",
    ["schatten", "schatten:", "schatten:0.4", "schatten:nan", "ky-fan:0", "ky-fan:1.5", "nuclear", "schatten:2x"],
)
def test_bad_gauge_texts_are_bad_input(diracs, text):
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge", text, code=BAD_INPUT, message=f'gauge.*"{text}"')


# ---- verify


def test_a_stored_result_is_verified_from_its_arrays_alone(cloud_files):
    r = cloud_files("distance", *WEIGHTED, "--gauge", "schatten:2", "--json", "r.json").json
    v = cloud_files("verify", *WEIGHTED[:2], "r.json", *WEIGHTED[2:]).json
    assert v["format"] == "spectralot.verification"
    assert v["agrees"] is True
    assert v["claimed"] == {key: r[key] for key in ("lower", "upper", "gap", "converged")}
    slack = 1e-12 * r["upper"]
    assert v["lower"] == pytest.approx(r["lower"], abs=slack)
    assert v["upper"] == pytest.approx(r["upper"], abs=slack)


def test_the_stored_file_extends_the_summary(diracs):
    r = diracs("distance", "X.npy", "Y.npy", "--gauge", "schatten:2", "--json", "r.json").json
    stored = json.loads((diracs / "r.json").read_text())
    assert {key: stored.pop(key) for key in r} == r
    assert set(stored) == {"potentials", "plan", "history"}
    assert len(stored["history"]["lower"]) == r["n_iter"] or len(stored["history"]["lower"]) > 0


def store_spoilt(cli, spoil, *files, gauge):
    """Solves into r.json, and changes that file."""
    cli("distance", *files, "--gauge", gauge, "--json", "r.json")
    result = json.loads((cli / "r.json").read_text())
    spoil(result)
    (cli / "r.json").write_text(json.dumps(result))


def raise_lower(r):
    r["lower"] = r["upper"] * (1 + 1e-9)


def lower_upper(r):
    r["upper"] *= 0.999


def claim_convergence(r):
    r["options"]["tol"] = 1e-20
    r["lower"] *= 1 - 1e-4


def lose_mass(r):
    r["plan"]["mass"][0] *= 0.5


def spoil_potential(r):
    r["potentials"]["a"][0] -= 0.1


def spoil_metric(r):
    r["metric"][0][0] *= 0.9


TAMPERINGS = [raise_lower, lower_upper, claim_convergence, lose_mass, spoil_potential, spoil_metric]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_a_tampered_result_is_unmasked(cloud_files, tamper):
    store_spoilt(cloud_files, tamper, *WEIGHTED, gauge="schatten:2")
    v = cloud_files("verify", *WEIGHTED[:2], "r.json", *WEIGHTED[2:], code=NOT_SOLVED).json
    assert v["agrees"] is False


def test_a_result_of_other_clouds_is_unmasked(diracs):
    diracs("distance", "X.npy", "Y.npy", "--gauge", "schatten:2", "--json", "r.json")
    diracs.save(X=[[-2.0, 0.0], [1.0, 0.0]])
    assert diracs("verify", "X.npy", "Y.npy", "r.json", code=NOT_SOLVED).json["agrees"] is False
    diracs.save(X=[[-2.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    diracs.refuses("verify", "X.npy", "Y.npy", "r.json", code=BAD_INPUT, message="plan")


MALFORMED = [
    (lambda r: r.pop("plan"), "no plan"),
    (lambda r: r.update(format="other"), "r.json: format"),
    (lambda r: r.update(version=99), "r.json: version: must be 1, got 99"),
    (lambda r: r.update(lower="low"), "r.json: lower: must be a number"),
    (lambda r: r["plan"].update(row=[0, 99]), r"r.json: plan.row\[1\]: must be an index from 0 to 1, got 99"),
    (lambda r: r["plan"].update(row=[-1]), r"plan.row\[0\]"),
    (lambda r: r["plan"]["mass"].append(0.1), "plan.row: must have as many entries as mass"),
    (lambda r: r["metric"].append([1]), r"metric\[2\]: must be a row of 2 numbers"),
    (lambda r: r.update(potentials=[]), "potentials"),
    (lambda r: r.update(gauge={"name": "none"}), "gauge"),
]


@pytest.mark.parametrize(("spoil", "message"), MALFORMED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_malformed_result_is_file_trouble(diracs, spoil, message):
    store_spoilt(diracs, spoil, "X.npy", "Y.npy", gauge="trace")
    diracs.refuses("verify", "X.npy", "Y.npy", "r.json", code=FILE_TROUBLE, message=message)


# ---- geodesic, flow, selector


def test_geodesic_frames_interpolate_between_the_clouds(cloud_files, clouds):
    index = cloud_files("geodesic", *WEIGHTED, "--gauge", "operator", "--times", "0,0.25,1", "--out", "frames/").json
    folder = cloud_files / "frames"
    assert json.loads((folder / "index.json").read_text()) == index
    assert [frame["points"] for frame in index["frames"]] == ["geodesic_0.npy", "geodesic_0.25.npy", "geodesic_1.npy"]
    start, quarter, end = (np.load(folder / frame["points"]) for frame in index["frames"])
    weights = np.load(folder / "weights.npy")
    assert weights.shape == (len(start),)
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    assert np.allclose(quarter, 0.75 * start + 0.25 * end, rtol=0, atol=1e-14)
    assert {tuple(x) for x in start} == {tuple(x) for x in clouds.X_a}
    assert {tuple(y) for y in end} == {tuple(y) for y in clouds.X_b}


def test_geodesic_refuses_before_it_solves(diracs):
    for times in ("-0.1", "0,1.5", "nan"):
        diracs.refuses(
            "geodesic",
            "X.npy",
            "Y.npy",
            "--gauge",
            "trace",
            f"--times={times}",
            "--out",
            "f",
            code=BAD_INPUT,
            message=r"--times: must lie in \[0, 1\]",
        )
    (diracs / "gauge.json").write_text('{"name": "entrywise", "M": 3}')
    diracs.refuses(
        "geodesic", "X.npy", "Y.npy", "--gauge-file", "gauge.json", "--out", "f", code=BAD_INPUT, message="monotone"
    )


@pytest.mark.parametrize("clock", ["force", "coordinate"])
def test_the_mmd_flow_descends_and_balances(cloud_files, clouds, clock):
    r = cloud_files(
        "flow",
        "mmd",
        "X.npy",
        "Y.npy",
        "--gauge",
        "operator",
        "--step",
        0.01,
        "--steps",
        25,
        "--clock",
        clock,
        "--record-every",
        10,
        "--out",
        "run.npz",
    ).json
    assert r["format"] == "spectralot.flow"
    assert r["status"] == "solved"
    assert r["n_steps"] == 25
    assert r["options"].items() >= {"step": 0.01, "n_steps": 25, "clock": clock, "record_every": 10}.items()
    assert r["options"]["step_cap"] is None
    assert r["objective"] == {"name": "mmd", "m": 15, "kernel": "energy", "eps": 0.01, "n_threads": 1}
    with np.load(cloud_files / "run.npz") as t:
        columns = {"energy", "dissipation", "balance_residual", "kinetic", "descent"}
        assert set(t) == {"times", "points", "weights"} | columns
        assert t["descent"].all()
        assert t["points"].shape == (4, 12, 2)
        assert t["times"] == pytest.approx([0, 0.1, 0.2, 0.25])
        assert np.array_equal(t["points"][0], clouds.X_a)
        assert np.all(np.diff(t["energy"]) < 0)
        assert [t["energy"][0], t["energy"][-1]] == [r["energy_first"], r["energy_last"]]


def test_the_operator_selector_is_minus_the_nuclear_norm_times_the_polar_factor(cli, rng):
    G = rng.normal(size=(20, 3))
    cli.save(G=G)
    r = cli("selector", "G.npy", "--gauge", "schatten:inf", "--out", "J.npy").json
    U, s, Wt = np.linalg.svd(G, full_matrices=False)
    assert np.allclose(np.load(cli / "J.npy"), -s.sum() * U @ Wt, rtol=0, atol=1e-13 * s.sum())
    assert r["dual_norm"] == pytest.approx(s.sum(), rel=1e-14)
    assert r["rank"] == 3
    assert r["fenchel_residual"] < 1e-13
    cli.save(w=np.full(20, 0.05))
    r = cli("selector", "G.npy", "--gauge", "schatten:inf", "--weights", "w.npy", "--out", "J.csv").json
    assert r["dual_norm"] == pytest.approx(s.sum() / np.sqrt(20), rel=1e-13)
    assert np.allclose(np.loadtxt(cli / "J.csv", delimiter=","), np.load(cli / "J.npy"), rtol=0, atol=1e-12 * s.sum())


# ---- bad input: one test per row of the table

BAD_FILES = [
    ("NaN", {"X": [[0.0, np.nan], [1.0, 0.0]]}, r"X\.npy: .*got nan in row 0"),
    ("infinity", {"Y": [[0.0, 1.0], [np.inf, 0.0]]}, r"Y\.npy: .*got inf in row 1"),
    ("empty cloud", {"X": np.zeros((0, 2))}, r"X\.npy: .*shape \(?0"),
    ("no coordinates", {"X": np.zeros((2, 0))}, r"X\.npy: .*shape"),
    ("different dimensions", {"Y": np.zeros((2, 3))}, r"Y\.npy: needs the dimension of X\.npy \(2\), got 3"),
    ("one axis", {"X": np.zeros(4)}, r"X\.npy: points must have shape \(n, d\), got shape \(4,\)"),
    ("three axes", {"X": np.zeros((2, 1, 2))}, r"X\.npy: .*one or two axes"),
    ("complex", {"X": np.zeros((2, 2), complex)}, r"X\.npy: .*real numbers.*got dtype '<c16'"),
    ("objects", {"X": np.array([[None]])}, r"X\.npy: .*real numbers"),
    ("text", {"X": np.array([["a"]])}, r"X\.npy: .*real numbers"),
    ("too few weights", {"a": [1.0]}, r"a\.npy: .*one weight per point \(2\), got 1"),
    ("no weights", {"a": []}, r"a\.npy: .*one weight per point"),
    ("weights in a matrix", {"a": np.ones((2, 2))}, r"a\.npy: weights must have shape \(n,\), got shape \(2, 2\)"),
    ("negative weight", {"a": [1.5, -0.5]}, r"a\.npy: .*got -0\.5 at position 1"),
    ("NaN weight", {"b": [np.nan, 1]}, r"b\.npy: .*got nan at position 0"),
    ("zero mass", {"a": [0.0, 0.0]}, r"a\.npy: .*positive.*got 0"),
    ("unequal masses", {"a": [1.0, 2.0]}, r"b.*\(3\).*got 1"),
]


@pytest.mark.parametrize(("arrays", "message"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES])
def test_bad_arrays_are_named(diracs, arrays, message):
    diracs.save(**{"a": [0.5, 0.5], "b": [0.5, 0.5], **arrays})
    diracs.refuses("distance", *WEIGHTED, "--gauge", "trace", code=BAD_INPUT, message=message)


BAD_OPTIONS = [
    (["--gauge", "schatten:0.7"], r"0\.7"),
    (["--gauge", "ky-fan:3"], r"3"),
    (["--gauge", "trace", "--tol", "-1"], r"tol.*-1"),
    (["--gauge", "trace", "--tol", "abc"], r"tol.*abc"),
    (["--gauge", "trace", "--max-iter", "0"], r"max_iter.*0"),
    (["--gauge", "trace", "--threads", "-1"], r"n_threads.*-1"),
    (["--gauge", "trace", "--gauge-file", "g.json"], r"--gauge"),
    (["--gauge", "trace", "--frobnicate"], r"frobnicate"),
    ([], r"--gauge"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=lambda value: "")
def test_bad_options_are_named(diracs, options, message):
    diracs.refuses("distance", "X.npy", "Y.npy", *options, code=BAD_INPUT, message=message)


def test_bad_flow_options_are_named(diracs):
    def flow(*options, message):
        diracs.refuses(
            "flow",
            "mmd",
            "X.npy",
            "Y.npy",
            "--gauge",
            "trace",
            "--out",
            "r.npz",
            *options,
            code=BAD_INPUT,
            message=message,
        )

    flow("--step", "0", message="step.*0")
    flow("--steps", "-1", message="n_steps.*-1")
    flow("--steps", "0", message="n_steps.*0")
    flow("--record-every", "0", message="record_every.*0")
    flow("--clock", "sundial", message="sundial")
    flow("--eps", "-1", message="eps.*-1")
    flow("--kernel", "laplace", message="laplace")
    flow("--method", "midpoint", message="midpoint")
    flow("--momentum", "0.01", message="momentum.*0.01")
    flow("--batch-size", "-1", message="batch_size.*-1")
    flow("--selector", "muon", message="gauge: must be the operator's")
    diracs.refuses("flow", "mmd", "X.npy", "Y.npy", "--gauge", "trace", code=BAD_INPUT, message="--out")
    diracs.refuses("flow", code=BAD_INPUT, message="command: must be distance")


def test_flows_refuse_files_that_do_not_fit(cli, rng):
    cli.save(X=rng.normal(size=(6, 2)), Y=rng.normal(size=(5, 3)), Z=rng.normal(size=(9, 2)), y=rng.normal(size=9))
    cli.save(
        short=rng.normal(size=8),
        N=rng.normal(size=(6, 3)),
        w=np.ones(5),
        bad=[[np.nan, 0.0]],
        heads=rng.normal(size=(4, 24)),
    )
    cli.save(tokens=rng.normal(size=(8, 3)), target=rng.normal(size=(7, 3)))
    end = ["--gauge", "operator", "--out", "r.npz"]

    def refused(*command, message):
        cli.refuses("flow", *command, *end, code=BAD_INPUT, message=message)

    refused("mmd", "X.npy", "Y.npy", message=r"Y\.npy: needs the dimension of X\.npy \(2\), got 3")
    refused("mmd", "bad.npy", "Z.npy", message=r"bad\.npy: .*got nan in row 0")
    refused("mmd", "X.npy", "Z.npy", "--weights-a", "w.npy", message=r"w\.npy: .*\(6\), got 5")
    refused("relu", "N.npy", "Z.npy", "short.npy", message=r"outputs: .*\(9\), got 8x1")
    refused("relu", "N.npy", "Z.npy", "y.npy", "--activation", "step", message=r"activation: .*got step")
    refused("relu", "X.npy", "Z.npy", "Z.npy", message=r"x: .*4 columns.*got 6x2")
    refused("relu", "N.npy", "Z.npy", "y.npy", "--weights", "w.npy", message=r"w\.npy: .*\(6\), got 5")
    attention = ["attention", "heads.npy", "tokens.npy"]
    refused(*attention, "target.npy", "--n-tokens", 4, "--d-head", 2, message=r"target: .*got 7x3")
    refused(*attention, "tokens.npy", "--n-tokens", 4, "--d-head", 0, message=r"d_head: .*got 0")
    refused(*attention, "tokens.npy", "--n-tokens", 4, "--d-head", 3, message=r"x: .*36 columns.*got 4x24")


def test_a_flow_that_leaves_the_doubles_keeps_what_it_had(cli, rng):
    """Steps of 1e40 under a square activation soon overflow: exit code 1, the number of the step, and the states."""
    cli.save(X=rng.normal(size=(6, 3)), Z=rng.normal(size=(20, 2)), y=rng.normal(size=20))
    command = ["flow", "relu", "X.npy", "Z.npy", "y.npy", "--activation", "square", "--gauge", "operator"]
    run = cli(*command, "--step", 1e40, "--steps", 50, "--out", "r.npz", code=NOT_SOLVED)
    assert run.json["status"] == "stalled"
    assert 0 < run.json["n_steps"] < 50
    assert run.json["reason"].endswith(f"not finite in step {run.json['n_steps'] + 1}")
    with np.load(cli / "r.npz") as t:
        assert len(t["points"]) == run.json["n_steps"] + 1
        assert np.isfinite(t["points"]).all()
        assert np.isfinite(t["energy"]).all()


def test_a_command_is_required(cli):
    cli.refuses(code=BAD_INPUT, message="command: must be distance")
    cli.refuses("frobnicate", "X.npy", code=BAD_INPUT, message="frobnicate")


# ---- file trouble


def test_missing_files_are_file_trouble(diracs):
    diracs.refuses(
        "distance", "X.npy", "none.npy", "--gauge", "trace", code=FILE_TROUBLE, message=r"none\.npy: cannot read: "
    )
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge-file", "none.json", code=FILE_TROUBLE, message=r"none\.json")
    diracs.refuses("verify", "X.npy", "Y.npy", "none.json", code=FILE_TROUBLE, message=r"none\.json")
    diracs.refuses(
        "distance",
        "X.npy",
        "Y.npy",
        "--gauge",
        "trace",
        "--json",
        "no/r.json",
        code=FILE_TROUBLE,
        message=r"no/r\.json: cannot write",
    )
    diracs.refuses("distance", ".", "Y.npy", "--gauge", "trace", code=BAD_INPUT, message=r"\.npy, \.csv")


def test_every_truncation_of_an_array_is_file_trouble(diracs):
    whole = (diracs / "X.npy").read_bytes()
    for size in (0, 5, 9, 40, 100, len(whole) - 1):
        (diracs / "X.npy").write_bytes(whole[:size])
        diracs.refuses(
            "distance", "X.npy", "Y.npy", "--gauge", "trace", code=FILE_TROUBLE, message=r"X\.npy: byte \d+: "
        )


def test_a_header_that_promises_the_moon_costs_nothing(diracs):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }\n"
    (diracs / "X.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)
    )
    limited = f"ulimit -v 500000; exec {TOOL} distance X.npy Y.npy --gauge trace"
    run = subprocess.run(["bash", "-c", limited], cwd=diracs.folder, capture_output=True, text=True)
    assert run.returncode == FILE_TROUBLE
    assert "does not match the 8 bytes" in run.stderr


def test_errors_in_text_files_carry_line_and_column(diracs):
    (diracs / "X.csv").write_text("x,y\n1,2\n3,oops\n")
    diracs.refuses(
        "distance",
        "X.csv",
        "Y.npy",
        "--gauge",
        "trace",
        code=FILE_TROUBLE,
        message=r"X\.csv:3:3: expected a number, got 'oops'",
    )
    (diracs / "g.json").write_text('{"name": "schatten",\n "p": 2')
    diracs.refuses(
        "distance", "X.npy", "Y.npy", "--gauge-file", "g.json", code=FILE_TROUBLE, message=r"g\.json:2:\d+: byte \d+: "
    )
    (diracs / "g.json").write_text("[" * 100000)
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge-file", "g.json", code=FILE_TROUBLE, message="nested deeper")


def test_an_empty_text_file_is_an_empty_cloud(diracs):
    (diracs / "X.csv").write_text("# nothing yet\n")
    diracs.refuses("distance", "X.csv", "Y.npy", "--gauge", "trace", code=BAD_INPUT, message=r"X\.csv")


# ---- output


def test_outputs_are_replaced_whole_and_leave_nothing_aside(diracs):
    (diracs / "r.json").write_text("old")
    (diracs / "link.csv").symlink_to(diracs / "plan.csv")
    before = diracs.files()
    diracs("distance", "X.npy", "Y.npy", "--gauge", "trace", "--json", "r.json", "--plan", "plan.csv")
    assert diracs.files() == before | {"plan.csv"}
    json.loads((diracs / "r.json").read_text())
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((diracs / "r.json").stat().st_mode) == 0o666 & ~umask


def test_a_refused_run_touches_no_output(diracs):
    (diracs / "r.json").write_text("old")
    diracs.save(X=[[np.nan, 0.0]])
    diracs.refuses("distance", "X.npy", "Y.npy", "--gauge", "trace", "--json", "r.json", code=BAD_INPUT, message="nan")
    assert (diracs / "r.json").read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_file_trouble(diracs):
    run = subprocess.run(
        f"{TOOL} distance X.npy Y.npy --gauge trace > /dev/full",
        shell=True,
        cwd=diracs.folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == FILE_TROUBLE
    assert "standard output" in run.stderr


# ---- Ctrl-C


def interrupted(cli: Cli, *args: object) -> tuple[float, subprocess.CompletedProcess]:
    """Sends SIGINT after the first progress report; the seconds until the end, and how it ended."""
    command = [TOOL, *map(str, args), "--verbose"]
    with subprocess.Popen(
        command, cwd=cli.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr.readline(), "no progress report"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return time.monotonic() - sent, subprocess.CompletedProcess(command, process.returncode, out, err)


def test_ctrl_c_stops_a_solve_with_its_best_bracket(cli, rng):
    X, Y = rng.normal(size=(4000, 6)), rng.normal(size=(4000, 6)) * 1.3 + 1
    cli.save(X=X, Y=Y)
    seconds, run = interrupted(
        cli, "distance", "X.npy", "Y.npy", "--gauge", "operator", "--tol", "1e-13", "--json", "r.json"
    )
    assert run.returncode == NOT_SOLVED, run
    assert seconds < 1.0
    result = json.loads(run.stdout)
    assert result["status"] == "interrupted"
    assert result["converged"] is False
    assert 0 <= result["lower"] <= result["upper"] < np.inf
    assert cli.files() == {"X.npy", "Y.npy", "r.json"}


def test_ctrl_c_keeps_the_best_field_of_a_dynamic_solve(cli, rng):
    a, b = rng.random((2, 48, 48))
    cli.save(a=a / a.sum(), b=b / b.sum())
    seconds, run = interrupted(
        cli, "dynamic", "a.npy", "b.npy", "--gauge", "operator", "--tol", "1e-9", "--frames", "out"
    )
    assert run.returncode == NOT_SOLVED, run
    assert seconds < 1.0
    result = json.loads(run.stdout)
    assert result["status"] == "interrupted"
    assert 0 <= result["lower"] <= result["upper"] < np.inf
    assert np.load(cli.folder / "out" / "fields.npz")["density"].shape == (33, 48, 48)


def test_ctrl_c_stops_a_flow_with_what_was_computed(cli, rng):
    cli.save(X=rng.normal(size=(300, 2)), Y=rng.normal(size=(300, 2)))
    seconds, run = interrupted(
        cli,
        "flow",
        "mmd",
        "X.npy",
        "Y.npy",
        "--gauge",
        "operator",
        "--steps",
        10**8,
        "--record-every",
        10**4,
        "--out",
        "run.npz",
    )
    assert run.returncode == NOT_SOLVED, run
    assert seconds < 1.0
    assert json.loads(run.stdout)["status"] == "interrupted"
    with np.load(cli / "run.npz") as t:
        assert len(t["times"]) == len(t["points"]) > 0
    assert cli.files() == {"X.npy", "Y.npy", "run.npz"}


def test_networks_train_and_agree_with_python(cli, rng):
    Z, y, X = rng.normal(size=(50, 2)), rng.normal(size=50), rng.normal(size=(9, 3))
    cli.save(X=X, Z=Z, y=y)
    flow = ["--gauge", "operator", "--step", 0.05, "--steps", 8, "--method", "heun", "--out", "run.npz"]
    r = cli("flow", "relu", "X.npy", "Z.npy", "y.npy", "--activation", "tanh", *flow).json
    assert r["objective"] == {"name": "two_layer", "activation": "tanh", "m": 50}
    mine = so.flow.run(so.flow.TwoLayer(Z, y, "tanh"), X, step=0.05, n_steps=8, method="heun")
    with np.load(cli / "run.npz") as t:
        assert np.array_equal(t["points"], mine.points)

    tokens, target, X = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 4, 5)), rng.normal(size=(6, 40))
    cli.save(X=X, tokens=tokens.reshape(-1, 5), target=target.reshape(-1, 5))
    files = ["flow", "attention", "X.npy", "tokens.npy", "target.npy"]
    r = cli(*files, "--d-head", 2, "--n-tokens", 4, *flow).json
    assert r["objective"] == {"name": "attention", "m": 3, "n_tokens": 4, "d_head": 2}
    mine = so.flow.run(so.flow.Attention(tokens, target, 2), X, step=0.05, n_steps=8, method="heun")
    with np.load(cli / "run.npz") as t:
        assert np.array_equal(t["points"], mine.points)
    cli.refuses(*files, "--d-head", 3, "--n-tokens", 4, *flow, code=BAD_INPUT, message="x: .*60 columns")
    cli.refuses(*files, "--d-head", 2, "--n-tokens", 5, *flow, code=BAD_INPUT, message="n_tokens: .*5")


# ---- help and docs


def test_version_and_help(cli):
    assert re.fullmatch(r"spectralot \d+\.\d+\.\d+\n", cli("--version").out)
    assert "Examples:" in cli("--help").out
    flows = [["flow", name] for name in ("mmd", "relu", "attention")]
    for command in (["distance"], ["verify"], ["geodesic"], *flows, ["selector"]):
        assert "Example:" in cli(*command, "--help").out


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md"])
def test_every_command_of_the_page_runs(cli, page):
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), flags=re.M | re.S)
    assert blocks
    (cli / "bin").mkdir()
    (cli / "bin" / "spectralot").symlink_to(TOOL)
    (cli / "tests").symlink_to(ROOT / "tests")
    path = f"{cli / 'bin'}:{os.environ['PATH']}"
    for block in blocks:
        run = subprocess.run(
            ["sh", "-e", "-c", block], cwd=cli.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert run.returncode == 0, block + run.stderr


def test_gaussian_prints_a_certified_object(cli):
    source, target = '{"covariance": [[1, 0], [0, 1]]}', '{"mean": [3, 0], "covariance": [[4, 0], [0, 4]]}'
    (cli / "pair.json").write_text(f'{{"source": {source}, "target": {target}}}')
    result = cli("gaussian", "pair.json", "--gauge", "operator", "--times", "0,0.5").json
    assert result["lower"] <= 10 <= result["upper"] * (1 + 1e-12)
    assert [state["mean"] for state in result["geodesic"]] == [[0, 0], [1.5, 0]]
    (cli / "bad.json").write_text(f'{{"source": {source}, "target": {{"covariance": [[1, 2], [2, 1]]}}}}')
    cli.refuses("gaussian", "bad.json", "--gauge", "trace", code=BAD_INPUT, message="S1: must be positive semidefinite")


def test_mixture_prints_a_certified_object(cli):
    one, two = '{"weight": 3, "covariance": [[1, 0], [0, 1]]}', '{"mean": [4, 0], "covariance": [[4, 0], [0, 4]]}'
    (cli / "pair.json").write_text(
        f'{{"source": {{"components": [{one}, {two}]}}, "target": {{"components": [{two}, {one}]}}}}'
    )
    result = cli("mixture", "pair.json", "--gauge", "trace").json
    assert result["status"] == "zero_to_rounding"
    assert result["plan"] == [[0, pytest.approx(0.75)], [pytest.approx(0.25), 0]]
    (cli / "pair.json").write_text(f'{{"source": {{"components": [{one}]}}, "target": {{"components": [{two}]}}}}')
    result = cli("mixture", "pair.json", "--gauge", "trace").json
    assert result["lower"] <= 18 <= result["upper"] * (1 + 1e-12)
    assert result["gap"] <= 1e-6
    (cli / "bad.json").write_text(
        f'{{"source": {{"components": [{one}]}}, "target": {{"components": [{{"covariance": [[1, 2], [2, 1]]}}]}}}}'
    )
    cli.refuses("mixture", "bad.json", "--gauge", "trace", code=BAD_INPUT, message="must be positive semidefinite")


def test_barycenter_prints_a_certified_object(cli):
    one, two = '{"weight": 3, "covariance": [[1, 0], [0, 1]]}', '{"mean": [4, 0], "covariance": [[4, 0], [0, 4]]}'
    (cli / "components.json").write_text(f'{{"components": [{one}, {two}]}}')
    result = cli("barycenter", "components.json", "--gauge", "trace").json
    assert result["lower"] <= 0.75 * 0.25 * 18 <= result["upper"] * (1 + 1e-9)
    assert result["mean"] == pytest.approx([1, 0], abs=1e-9)
    assert np.array(result["covariance"]) == pytest.approx(1.25**2 * np.eye(2), abs=1e-6)
    (cli / "bad.json").write_text(f'{{"components": [{one}, {{"weight": -1, "covariance": [[1, 0], [0, 1]]}}]}}')
    cli.refuses("barycenter", "bad.json", "--gauge", "trace", code=BAD_INPUT, message="weights: must be non-negative")
