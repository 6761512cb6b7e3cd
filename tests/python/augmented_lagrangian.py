"""Benamou and Brenier's own method for the classical W2² (their ALG2), on a grid that shares nothing with the library:

the potential φ at the times 0, 1/N, …, 1, densities and momenta collocated in the middles of the slices and in the same
points of a periodic square, derivatives in space by Fourier transforms. No certificate: the test refines it.
"""

import numpy as np


def w2_squared(a: np.ndarray, b: np.ndarray, n_times: int, rounds: int, r: float = 1.0) -> float:
    n = len(a)
    k = 2j * np.pi * np.fft.fftfreq(n, 1 / n)
    k[n // 2] = 0  # an even grid's highest mode has no odd derivative
    gradient = (k[:, None] + 0 * k, k + 0 * k[:, None])
    along, middle = n_times * np.diff(np.eye(n_times + 1), axis=0), np.abs(np.diff(np.eye(n_times + 1), axis=0)) / 2
    size = sum(np.abs(g) ** 2 for g in gradient)[..., None, None]
    inverse = np.linalg.pinv(along.T @ along + size * (middle.T @ middle), hermitian=True)

    def apply(phi: np.ndarray) -> np.ndarray:
        """(3, N, n, n): ∂φ/∂t and ∇φ in the middles of the slices."""
        mean = np.fft.fft2(np.tensordot(middle, phi, 1))
        return np.stack([np.tensordot(along, phi, 1), *(np.fft.ifft2(g * mean).real for g in gradient)])

    def adjoint(v: np.ndarray) -> np.ndarray:
        flux = sum(np.fft.ifft2(np.conj(g) * np.fft.fft2(x)).real for g, x in zip(gradient, v[1:], strict=True))
        return np.tensordot(along.T, v[0], 1) + np.tensordot(middle.T, flux, 1)

    ends = np.zeros((n_times + 1, n, n))
    ends[0], ends[-1] = -n_times * a * n * n, n_times * b * n * n
    mu = np.zeros((3, n_times, n, n))
    q = np.zeros_like(mu)
    for _ in range(rounds):
        right = np.fft.fft2(ends / r + adjoint(q - mu / r))
        phi = np.fft.ifft2(np.einsum("xyst,txy->sxy", inverse, right)).real
        step = apply(phi)
        q = project(step + mu / r)
        mu += r * (step - q)
    rho = np.maximum(mu[0], 1e-12)
    return float(((mu[1] ** 2 + mu[2] ** 2) / rho).mean())


def project(v: np.ndarray) -> np.ndarray:
    """Pointwise onto a + |b|²/4 ≤ 0: (a - λ, b/(1 + λ/2)) with the root λ ≥ 0 of a - λ + |b|²/(2 + λ)² = 0."""
    length = v[1] ** 2 + v[2] ** 2
    root = np.maximum(v[0], 0)
    for _ in range(50):
        f = v[0] - root + length / (2 + root) ** 2
        root = np.maximum(root + f / (1 + 2 * length / (2 + root) ** 3), 0)
    root = np.where(v[0] + length / 4 > 0, root, 0)
    return np.stack([v[0] - root, v[1] / (1 + root / 2), v[2] / (1 + root / 2)])
