"""Checks that results have the same bits for one and two threads, run after run. Usage: scripts/check_determinism.py"""

import sys

import numpy as np
import spectralot as so


def clouds(seed: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))) + 1


def bits(r: so.TransportResult) -> tuple:
    """Everything the result claims, but the seconds it took."""
    plan = r.sparse_plan
    arrays = [plan.row, plan.col, plan.data, *r.potentials, r.metric, r.moment]
    return r.value, r.lower, r.upper, r.n_iter, *(np.asarray(array).tobytes() for array in arrays)


def main() -> int:
    failures = 0
    for gauge in (so.Trace(), so.Schatten(2), so.Operator(), so.KyFan(2)):
        for n, d in ((60, 2), (60, 3), (3000, 2), (500, 10)):  # the larger ones are priced in several blocks
            X, Y = clouds(n + d, n, d)
            one, two, again = (bits(so.solve_sample(X, Y, gauge=gauge, n_threads=t)) for t in (1, 2, 1))
            same = one == two == again
            failures += not same
            print(f"{gauge!r:16} n={n:<4} d={d}  {'same bits' if same else 'DIFFERENT'}")
    X, Y = clouds(0, 3000, 2)
    for kernel in ("energy", "gaussian", "imq"):
        flows = [
            so.flow.run(so.flow.MMD(Y, kernel=kernel, eps=0.5, n_threads=t), X, step=0.1, n_steps=2) for t in (1, 2, 1)
        ]
        same = len({(t.points.tobytes(), t.energy.tobytes()) for t in flows}) == 1
        failures += not same
        print(f"flow, MMD {kernel:8} n=3000  {'same bits' if same else 'DIFFERENT'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
