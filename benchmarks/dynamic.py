"""The dynamic solver against the same splitting written with NumPy and SciPy: seconds per iteration, one thread."""

from dataclasses import replace
from typing import Any

import numpy as np
import spectralot as so

from benchmarks.benamou_brenier import Splitting
from benchmarks.measure import Measurement, measure

PEER_ITERATIONS = 50


def bumps(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The experiment's one Gaussian bump to two, in the unit square."""
    x = (np.arange(n) + 0.5) / n

    def bump(cx: float, cy: float) -> np.ndarray:
        return np.exp(-((x[:, None] - cx) ** 2 + (x - cy) ** 2) / (2 * 0.06**2))

    a, b = bump(0.25, 0.3), bump(0.75, 0.2) + bump(0.7, 0.8)
    return a / a.sum(), b / b.sum()


def ours(n: int, n_times: int, p: float) -> int:
    """Iterations to a certified gap of 1e-3, from a straight path; the seconds are those of all certificates too."""
    r = so.dynamic.solve(*bumps(n), so.Schatten(p), n_times=n_times, coarse_start=False)
    assert r.converged
    return r.n_iter


def numpy_splitting(n: int, n_times: int, p: float) -> None:
    splitting = Splitting(*bumps(n), n_times, p)
    for _ in range(PEER_ITERATIONS):
        splitting.advance()


def per_iteration(whole: Measurement, iterations: int) -> Measurement:
    return replace(whole, seconds=whole.seconds / iterations)


def large() -> float:
    return so.dynamic.solve(*bumps(128), so.Operator(), n_times=64, tol=1e-2).gap


def bench_dynamic(quick: bool, compare: Any) -> list[dict[str, Any]]:
    n, n_times = (32, 16) if quick else (64, 32)
    rows = []
    for p in (1.0, 2.0, np.inf):
        name = f"dynamic, {n}x{n}x{n_times}, p = {p:g}, one iteration"
        whole = measure(ours, n, n_times, p, repeats=2)
        mine = per_iteration(whole, whole.value)
        theirs = per_iteration(measure(numpy_splitting, n, n_times, p, repeats=2), PEER_ITERATIONS)
        note = f"in a solve of {whole.value} iterations to 1e-3, its certificates counted"
        rows.append(compare(name, mine, "NumPy/SciPy", theirs, 10.0, note))
    if not quick:
        mine = measure(large, repeats=0)
        print(
            f"dynamic, 128x128x64, p = inf, gap {mine.value:.1e}: {mine.seconds:.3g} s, {mine.peak_mb:.0f} MB",
            flush=True,
        )
    return rows
