"""Gaussians against POT and OTT (p = 1), semidefinite programs in CVXPY (p = 2, ∞) and NumPy's eigh."""

from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any

import numpy as np
import spectralot as so

from benchmarks.measure import Measurement, measure, needs


def pair(d: int, shift: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    A, B = random.normal(size=(2, d, d)) / np.sqrt(d)
    return np.zeros(d), A @ A.T + 0.1 * np.eye(d), shift * random.normal(size=d), B @ B.T + 0.1 * np.eye(d)


def ours(p: float, tol: float, *arguments: np.ndarray) -> float:
    result = so.gaussian.solve(*arguments, so.Schatten(p), tol=tol)
    assert result.converged
    return result.value


def pot_bures(m0: np.ndarray, S0: np.ndarray, m1: np.ndarray, S1: np.ndarray) -> float:
    import ot

    return float(ot.gaussian.bures_wasserstein_distance(m0, m1, S0, S1)) ** 2


@needs("jax", "ott.geometry.costs")
def ott_bures(m0: np.ndarray, S0: np.ndarray, m1: np.ndarray, S1: np.ndarray) -> float:
    """With the defaults of OTT's matrix square root."""
    return float(_compiled_bures(len(m0))(m0, S0, m1, S1))


@cache
def _compiled_bures(d: int) -> Callable[..., Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    from ott.geometry import costs

    bures, joined = costs.Bures(d), costs.mean_and_cov_to_x
    return jax.jit(lambda m0, S0, m1, S1: bures(joined(m0, S0, d), joined(m1, S1, d)))


def several(k: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    roots = random.normal(size=(k, d, d)) / np.sqrt(d)
    return random.normal(size=(k, d)), roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(d)


def our_barycenter(means: np.ndarray, covariances: np.ndarray) -> float:
    result = so.gaussian.barycenter(means, covariances, so.Trace())
    assert result.converged
    return float(np.trace(result.covariance))


def our_operator_barycenter(means: np.ndarray, covariances: np.ndarray) -> float:
    result = so.gaussian.barycenter(means, covariances, so.Operator())
    assert result.converged
    return result.value


def pot_barycenter(means: np.ndarray, covariances: np.ndarray) -> float:
    import ot

    return float(np.trace(ot.gaussian.bures_wasserstein_barycenter(means, covariances, num_iter=1000, eps=1e-7)[1]))


def conic_program(p: float, m0: np.ndarray, S0: np.ndarray, m1: np.ndarray, S1: np.ndarray) -> float:
    import cvxpy as cp

    d, delta = len(m0), m1 - m0
    joint = cp.Variable((2 * d, 2 * d), PSD=True)
    A = joint[:d, d:]
    moment = np.outer(delta, delta) + S0 + S1 - A - A.T
    cost = cp.norm(moment, "fro") if p == 2 else cp.lambda_max((moment + moment.T) / 2)
    problem = cp.Problem(cp.Minimize(cost), [joint[:d, :d] == S0, joint[d:, d:] == S1])
    return float(problem.solve(solver=cp.CLARABEL))


def conic_barycenter(means: np.ndarray, covariances: np.ndarray) -> float:
    """p = ∞. A mean of the barycenter enters by a Schur complement."""
    import cvxpy as cp

    k, d = means.shape
    S, m, levels = cp.Variable((d, d), symmetric=True), cp.Variable(d), cp.Variable(k)
    constraints = []
    for i in range(k):
        joint = cp.Variable((2 * d, 2 * d), PSD=True)
        A = joint[:d, d:]
        shift = cp.reshape(m - means[i], (d, 1), order="C")
        rest = levels[i] * np.eye(d) - (S + covariances[i] - A - A.T)
        constraints += [joint[:d, :d] == S, joint[d:, d:] == covariances[i]]
        constraints += [cp.bmat([[(rest + rest.T) / 2, shift], [shift.T, np.eye(1)]]) >> 0]
    return float(cp.Problem(cp.Minimize(cp.sum(levels) / k), constraints).solve(solver=cp.CLARABEL))


def eigh(S: np.ndarray) -> float:
    return float(np.linalg.eigh(S)[0][0])


def bench_gaussian(quick: bool, compare: Any) -> list[dict[str, Any]]:
    components = several(5, 20)
    mine, theirs = measure(our_barycenter, *components), measure(pot_barycenter, *components)
    note = f"traces agree to {abs(theirs.value / mine.value - 1):.0e}"
    rows = [compare("Barycenter of 5 Gaussians, d = 20, p = 1, 1e-6", mine, "POT", theirs, 0.2, note)]
    components = several(3, 6)
    mine, theirs = measure(our_operator_barycenter, *components), measure(conic_barycenter, *components, repeats=2)
    note = f"the peer is off by {abs(theirs.value / mine.value - 1):.0e}"
    rows.append(compare("Barycenter of 3 Gaussians, d = 6, p = inf, 1e-6", mine, "CVXPY + Clarabel", theirs, 2.0, note))
    for name, shift in (("centred", 0.0), ("shifted", 0.3)):
        small, large = pair(20, shift), pair(200, shift)
        for given in (small,) if quick else (small, large):
            mine = measure(ours, 1, 1e-9, *given)
            for peer, function in (("POT", pot_bures), ("OTT, compiled", ott_bures)):
                theirs = measure(function, *given)
                note = f"the peer is off by {abs(theirs.value / mine.value - 1):.0e}"
                title = f"Gaussians, d = {len(given[0])}, {name}, p = 1"
                rows.append(compare(title, mine, peer, theirs, 0.2 if len(given[0]) == 20 else 0.1, note))
        for p in (2.0, inf):
            mine, theirs = measure(ours, p, 1e-9, *small), measure(conic_program, p, *small, repeats=2)
            note = f"the peer is off by {abs(theirs.value - mine.value) / mine.value:.0e}"
            rows.append(
                compare(f"Gaussians, d = 20, {name}, p = {p:g}, 1e-9", mine, "CVXPY + Clarabel", theirs, 300.0, note)
            )
        if quick:
            continue
        for p in (2.0, inf):
            mine: Measurement = measure(ours, p, 1e-6, *large, repeats=3)
            base = measure(eigh, large[1])
            rows.append(compare(f"Gaussians, d = 200, {name}, p = {p:g}, 1e-6", mine, "one NumPy eigh", base, 1 / 200))
    return rows
