"""A flow whose selector jumps at rank loss: p = ∞ on ½|x|², with its exact solution.

For f = ½∫|x|² the force is x itself, and under p = ∞ both singular values of W^½X fall at the rate s = σ₁ + σ₂:
s = s₀e^{-2t} while σ₁ - σ₂ = δ stays, until σ₂ vanishes at t* = ½ log(s₀/δ). There J jumps: its second direction, of
full weight just before, is gone, and σ₁ = δe^{-(t-t*)} goes on alone.
"""

from dataclasses import asdict, dataclass
from math import inf, log
from typing import Any

import numpy as np
import spectralot as so

from ..report import label


@dataclass(frozen=True)
class Config:
    n: int = 50
    sigma: tuple[float, float] = (2.0, 1.0)
    time: float = 1.2
    steps: tuple[float, ...] = (0.04, 0.01, 0.0025)
    tol: float = 1e-6  #: stationarity gap of an implicit step beside its decrease
    seed: int = 0


QUICK = Config(n=10, steps=(0.04, 0.02))


def start(config: Config) -> np.ndarray:
    """A cloud whose uniform measure has the singular values asked for."""
    rng = np.random.default_rng(config.seed)
    U = np.linalg.qr(rng.normal(size=(config.n, 2)))[0]
    return np.sqrt(config.n) * U * config.sigma


def time_of_loss(config: Config) -> float:
    return 0.5 * log(sum(config.sigma) / (config.sigma[0] - config.sigma[1]))


def exact(config: Config, t: np.ndarray) -> np.ndarray:
    """(k, 2): singular values."""
    total, delta = sum(config.sigma), config.sigma[0] - config.sigma[1]
    stop = time_of_loss(config)
    s = total * np.exp(-2 * t)
    before = np.column_stack([(s + delta) / 2, (s - delta) / 2])
    after = np.column_stack([delta * np.exp(stop - t), np.zeros_like(t)])
    return np.where((t < stop)[:, None], before, after)


def singular_values(points: np.ndarray) -> np.ndarray:
    return np.linalg.svd(points / np.sqrt(points.shape[1]), compute_uv=False)


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    f = so.flow.Quadratic([0.0, 0.0])
    X = start(config)
    headline = {"time of rank loss": time_of_loss(config)}
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for h in config.steps:
        n_steps = round(config.time / h)
        t = so.flow.run(f, X, inf, step=h, n_steps=n_steps)
        points, Y = [X], X
        for _ in range(n_steps):
            Y = so.flow.jko_step(f, Y, inf, h, tol=config.tol, certify=False).points
            points.append(Y)
        times = h * np.arange(n_steps + 1)
        for name, values in (("explicit", singular_values(t.points)), ("implicit", singular_values(np.array(points)))):
            curves[f"{name}, h = {h:g}"] = (times, values)
            headline[f"error of the first singular value, {name}, h = {h:g}"] = np.abs(
                values[:, 0] - exact(config, times)[:, 0]
            ).max()
            late = times > headline["time of rank loss"] + 0.2
            headline[f"second singular value after rank loss, {name}, h = {h:g}"] = values[late, 1].max()
    series = {name: {"time": t, "sigma": s} for name, (t, s) in curves.items()}
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(config, curves)


def draw(config: Config, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    t = np.sort(np.append(np.linspace(0, config.time, 500), time_of_loss(config) - np.geomspace(1e-9, 1e-2, 50)))
    for ax, kind in zip(axes, ("explicit", "implicit"), strict=True):
        ax.semilogy(t, np.where(exact(config, t) > 0, exact(config, t), np.nan), "k-", lw=1)
        for h, color in zip(config.steps, ("#0072B2", "#D55E00", "#009E73"), strict=False):
            times, values = curves[f"{kind}, h = {h:g}"]
            ax.semilogy(times, values, ".", ms=3, color=color, label=[f"h = {h:g}", None])
        ax.set(xlabel="time", ylim=(1e-8, 4), title=f"{kind} Euler, p = {label(inf)}")
    axes[0].set_ylabel("singular values of the cloud")
    axes[0].legend(frameon=False)
    return figure
