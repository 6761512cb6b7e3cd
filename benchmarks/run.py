"""`make bench`: spectralot against its peers in one run, medians and peak memory, one thread.

Writes out/bench.json and out/bench.md. `--quick` runs the small cases only.
"""

import argparse
import json
import os
import platform
import sys
from math import inf
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
import spectralot as so  # noqa: E402

from benchmarks import peers  # noqa: E402
from benchmarks.gaussian import bench_gaussian  # noqa: E402
from benchmarks.measure import Measurement, measure  # noqa: E402
from experiments.clouds import paper_clouds  # noqa: E402


def solve(X: np.ndarray, Y: np.ndarray, p: float) -> tuple[float, float]:
    result = so.solve_sample(X, Y, gauge=so.Schatten(p), tol=1e-6)
    assert result.converged
    return result.value, result.gap


def select(G: np.ndarray) -> float:
    return float(so.Operator().selector(G)[0, 0])


def mmd_flow(X: np.ndarray, Y: np.ndarray, step: float, n_steps: int) -> np.ndarray:
    objective = so.flow.MMD(Y, eps=1e-2)
    t = so.flow.run(
        objective, X, gauge=so.Operator(), step=step, n_steps=n_steps, clock="coordinate", record_every=n_steps
    )
    return t.points[-1]


def compare(
    name: str, ours: Measurement, peer_name: str, theirs: Measurement, floor: float, note: str = ""
) -> dict[str, Any]:
    """One row: how many times faster than the peer, beside the floor set for the release."""
    ratio = theirs.seconds / ours.seconds
    print(
        f"{name}: {ours.seconds:.4g} s, {peer_name} {theirs.seconds:.4g} s, {ratio:.3g} times faster {note}", flush=True
    )
    return {
        "case": name,
        "seconds": ours.seconds,
        "peak_mb": ours.peak_mb,
        "peer": peer_name,
        "peer_seconds": theirs.seconds,
        "peer_peak_mb": theirs.peak_mb,
        "ratio": ratio,
        "floor": floor,
        "note": note,
    }


def bench_conic(quick: bool) -> list[dict[str, Any]]:
    X, Y = paper_clouds(60 if quick else 200)
    rows = []
    for p, floor in ((2.0, 100.0), (inf, 500.0)):
        ours = measure(solve, X, Y, p)
        theirs = measure(peers.cvxpy_spectral, X, Y, p, repeats=2)
        value, gap = ours.value
        note = f"certified gap {gap:.0e}; the peer is off by {abs(theirs.value - value) / value:.0e}"
        peer = "CVXPY + Clarabel" if p == 2 else "CVXPY default (SCS)"
        rows.append(compare(f"W_γ², p = {p:g}, n = {len(X)}", ours, peer, theirs, floor, note))
    return rows


def bench_emd(quick: bool) -> list[dict[str, Any]]:
    rows = []
    for n in (200,) if quick else (200, 1000, 2000):
        X, Y = paper_clouds(n)
        theirs = measure(peers.pot_emd, X, Y, repeats=5)
        for p in (1.0, 2.0):
            ours = measure(solve, X, Y, p)
            note = f"certified gap {ours.value[1]:.0e}"
            rows.append(compare(f"whole certified p = {p:g}, n = {n}", ours, "one ot.emd", theirs, 1 / 3, note))
    return rows


def bench_selectors(quick: bool) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    rows = []
    for n, d in ((10_000, 8),) if quick else ((100_000, 64), (10_000, 8)):
        G = random.normal(size=(n, d))
        rows.append(
            compare(
                f"selector p = inf, {n} x {d}",
                measure(select, G),
                "numpy.linalg.svd",
                measure(peers.numpy_polar_selector, G),
                5,
            )
        )
    return rows


def bench_flow(quick: bool) -> list[dict[str, Any]]:
    X, Y = paper_clouds(200)
    n_steps = 300 if quick else 6000
    ours = measure(mmd_flow, X, Y, 1.6, n_steps, repeats=3)
    theirs = measure(peers.numpy_mmd_flow, X, Y, 1.6, n_steps, repeats=1, budget=1.0)
    return [compare(f"MMD flow p = inf, n = 200, {n_steps} steps", ours, "NumPy broadcasting", theirs, 10)]


def markdown(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| case | spectralot | peak MB | peer | its time | its peak MB | times faster | floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['case']} | {r['seconds']:.4g} s | {r['peak_mb']:.0f} | {r['peer']} | {r['peer_seconds']:.4g} s | "
        f"{r['peer_peak_mb']:.0f} | **{r['ratio']:.3g}** | {r['floor']:.3g} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small cases only")
    parser.add_argument("--out", type=Path, default=Path("out"))
    arguments = parser.parse_args()
    sections = (bench_emd, bench_selectors, bench_flow, bench_conic)
    rows = [row for section in sections for row in section(arguments.quick)]
    rows += bench_gaussian(arguments.quick, compare)
    arguments.out.mkdir(parents=True, exist_ok=True)
    document = {
        "format": "spectralot.bench",
        "version": 1,
        "versions": {"spectralot": so.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "rows": rows,
    }
    (arguments.out / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (arguments.out / "bench.md").write_text(markdown(rows))
    print("\n" + markdown(rows))


if __name__ == "__main__":
    main()
