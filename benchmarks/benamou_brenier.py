"""The dynamic solver's splitting written with NumPy and SciPy: the peer of its benchmark, and of a test at p = 1.

One iteration is a projection onto the continuity equation (cosine transforms in time and space) and a projection of the
dual fields; unit square, no flux. For 1 < p every iteration takes METRIC_STEPS steps of the metrics of all slices at
once, from the last ones: less work than our solving that maximisation to rounding.
"""

import numpy as np
from scipy.fft import dctn, idctn

SIGMA, RELAXATION = 0.13, 1.8
METRIC_STEPS = 3


class Splitting:
    def __init__(self, a: np.ndarray, b: np.ndarray, n_times: int, p: float = 1.0):
        n = len(a)
        self.n, self.n_times, self.p = n, n_times, p
        self.counts = (n_times, n, n)  # cells per unit of time and length
        t = np.linspace(0, 1, n_times + 1)[:, None, None]
        self.u = [n * n * ((1 - t) * a / a.sum() + t * b / b.sum()), np.zeros((n_times, n + 1, n))]
        self.u.append(np.zeros((n_times, n, n + 1)))
        self.laplacian = np.zeros((n_times, n, n))
        for axis, k in enumerate(self.counts):
            eigenvalues = (2 * k * np.sin(np.pi * np.arange(k) / (2 * k))) ** 2
            self.laplacian += eigenvalues.reshape([-1 if other == axis else 1 for other in range(3)])
        self.laplacian[0, 0, 0] = np.inf
        self.w = [np.zeros((n_times, n, n)) for _ in range(3)]
        self.rho = np.zeros((n_times, n, n))
        self.metric = np.broadcast_to(np.eye(2) * (1 if p == 1 else 0.5 ** (1 - 1 / p)), (n_times, 2, 2)).copy()
        self.u = self.project(self.u)

    @staticmethod
    def _ends(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[slice, ...]]:
        """Without the first, without the last, without both, along an axis."""
        at = [slice(None)] * 3
        return tuple((*at[:axis], s, *at[axis + 1 :]) for s in (slice(1, None), slice(-1), slice(1, -1)))

    def project(self, u: list[np.ndarray]) -> list[np.ndarray]:
        defect = sum(k * np.diff(x, axis=axis) for axis, (k, x) in enumerate(zip(self.counts, u, strict=True)))
        phi = idctn(dctn(defect, norm="ortho") / self.laplacian, norm="ortho")
        out = []
        for axis, (k, x) in enumerate(zip(self.counts, u, strict=True)):
            x = x.copy()
            x[self._ends(axis)[2]] += k * np.diff(phi, axis=axis)
            out.append(x)
        return out

    def interpolate(self, u: list[np.ndarray]) -> list[np.ndarray]:
        pairs = [(x, *self._ends(axis)[:2]) for axis, x in enumerate(u)]
        return [0.5 * (x[upper] + x[lower]) for x, upper, lower in pairs]

    def density(self, w0: np.ndarray, m: np.ndarray, q: np.ndarray) -> np.ndarray:
        """ρ = w0 + Σ q m²/(ρ + 2q)² by Newton's method; m (2, …) in the eigenbasis, q (2, n_times)."""
        floor, q = np.maximum(w0, 0), q[:, :, None, None]
        if self.p == 1:  # one momentum, of both components' length
            m, q = np.sqrt(m[0] ** 2 + m[1] ** 2)[None], q[:1]
        rho = np.maximum(self.rho, floor)
        for _ in range(60):
            inverse = 1 / (rho + 2 * q)
            t = q * (m * inverse) ** 2
            step = (rho - w0 - t.sum(0)) / (1 + 2 * (t * inverse).sum(0))
            new = np.maximum(rho - step, floor)
            close = (np.abs(new - rho) <= 1e-8 * new + 1e-12).all()  # then the next step is below rounding
            rho = new
            if close:
                break
        self.rho = rho
        return rho

    def prox(self, w: list[np.ndarray]) -> list[np.ndarray]:
        if self.p == 1:
            q = np.ones((2, self.n_times))
            rho = self.density(w[0], np.stack(w[1:]), q)
            shrink = 2 / (rho + 2)
            return [w[0] - rho, w[1] * shrink, w[2] * shrink]
        for step in range(METRIC_STEPS + 1):
            q, U = np.linalg.eigh(self.metric)
            q = np.maximum(q, 1e-12).T
            V = U[:, :, :, None, None]
            m = np.stack([V[:, 0, i] * w[1] + V[:, 1, i] * w[2] for i in range(2)])
            rho = self.density(w[0], m, q)
            if step == METRIC_STEPS:
                break
            y = m / (rho + 2 * q[:, :, None, None])
            s = [(rho * y[i] * y[j]).sum((1, 2)) for i, j in ((0, 0), (0, 1), (1, 1))]
            moment = U @ np.moveaxis(np.array([[s[0], s[1]], [s[1], s[2]]]), -1, 0) @ U.transpose(0, 2, 1)
            self.metric = self.next_metric(moment)
        z = m * (2 * q[:, :, None, None] / (rho + 2 * q[:, :, None, None]))
        return [w[0] - rho, *(V[:, i, 0] * z[0] + V[:, i, 1] * z[1] for i in range(2))]

    def next_metric(self, moment: np.ndarray) -> np.ndarray:
        """p < ∞: half-way to the matrix active at the moment. p = ∞: a projected gradient step, eigenvalues kept in the
        simplex."""
        if self.p < np.inf:
            values, vectors = np.linalg.eigh(moment)
            values = np.maximum(values, 0) ** (self.p - 1) + 1e-300
            values /= (values ** (self.p / (self.p - 1))).sum(1, keepdims=True) ** (1 - 1 / self.p)
            return 0.5 * (self.metric + (vectors * values[:, None]) @ vectors.transpose(0, 2, 1))
        size = np.trace(moment, axis1=1, axis2=2)[:, None, None]
        values, vectors = np.linalg.eigh(self.metric + 0.1 * moment / np.maximum(size, 1e-300))
        excess = 0.5 * (values.sum(1) - 1)[:, None]
        values = np.maximum(values - excess, 0)
        values /= values.sum(1, keepdims=True)
        return (vectors * values[:, None]) @ vectors.transpose(0, 2, 1)

    def advance(self) -> None:
        moved = [x.copy() for x in self.u]
        for axis, (x, w) in enumerate(zip(moved, self.w, strict=True)):
            upper, lower, inner = self._ends(axis)
            x[inner] -= (0.5 / SIGMA) * (w[upper] + w[lower])
        new = self.project(moved)
        ahead = self.interpolate([2 * x - y for x, y in zip(new, self.u, strict=True)])
        w = self.prox([x + SIGMA * y for x, y in zip(self.w, ahead, strict=True)])
        self.u = [x + RELAXATION * (y - x) for x, y in zip(self.u, new, strict=True)]
        self.w = [x + RELAXATION * (y - x) for x, y in zip(self.w, w, strict=True)]

    def value(self) -> float:
        """The action of the present field where its masses are positive; no certificate."""
        rho, *m = self.interpolate(self.u)
        over = np.where(rho > 0, 1 / np.where(rho > 0, rho, 1), 0)
        s = [(over * m[i] * m[j]).sum((1, 2)) for i, j in ((0, 0), (0, 1), (1, 1))]
        values = np.linalg.eigvalsh(np.moveaxis(np.array([[s[0], s[1]], [s[1], s[2]]]), -1, 0))
        slices = values[:, 1] if self.p == np.inf else (np.maximum(values, 0) ** self.p).sum(1) ** (1 / self.p)
        return float(slices.mean() / self.n**2)
