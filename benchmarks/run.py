"""`make bench`: spectralot against its peers in one run, medians and peak memory, one thread.

Writes out/bench.json, out/bench.md and out/accuracy.png. `--quick` runs the small cases only; `--docs` puts table and
figure into a page of the documentation.
"""

import argparse
import json
import os
import shutil
import sys
import traceback
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["POT_BACKEND_DISABLE_JAX"] = "1"  # POT would import it, because OTT brings it
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
import spectralot as so  # noqa: E402

from benchmarks import dynamic, engine, flow, gaussian, peers  # noqa: E402
from benchmarks.measure import Measurement, measure  # noqa: E402
from experiments.clouds import paper_clouds  # noqa: E402

PEERS = ("POT", "scipy", "numpy", "cvxpy", "ott-jax", "jax")
TABLE_BEGIN, TABLE_END = "<!-- table -->", "<!-- end of table -->"


def solve(X: np.ndarray, Y: np.ndarray, p: float) -> tuple[float, float]:
    result = so.solve_sample(X, Y, gauge=so.Schatten(p), tol=1e-6)
    assert result.converged
    return result.value, result.gap


def select(G: np.ndarray) -> float:
    return float(so.Operator().selector(G)[0, 0])


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
    for p, floor in ((2.0, 200.0), (inf, 1000.0)):
        ours = measure(solve, X, Y, p)
        theirs = measure(peers.cvxpy_spectral, X, Y, p, repeats=2)
        value, gap = ours.value
        note = f"certified gap {gap:.0e}; the peer is off by {abs(theirs.value - value) / value:.0e}"
        peer = "CVXPY + Clarabel" if p == 2 else "CVXPY default (SCS)"
        rows.append(compare(f"W_γ², p = {p:g}, n = {len(X)}", ours, peer, theirs, floor, note))
    return rows


def bench_selectors(quick: bool) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    rows = []
    for n, d in ((10_000, 8),) if quick else ((100_000, 64), (10_000, 8)):
        G = random.normal(size=(n, d))
        repeats = 5 if n > 10_000 else 50  # what takes a tenth of a millisecond is cold for the first few
        rows.append(
            compare(
                f"selector p = inf, {n} x {d}",
                measure(select, G, repeats=repeats),
                "numpy.linalg.svd",
                measure(peers.numpy_polar_selector, G, repeats=repeats),
                5,
            )
        )
    return rows


def bench_dynamic(quick: bool) -> list[dict[str, Any]]:
    return dynamic.bench_dynamic(quick, compare)


def bench_gaussian(quick: bool) -> list[dict[str, Any]]:
    return gaussian.bench_gaussian(quick, compare)


def bench_flow(quick: bool) -> list[dict[str, Any]]:
    return flow.rows(quick, compare)


def markdown(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| case | spectralot | peak MB | peer | its time | its peak MB | times faster | floor | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['case']} | {r['seconds']:.4g} s | {r['peak_mb']:.0f} | {r['peer']} | {r['peer_seconds']:.4g} s | "
        f"{r['peer_peak_mb']:.0f} | **{r['ratio']:.3g}** | {r['floor']:.3g} | {r['note']} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def fill_page(page: Path, table: str, versions: dict[str, str]) -> None:
    """Replaces what stands between the two marks of the page."""
    head, _, rest = page.read_text().partition(TABLE_BEGIN)
    _, _, tail = rest.partition(TABLE_END)
    if not tail:
        sys.exit(f"{page}: no table between {TABLE_BEGIN} and {TABLE_END}")
    about = ", ".join(f"{name} {version}" for name, version in versions.items())
    page.write_text(f"{head}{TABLE_BEGIN}\nOne run, one thread; {about}.\n\n{table}{TABLE_END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small cases only")
    parser.add_argument("--docs", type=Path, help="page whose table and figure to replace, docs/benchmarks.md")
    parser.add_argument("--out", type=Path, default=Path("out"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows, failed = [], []
    for section in (*engine.sections(compare), bench_selectors, bench_flow, bench_gaussian, bench_dynamic, bench_conic):
        try:
            rows += section(arguments.quick)
        except Exception:  # the other sections are worth having
            failed.append(section)
            traceback.print_exc()
    engine.accuracy_figure(arguments.out / "accuracy.png", arguments.quick)
    document = {
        "format": "spectralot.bench",
        "version": 1,
        "versions": {name: version(name) for name in PEERS} | {"spectralot": so.__version__},
        "rows": rows,
    }
    (arguments.out / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (arguments.out / "bench.md").write_text(markdown(rows))
    print("\n" + markdown(rows))
    if arguments.docs:
        fill_page(arguments.docs, markdown(rows), document["versions"])
        shutil.copy(arguments.out / "accuracy.png", arguments.docs.parent / "figures" / "accuracy.png")
    sys.exit(f"{len(failed)} sections failed" if failed else 0)


if __name__ == "__main__":
    main()
