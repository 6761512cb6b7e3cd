"""The dynamic solver's splitting written with NumPy and SciPy: the peer of its benchmark, and of a test at p = 1.

One iteration is a projection onto the continuity equation (cosine transforms in time and space) and a projection of the
dual fields; unit square, no flux. For 1 < p fixed-point steps find the metrics of all slices at once.
"""

import numpy as np
from scipy.fft import dctn, idctn

SIGMA, RELAXATION = 0.13, 1.8


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
        rho = np.maximum(self.rho, floor)
        for _ in range(60):
            inverse = 1 / np.maximum(rho + 2 * q, 1e-290)
            t = q * (m * inverse) ** 2
            step = (rho - w0 - t.sum(0)) / (1 + 2 * (t * inverse).sum(0))
            new = np.maximum(rho - step, floor)
            moved = np.abs(new - rho).max()
            rho = new
            if moved < 1e-13:
                break
        self.rho = rho
        return rho

    def prox(self, w: list[np.ndarray]) -> list[np.ndarray]:
        for _ in range(1 if self.p == 1 else 50):
            q, U = np.linalg.eigh(self.metric)
            q = np.maximum(q, 1e-12).T
            m = np.einsum("tji,jtxy->itxy", U, np.stack(w[1:]))
            rho = self.density(w[0], m, q)
            if self.p == 1:
                break
            y = m / np.maximum(rho + 2 * q[:, :, None, None], 1e-290)
            S = np.einsum("tij,jktxy,tlk->til", U, rho * y[:, None] * y[None], U)
            values, vectors = np.linalg.eigh(S)
            values = np.maximum(values, 0) ** (self.p - 1) + 1e-300
            values /= (values ** (self.p / (self.p - 1))).sum(1, keepdims=True) ** (1 - 1 / self.p)
            active = (vectors * values[:, None]) @ vectors.transpose(0, 2, 1)
            change = np.abs(active - self.metric).max()
            self.metric = 0.5 * (self.metric + active)
            if change < 1e-10:
                break
        shrunk = m * 2 * q[:, :, None, None] / np.maximum(rho + 2 * q[:, :, None, None], 1e-290)
        return [w[0] - rho, *np.einsum("tij,jtxy->itxy", U, shrunk)]

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
        """p = 1: the action of the present field where its masses are positive; no certificate."""
        rho, mx, my = self.interpolate(self.u)
        moving = np.where(rho > 0, (mx**2 + my**2) / np.where(rho > 0, rho, 1), 0)
        return float(moving.sum() / rho.size)
