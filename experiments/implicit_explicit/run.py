"""Implicit (JKO) against explicit Euler steps of an MMD flow, with the certified distance of every implicit step."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..clouds import paper_clouds
from ..report import label


@dataclass(frozen=True)
class Config:
    n: int = 60
    seed: int = 0
    eps: float = 1e-2
    time: float = 8.0
    steps: tuple[float, ...] = (0.25, 1.0, 4.0)
    reference_step: float = 0.01  #: of the fourth-order run
    tol: float = 1e-6  #: stationarity gap of an implicit step beside its decrease
    max_iter: int = 20000


QUICK = Config(n=24, time=2.0, steps=(0.5, 2.0))


def implicit(config: Config, f: so.flow.MMD, X: np.ndarray, p: float, h: float) -> list[so.flow.JKOStep]:
    steps: list[so.flow.JKOStep] = []
    for _ in range(round(config.time / h)):
        steps.append(so.flow.jko_step(f, X, p, h, tol=config.tol, max_iter=config.max_iter))
        X = steps[-1].points
    return steps


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    X, Y = paper_clouds(config.n, config.seed)
    f = so.flow.MMD(Y, eps=config.eps)
    headline: dict[str, float] = {}
    curves: dict[float, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    for p in tqdm((1, inf), desc="implicit", unit="gauge", leave=False):
        h = config.reference_step
        fine = so.flow.run(f, X, p, step=h, n_steps=round(config.time / h), method="rk4", record_every=10)
        curves[p] = {"reference": (fine.times, fine.energy)}
        headline[f"reference energy, p = {label(p)}"] = fine.energy[-1]
        for h in config.steps:
            name = f"p = {label(p)}, h = {h:g}"
            explicit = so.flow.run(f, X, p, step=h, n_steps=round(config.time / h))
            steps = implicit(config, f, X, p, h)
            times = h * np.arange(len(steps) + 1)
            energies = np.array([steps[0].energy_before, *(s.energy for s in steps)])
            curves[p][f"explicit, h = {h:g}"] = (explicit.times, explicit.energy)
            curves[p][f"implicit, h = {h:g}"] = (times, energies)
            headline[f"explicit energy, {name}"] = explicit.energy[-1]
            headline[f"implicit energy, {name}"] = energies[-1]
            headline[f"implicit steps converged, {name}"] = float(np.mean([s.converged for s in steps]))
            headline[f"largest relative pairing excess, {name}"] = max(
                max(s.pairing_cost - s.upper, 0.0) / s.pairing_cost for s in steps
            )
    series = {
        f"p = {label(p)}": {name: {"time": t, "energy": e} for name, (t, e) in lines.items()}
        for p, lines in curves.items()
    }
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(config, curves)


def draw(config: Config, curves: dict[float, dict[str, tuple[np.ndarray, np.ndarray]]]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
    for ax, (p, lines) in zip(axes, curves.items(), strict=True):
        for name, (times, energies) in lines.items():
            if name == "reference":
                ax.semilogy(times, energies, "k-", lw=1, label="fourth order, fine")
                continue
            kind, h = name.split(", h = ")
            color = ("#0072B2", "#D55E00", "#009E73")[config.steps.index(float(h))]
            ax.semilogy(times, energies, "o-" if kind == "implicit" else "x:", color=color, ms=4, lw=1, label=name)
        ax.set(xlabel="time", title=f"p = {label(p)}")
    axes[0].set_ylabel("MMD²")
    axes[0].legend(frameon=False, fontsize=8)
    return figure
