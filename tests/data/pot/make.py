"""Writes gaussian.json: p = 1 costs, barycenters and mixture distances by POT (`pip install POT==0.9.7.post1`)."""

import json
from pathlib import Path

import numpy as np
import ot

random = np.random.default_rng(2026)


def covariances(k: int, d: int) -> np.ndarray:
    roots = random.integers(-9, 10, size=(k, d, d)) / 4
    return roots @ roots.transpose(0, 2, 1) + np.eye(d)


def cost(d: int) -> dict:
    m, S = random.normal(size=(2, d)), covariances(2, d)
    return {"means": m, "covariances": S, "cost": ot.gaussian.bures_wasserstein_distance(*m, *S) ** 2}


def barycenter(k: int, d: int) -> dict:
    m, S, weights = random.normal(size=(k, d)), covariances(k, d), random.uniform(0.2, 1, k)
    weights /= weights.sum()
    mean, covariance = ot.gaussian.bures_wasserstein_barycenter(m, S, weights=weights, num_iter=2000, eps=1e-13)
    return {"means": m, "covariances": S, "weights": weights, "mean": mean, "covariance": covariance}


def mixture(k: int, n: int, d: int) -> dict:
    sides = [(random.normal(size=(c, d)) * 2, covariances(c, d), random.dirichlet(np.ones(c))) for c in (k, n)]
    (m0, S0, w0), (m1, S1, w1) = sides
    names = ("means", "covariances", "weights")
    both = [dict(zip(names, side, strict=True)) for side in sides]
    return {"source": both[0], "target": both[1], "cost": ot.gmm.gmm_ot_loss(m0, m1, S0, S1, w0, w1)}


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return np.asarray(value).tolist()


out = {
    "software": f"POT {ot.__version__}",
    "costs": [cost(d) for d in (1, 2, 5, 10)],
    "barycenters": [barycenter(3, 2), barycenter(4, 4)],
    "mixtures": [mixture(2, 3, 2), mixture(4, 3, 3)],
}
(Path(__file__).parent / "gaussian.json").write_text(json.dumps(plain(out)) + "\n")
