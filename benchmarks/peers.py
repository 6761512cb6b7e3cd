"""The peers, written as one would write them without spectralot: plain NumPy, POT and CVXPY."""

import numpy as np


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


def pot_emd(X: np.ndarray, Y: np.ndarray) -> float:
    """Plain W2² by POT's exact solver, cost matrix included."""
    import ot

    uniform = np.full(len(X), 1 / len(X))
    return float(ot.emd2(uniform, np.full(len(Y), 1 / len(Y)), ot.dist(X, Y), numItermax=10**9))


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
