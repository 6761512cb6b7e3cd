"""The sections on the engine of `make bench`: exact transport and whole certified distances against their peers."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from benchmarks import peers
from benchmarks.measure import Measurement, measure
from experiments import clouds

Compare = Callable[..., dict[str, Any]]
Rows = Iterator[dict[str, Any]]

# A whole certified solve may take this long; one that has not closed by then says so in its row.
MAX_SECONDS = 60.0


def emd(X: np.ndarray, Y: np.ndarray, *weights: np.ndarray) -> tuple[float, float]:
    result = so.emd_sample(X, Y, *weights).require_solved()
    return result.value, result.gap


def solve(X: np.ndarray, Y: np.ndarray, gauge: Any, tol: float = 1e-6) -> tuple[float, float, np.ndarray]:
    """Value, gap, and the gap over time."""
    result = so.solve_sample(X, Y, gauge, tol=tol, max_seconds=MAX_SECONDS)
    gaps = 1 - result.history["lower"] / result.history["upper"]
    return result.value, result.gap, np.column_stack([result.history["seconds"], gaps])


def ours(function: Callable[..., Any], *arguments: Any) -> Measurement:
    return measure(function, *arguments, repeats=3, budget=5.0)


@cache
def one_emd(family: str, n: int, d: int = 2) -> Measurement:
    """POT on the clouds of a row, once per run of the benchmarks."""
    return measure(peers.pot_emd, *pair(family, n, d), repeats=3 if n < 5000 else 0, budget=5.0)


def pair(family: str, n: int, d: int = 2) -> tuple[np.ndarray, np.ndarray]:
    match family:
        case "paper":
            return clouds.paper_clouds(n) if d == 2 else clouds.paper_clouds_3d(n)
        case "gaussian":
            return clouds.gaussian_clouds(n, d)
        case "hypercube":
            return clouds.fragmented_hypercube(n, d, 2)
        case "disk to annulus":
            return clouds.disk_to_annulus(n, 2, 2)
        case "two bumps to one":
            return clouds.two_bumps_to_one(n)
        case "square to square":
            return clouds.square_to_square(n)
    raise ValueError(family)


def certified(measured: Measurement) -> str:
    gap = measured.value[1]
    return f"certified gap {gap:.0e}" if gap <= 1e-6 else f"NOT CERTIFIED: gap {gap:.0e} after {MAX_SECONDS:.0f} s"


def exact_in_the_plane(compare: Compare, quick: bool) -> Rows:
    for n, floor in [(1000, 12), (2000, 25), (5000, 60), (10_000, 100)][: 1 if quick else 4]:
        X, Y = pair("paper", n)
        mine, theirs = ours(emd, X, Y), one_emd("paper", n)
        note = f"the costs differ by {abs(theirs.value / mine.value[0] - 1):.0e}"
        yield compare(f"emd, d = 2, n = {n}", mine, "ot.emd", theirs, floor, note)
    if not quick:
        mine = measure(emd, *pair("paper", 100_000), repeats=0)
        note = f"gap {mine.value[1]:.0e}"
        yield compare("emd, d = 2, n = 100000", mine, "ot.emd, n = 2000", one_emd("paper", 2000), 1 / 15, note)


def exact_in_high_dimension(compare: Compare, quick: bool) -> Rows:
    for d, floors in [(10, (4, 7, 13)), (50, (4, 6, 11))][: 1 if quick else 2]:
        for n, floor in list(zip((1000, 2000, 5000), floors, strict=True))[: 1 if quick else 3]:
            mine, theirs = ours(emd, *pair("gaussian", n, d)), one_emd("gaussian", n, d)
            note = f"the costs differ by {abs(theirs.value / mine.value[0] - 1):.0e}"
            yield compare(f"emd, d = {d}, n = {n}", mine, "ot.emd", theirs, floor, note)


def exact_with_weights(compare: Compare, quick: bool) -> Rows:
    if quick:
        return
    random = np.random.default_rng(0)
    uniform = [random.uniform(0.1, 1, size=n) for n in (3000, 5000)]
    exponential = [random.exponential(size=2000) for _ in range(2)]
    cases = [
        ("emd, d = 2, 3000 x 5000, random weights", pair("paper", 3000)[0], pair("paper", 5000)[1], uniform, 16),
        ("emd, d = 10, n = 2000, exponential weights", *pair("gaussian", 2000, 10), exponential, 4),
    ]
    for name, X, Y, weights, floor in cases:
        a, b = (w / w.sum() for w in weights)
        mine, theirs = ours(emd, X, Y, a, b), measure(peers.pot_emd, X, Y, a, b, repeats=1, budget=5.0)
        note = f"the costs differ by {abs(theirs.value / mine.value[0] - 1):.0e}"
        yield compare(name, mine, "ot.emd", theirs, floor, note)


def exact_against_others(compare: Compare, quick: bool) -> Rows:
    """No floor was set for these: 1 is to be no slower."""
    n = 500 if quick else 2000
    X, Y = pair("paper", n)
    mine = ours(emd, X, Y)
    others = [
        ("ot.solve_sample(lazy=True)", peers.pot_lazy, ()),
        ("SciPy linear_sum_assignment", peers.scipy_assignment, ()),
        *((f"OTT Sinkhorn, ε = {e:g} mean cost", peers.ott_sinkhorn, (e, 2000)) for e in (1e-1, 1e-2)),
    ]
    for name, function, options in others:
        theirs = measure(function, X, Y, *options, repeats=1, budget=20.0)
        note = f"relative error of the peer {abs(theirs.value / mine.value[0] - 1):.0e}"
        yield compare(f"emd, d = 2, n = {n}", mine, name, theirs, 1, note)


def whole_in_the_plane(compare: Compare, quick: bool) -> Rows:
    for n, floor in [(200, 1 / 3), (1000, 6), (2000, 15), (5000, 35), (10_000, 80)][: 2 if quick else 5]:
        for p in (1.5, 2.0, 4.0):
            mine = ours(solve, *pair("paper", n), p)
            yield compare(
                f"W_γ², d = 2, p = {p:g}, n = {n}", mine, "one ot.emd", one_emd("paper", n), floor, certified(mine)
            )
    if not quick:
        X, Y = pair("paper", 100_000)
        mine = measure(solve, X, Y, 2.0, repeats=0)
        name = "W_γ², d = 2, p = 2, n = 100000"
        yield compare(name, mine, "ot.emd, n = 2000", one_emd("paper", 2000), 1 / 20, certified(mine))
        exact = measure(emd, X, Y, repeats=0)
        yield compare(name, mine, "one emd_sample", exact, 1 / 1.5, certified(mine))
        for gauge, label in ((so.Schatten(2), "p = 2"), (so.KyFan(2), "Ky Fan 2")):
            mine = ours(solve, *pair("paper", 5000, 3), gauge)
            peer = one_emd("paper", 5000, 3)
            yield compare(f"W_γ², d = 3, {label}, n = 5000", mine, "one ot.emd", peer, 20, certified(mine))


def operator_gauge_in_the_plane(compare: Compare, quick: bool) -> Rows:
    n = 10_000 if quick else 1_000_000
    X, Y = pair("paper", n)
    mine = measure(solve, X, Y, inf, 1e-9, repeats=1, budget=5.0)
    sort = measure(peers.numpy_argsort, np.random.default_rng(0).normal(size=n))
    note = f"certified gap {mine.value[1]:.0e} (1e-9 was asked for)"
    yield compare(f"W_γ², p = inf, rank one, n = {n}", mine, "one numpy.argsort", sort, 1 / 15, note)
    n = 500 if quick else 2000
    for family in ("disk to annulus", "two bumps to one", "square to square"):
        mine = ours(solve, *pair(family, n), inf)
        yield compare(f"W_γ², p = inf, {family}, n = {n}", mine, "one ot.emd", one_emd(family, n), 1, certified(mine))


def hypercube(compare: Compare, quick: bool) -> Rows:
    gauges = [
        ("p = 2", so.Schatten(2)),
        ("p = inf", so.Operator()),
        ("Ky Fan 2", so.KyFan(2)),
        ("Ky Fan 10", so.KyFan(10)),
    ]
    ascents = {
        "p = 2": ("frobenius", 1),
        "p = inf": ("ky-fan", 1),
        "Ky Fan 2": ("ky-fan", 2),
        "Ky Fan 10": ("ky-fan", 10),
    }
    X, Y = pair("hypercube", 100, 30)
    peer = one_emd("hypercube", 100, 30)
    peer = replace(peer, seconds=200 * peer.seconds)
    for label, gauge in gauges[: 1 if quick else 4]:
        mine = ours(solve, X, Y, gauge)
        name = f"W_γ², hypercube, d = 30, n = 100, {label}"
        yield compare(name, mine, "200 ot.emd", peer, 1, certified(mine))
        seconds = 2.0 if quick else 15.0
        theirs = measure(peers.projected_ascent, X, Y, *ascents[label], seconds, repeats=0)
        gap = theirs.value[2]
        reached = next((at for at, g in mine.value[2] if g <= gap), inf)
        note = f"both to the gap {gap:.0e} that the ascent reached"
        yield compare(name, replace(mine, seconds=reached), "projected ascent", theirs, 20, note)
    for d in () if quick else (10, 30):
        X, Y = pair("hypercube", 1000, d)
        for label, gauge in gauges[:3]:
            mine = measure(solve, X, Y, gauge, repeats=0)
            name = f"W_γ², hypercube, d = {d}, n = 1000, {label}"
            yield compare(name, mine, "one ot.emd", one_emd("hypercube", 1000, d), 1 / 8, certified(mine))


SECTIONS = (
    exact_in_the_plane,
    exact_in_high_dimension,
    exact_with_weights,
    exact_against_others,
    whole_in_the_plane,
    operator_gauge_in_the_plane,
    hypercube,
)


def sections(compare: Compare) -> list[Callable[[bool], Iterable[dict[str, Any]]]]:
    return [partial(section, compare) for section in SECTIONS]


def accuracy_figure(path: Path, quick: bool) -> None:
    """Time against relative error in the plane: ours over tolerances, inexact peers at what they reach."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    X, Y = pair("paper", 500 if quick else 2000)
    exact = so.emd_sample(X, Y).value
    fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")

    tols = 10.0 ** -np.arange(2, 11, 2)
    solved = [measure(solve, X, Y, 2.0, tol, repeats=1, budget=5.0) for tol in tols]
    rounding = np.finfo(float).eps
    for label, points, style in (
        ("spectralot, p = 2: certified gap", [(m.seconds, m.value[1]) for m in solved], "o-"),
        ("spectralot emd (p = 1): certified gap", [(m.seconds, m.value[1]) for m in [ours(emd, X, Y)]], "s"),
        (
            "OTT Sinkhorn (p = 1): error",
            _errors(peers.ott_sinkhorn, X, Y, exact, [(1e-1, 1000), (1e-2, 1000), (1e-3, 1000)]),
            "^-",
        ),
        ("POT lazy (p = 1): error", _errors(peers.pot_lazy, X, Y, exact, [()]), "D"),
        ("POT emd (p = 1): error", _errors(peers.pot_emd, X, Y, exact, [()]), "v"),
    ):
        seconds, errors = np.array(points).T
        ax.loglog(seconds, np.maximum(errors, rounding), style, label=label)
    ax.set(xlabel="seconds, one thread", ylabel="relative error of the squared cost")
    ax.set_title(f"Paper's clouds, n = {len(X)}")
    ax.legend(fontsize="small")
    ax.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def _errors(function: Callable[..., float], X: np.ndarray, Y: np.ndarray, exact: float, options: list[tuple]) -> list:
    runs = [measure(function, X, Y, *more, repeats=1, budget=5.0) for more in options]
    return [(run.seconds, abs(run.value / exact - 1)) for run in runs]
