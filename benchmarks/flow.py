"""The section on flows of `make bench`: MMD and attention against plain NumPy, the selector against the machine."""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import spectralot as so

from benchmarks import peers
from benchmarks.measure import Measurement, measure
from experiments.clouds import paper_clouds

Compare = Callable[..., dict[str, Any]]


def mmd_flow(X: np.ndarray, Y: np.ndarray, step: float, n_steps: int) -> np.ndarray:
    f = so.flow.MMD(Y, eps=1e-2)
    return so.flow.run(f, X, step=step, n_steps=n_steps, clock="coordinate", record_every=n_steps).points[-1]


def attention_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, targets and 200 heads in the sizes of the paper's experiment."""
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(32, 16, 4))
    return tokens, 0.1 * rng.normal(size=(32, 16, 4)), 0.16 * rng.normal(size=(200, 48))


def attention_flow(n_steps: int) -> np.ndarray:
    tokens, target, X = attention_scene()
    f = so.flow.Attention(tokens, target, 3)
    t = so.flow.run(f, X, 1, step=100.0, n_steps=n_steps, clock="coordinate", step_cap=0.45, record_every=n_steps)
    return t.points[-1]


def numpy_attention_flow(n_steps: int) -> np.ndarray:
    """The same by broadcasting: p = 1 on the coordinate gradient with the cap."""
    tokens, target, X = attention_scene()
    for _ in range(n_steps):
        step = 100.0 / len(X) * numpy_attention_force(X, tokens, target, 3)
        X = X - step * min(1.0, 0.45 / np.linalg.norm(step))
    return X


def numpy_attention_force(X: np.ndarray, tokens: np.ndarray, target: np.ndarray, d_head: int) -> np.ndarray:
    n, d, scale = len(X), tokens.shape[2], 1 / np.sqrt(d_head)
    Q, K, V, O = np.moveaxis(X.reshape(n, 4, d_head, d), 1, 0)
    q, k, v = (np.einsum("nab,sjb->nsja", M, tokens) for M in (Q, K, V))
    p = q @ k.swapaxes(2, 3) * scale
    p = np.exp(p - p.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    mixed = p @ v
    residual = (np.einsum("nab,nsja->sjb", O, mixed) / n - target) / target.size
    pull = np.einsum("nab,sjb->nsja", O, residual)
    slope = pull @ v.swapaxes(2, 3)
    slope = p * (slope - (p * slope).sum(axis=-1, keepdims=True)) * scale
    parts = [slope @ k, slope.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ pull]
    forces = [np.einsum("nsja,sjb->nab", part, tokens) for part in parts]
    forces.append(np.einsum("nsja,sjb->nab", mixed, residual))
    return np.stack(forces, axis=1).reshape(n, -1)


def spring_flow(n: int, d: int, n_steps: int) -> None:
    """A flow whose force costs one copy of the points."""
    X = np.random.default_rng(0).normal(size=(n, d))
    so.flow.run(so.flow.Quadratic(np.zeros(d)), X, inf, step=1e-3, n_steps=n_steps, record_every=n_steps)


def machine_limit(n: int, d: int, n_steps: int) -> None:
    """What the steps cannot avoid: the copy that the force costs, and one and a half n×d×d products (moment and
    velocity), or where d is small their traffic of four arrays: the force is read for the moment and for the velocity,
    the points are read and written."""
    X = np.random.default_rng(0).normal(size=(n, d))
    B, out = np.eye(d), np.empty_like(X)
    for _ in range(n_steps):
        np.copyto(out, X)
        if d >= 16:
            np.matmul(X, B, out=out)
            np.matmul(X[: n // 2], B, out=out[: n // 2])
        else:
            np.copyto(out, X)
            np.copyto(out, X)


def rows(quick: bool, compare: Compare) -> list[dict[str, Any]]:
    found = []
    cases = [(200, 300, 300, 40.0)] if quick else [(200, 6000, 600, 40.0), (5000, 4, 2, 15.0)]
    for n, n_steps, peer_steps, floor in cases:
        X, Y = paper_clouds(n)
        ours = measure(mmd_flow, X, Y, 1.6, n_steps, repeats=3)
        theirs = measure(peers.numpy_mmd_flow, X, Y, 1.6, peer_steps, repeats=0)
        theirs = per_step(theirs, n_steps / peer_steps)
        note = f"peer timed over {peer_steps} steps"
        found.append(compare(f"MMD flow p = inf, n = {n}, {n_steps} steps", ours, "NumPy", theirs, floor, note))

    n_steps, peer_steps = (48, 8) if quick else (960, 48)
    ours = measure(attention_flow, n_steps, repeats=1 if quick else 3)
    theirs = per_step(measure(numpy_attention_flow, peer_steps, repeats=0), n_steps / peer_steps)
    note = f"peer timed over {peer_steps} steps"
    found.append(compare(f"attention flow, 200 heads, {n_steps} steps", ours, "NumPy", theirs, 5.0, note))

    for n, d, n_steps in ((10_000, 8, 50),) if quick else ((100_000, 2, 2000), (100_000, 64, 100)):
        ours = measure(spring_flow, n, d, n_steps, repeats=3)
        limit = measure(machine_limit, n, d, n_steps, repeats=3)
        what = "a copy and 1.5 products n x d x d" if d >= 16 else "3 copies"
        found.append(compare(f"step with p = inf, {n} x {d}, {n_steps} steps", ours, what, limit, 0.5, "machine limit"))
    return found


def per_step(measured: Measurement, factor: float) -> Measurement:
    return Measurement(measured.seconds * factor, measured.peak_mb, measured.value, measured.repeats)
