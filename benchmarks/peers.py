"""The peers, written as one would write them without spectralot: plain NumPy, SciPy, POT, CVXPY and OTT."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.measure import needs


@needs("cvxpy", "clarabel", "scs")
def cvxpy_spectral(X: np.ndarray, Y: np.ndarray, p: float) -> float:
    """W_γ² with a plan variable: Frobenius norm of the moment (Clarabel), or λ_max (CVXPY's default solver)."""
    import cvxpy as cp

    n, m, d = len(X), len(Y), X.shape[1]
    displacement = Y[None, :, :] - X[:, None, :]
    products = np.einsum("ijr,ijs->rsij", displacement, displacement)
    plan = cp.Variable((n, m), nonneg=True)
    moment = cp.bmat([[cp.sum(cp.multiply(plan, products[r, s])) for s in range(d)] for r in range(d)])
    marginals = [cp.sum(plan, axis=1) == 1 / n, cp.sum(plan, axis=0) == 1 / m]
    objective = cp.norm(moment, "fro") if p == 2 else cp.lambda_max(moment)
    problem = cp.Problem(cp.Minimize(objective), marginals)
    problem.solve(**({"solver": cp.CLARABEL} if p == 2 else {}))
    return float(problem.value)


@needs("ot")
def pot_emd(X: np.ndarray, Y: np.ndarray, a: np.ndarray | None = None, b: np.ndarray | None = None) -> float:
    """Plain W2² by POT's exact solver, cost matrix included."""
    import ot

    a, b = (np.full(len(Z), 1 / len(Z)) if w is None else w / w.sum() for Z, w in ((X, a), (Y, b)))
    return float(ot.emd2(a, b, ot.dist(X, Y), numItermax=10**9))


@needs("ot")
def pot_lazy(X: np.ndarray, Y: np.ndarray) -> float:
    """POT's exact solver that does not store the cost matrix; what its plan costs."""
    import ot

    return float(ot.solve_sample(X, Y, lazy=True).value)


@needs("scipy.optimize", "scipy.spatial.distance")
def scipy_assignment(X: np.ndarray, Y: np.ndarray) -> float:
    """Plain W2² of two uniform clouds of the same size as a linear assignment, cost matrix included."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    cost = cdist(X, Y, "sqeuclidean")
    return float(cost[linear_sum_assignment(cost)].mean())


@needs("jax", "ott.geometry.pointcloud", "ott.solvers.linear.sinkhorn")
def ott_sinkhorn(X: np.ndarray, Y: np.ndarray, relative_epsilon: float, max_iterations: int) -> float:
    """Entropic W2² by OTT in double precision; the cost of its plan, repaired to the marginals (Altschuler et al.)."""
    plan, cost = (np.array(matrix) for matrix in _compiled_sinkhorn(relative_epsilon, max_iterations)(X, Y))
    a, b = np.full(len(X), 1 / len(X)), np.full(len(Y), 1 / len(Y))
    plan *= np.minimum(1, a / plan.sum(axis=1))[:, None]
    plan *= np.minimum(1, b / plan.sum(axis=0))
    left_a, left_b = a - plan.sum(axis=1), b - plan.sum(axis=0)
    if left_a.sum() > 0:
        plan += np.outer(left_a, left_b) / left_a.sum()
    return float((plan * cost).sum())


@cache
def _compiled_sinkhorn(relative_epsilon: float, max_iterations: int) -> Callable[[np.ndarray, np.ndarray], Any]:
    """(X, Y) to plan and cost matrix; compiled by the first call of a process, which is the warm-up."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    solver = sinkhorn.Sinkhorn(threshold=1e-4, max_iterations=max_iterations)

    @jax.jit
    def solve(X: Any, Y: Any) -> tuple[Any, Any]:
        geometry = pointcloud.PointCloud(X, Y, epsilon=relative_epsilon, relative_epsilon="mean")
        return solver(linear_problem.LinearProblem(geometry)).matrix, geometry.cost_matrix

    return solve


@needs("ot")
def projected_ascent(X: np.ndarray, Y: np.ndarray, gauge: str, k: int, seconds: float) -> tuple[float, float, float]:
    """W_γ² by supergradient ascent on the metric, as for subspace-robust distances: Q ← proj_K(Q + t·S(P_Q)), P_Q by
    POT. Stops after `seconds`; returns (lower, upper, gap): the best W_Q², and γ of the mean plan's moment.

    `gauge` is "frobenius" (Schatten 2) or "ky-fan" with its k (1 for the operator gauge).
    """
    import ot

    def project(Q: np.ndarray) -> np.ndarray:
        eigenvalues, vectors = np.linalg.eigh(Q)
        if gauge == "frobenius":
            kept = np.maximum(eigenvalues, 0)
            kept /= max(1.0, np.linalg.norm(kept))
        else:  # 0 ≤ λ ≤ 1 with the sum k: a shift, by bisection
            low, high = eigenvalues.min() - 1, eigenvalues.max()
            for _ in range(100):
                middle = (low + high) / 2
                low, high = (middle, high) if np.clip(eigenvalues - middle, 0, 1).sum() > k else (low, middle)
            kept = np.clip(eigenvalues - high, 0, 1)
        return (vectors * kept) @ vectors.T

    def value(S: np.ndarray) -> float:
        return np.linalg.norm(S) if gauge == "frobenius" else float(np.linalg.eigvalsh(S)[-k:].sum())

    start = time.perf_counter()
    n, d = X.shape
    a, b = np.full(n, 1 / n), np.full(len(Y), 1 / len(Y))
    Q = project(np.eye(d) * k / d)
    total, weight, lower, upper, step = np.zeros((d, d)), 0.0, 0.0, np.inf, 1
    while time.perf_counter() - start < seconds:
        plan = ot.emd(a, b, _quadratic_cost(X, Y, Q), numItermax=10**9)
        rows, cols = np.nonzero(plan)
        moves = Y[cols] - X[rows]
        S = (moves * plan[rows, cols, None]).T @ moves
        lower = max(lower, float((Q * S).sum()))
        rate = 1 / np.sqrt(step)
        total, weight = total + rate * S, weight + rate
        upper = min(upper, value(total / weight))
        Q = project(Q + rate * S / np.linalg.norm(S))
        step += 1
    return lower, upper, (upper - lower) / upper


def _quadratic_cost(X: np.ndarray, Y: np.ndarray, Q: np.ndarray) -> np.ndarray:
    squares = [np.einsum("ir,rs,is->i", Z, Q, Z) for Z in (X, Y)]
    return squares[0][:, None] - 2 * X @ Q @ Y.T + squares[1]


def numpy_argsort(values: np.ndarray) -> int:
    return int(np.argsort(values)[0])


def numpy_polar_selector(G: np.ndarray) -> np.ndarray:
    """The p = ∞ selector by a singular value decomposition."""
    U, sigma, Wt = np.linalg.svd(G, full_matrices=False)
    return -sigma.sum() * (U @ Wt)


def numpy_mmd_flow(X: np.ndarray, Y: np.ndarray, step: float, n_steps: int, eps: float = 1e-2) -> np.ndarray:
    """Explicit Euler for MMD² on the coordinate gradient with the p = ∞ selector, broadcasting over all pairs."""
    X = X.copy()
    for _ in range(n_steps):
        to_target = X[:, None, :] - Y[None, :, :]
        to_self = X[:, None, :] - X[None, :, :]
        pull = to_target / np.sqrt((to_target**2).sum(-1, keepdims=True) + eps**2)
        push = to_self / np.sqrt((to_self**2).sum(-1, keepdims=True) + eps**2)
        force = 2 * (pull.mean(axis=1) - push.mean(axis=1))
        X += step * numpy_polar_selector(force / len(X))
    return X
