"""Writes barycenters.json: least Σ λᵢ W_γ² by CVXPY and Clarabel (`pip install cvxpy==1.9.3 clarabel==0.11.1`)."""

import json
from pathlib import Path

import cvxpy as cp
import numpy as np

random = np.random.default_rng(2026)


def value(means: np.ndarray, covariances: np.ndarray, weights: np.ndarray, gauge: dict) -> float:
    """Over the covariance S and mean m, with [[S, Aᵢ], [Aᵢᵀ, Σᵢ]] ⪰ 0 and Mᵢ ⪰ δᵢδᵢᵀ + S + Σᵢ - Aᵢ - Aᵢᵀ."""
    k, d = means.shape
    S, m, total, constraints = cp.Variable((d, d), symmetric=True), cp.Variable(d), 0, []
    for i in range(k):
        joint, moment = cp.Variable((2 * d, 2 * d), PSD=True), cp.Variable((d, d), symmetric=True)
        A, shift = joint[:d, d:], cp.reshape(m - means[i], (d, 1), order="C")
        rest = moment - (S + covariances[i] - A - A.T)
        constraints += [joint[:d, :d] == S, joint[d:, d:] == covariances[i]]
        constraints += [cp.bmat([[(rest + rest.T) / 2, shift], [shift.T, np.eye(1)]]) >> 0]
        cost = cp.norm(moment, "fro") if gauge["name"] == "schatten" else cp.lambda_sum_largest(moment, gauge["k"])
        total += weights[i] * cost
    tight = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    return float(cp.Problem(cp.Minimize(total), constraints).solve(solver=cp.CLARABEL, **tight))


cases = []
for k, d in ((3, 2), (4, 3), (3, 5)):
    roots = random.integers(-9, 10, size=(k, d, d)) / 4
    means, covariances, weights = (
        random.normal(size=(k, d)),
        roots @ roots.transpose(0, 2, 1),
        random.dirichlet(np.ones(k)),
    )
    for gauge in ({"name": "schatten", "p": 2}, {"name": "ky_fan", "k": 1}, {"name": "ky_fan", "k": min(2, d - 1)}):
        cases.append(
            {
                "means": means.tolist(),
                "covariances": covariances.tolist(),
                "weights": weights.tolist(),
                "gauge": gauge,
                "value": value(means, covariances, weights, gauge),
            }
        )
Path(__file__).with_name("barycenters.json").write_text(json.dumps(cases, indent=1) + "\n")
