"""Flows with momentum, τȦ + A = g, Ẋ = J(A): the energy may rise, energy plus ½τN*(A)² may not."""

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
    n: int = 200
    seed: int = 0
    eps: float = 0.3  #: wider than in Figure 2, so that the fine flow is smooth
    time: float = 30.0
    step: float = 0.02
    taus: tuple[float, ...] = (0.0, 1.0, 4.0)
    record_every: int = 10


QUICK = Config(n=40, time=2.0, step=0.05, taus=(0.0, 1.0), record_every=4)


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    X, Y = paper_clouds(config.n, config.seed)
    f = so.flow.MMD(Y, eps=config.eps)
    flows: dict[tuple[float, float], so.flow.Trajectory] = {}
    headline: dict[str, float] = {}
    jobs = [(p, tau) for p in (1, inf) for tau in config.taus]
    for p, tau in tqdm(jobs, desc="momentum", unit="flow", leave=False):
        t = so.flow.run(
            f,
            X,
            p,
            step=config.step,
            n_steps=round(config.time / config.step),
            method="heun",
            momentum=tau or None,
            record_every=config.record_every,
        )
        flows[p, tau] = t
        total = t.energy + t.kinetic
        name = f"p = {label(p)}, tau = {tau:g}"
        headline[f"energy ratio, {name}"] = t.energy[-1] / t.energy[0]
        headline[f"records at which the energy rose, {name}"] = float((~t.descent).sum())
        headline[f"records at which energy + kinetic rose, {name}"] = float((np.diff(total) > 0).sum())
    series = {
        f"p = {label(p)}, tau = {tau:g}": {"time": t.times, "energy": t.energy, "kinetic": t.kinetic}
        for (p, tau), t in flows.items()
    }
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(config, flows)


def draw(config: Config, flows: dict[tuple[float, float], so.flow.Trajectory]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    for ax, p in zip(axes, (1, inf), strict=True):
        for tau, color in zip(config.taus, ("#000000", "#0072B2", "#D55E00"), strict=False):
            t = flows[p, tau]
            ax.semilogy(t.times, t.energy, color=color, lw=1.3, label=f"τ = {tau:g}")
            if tau:
                ax.semilogy(t.times, t.energy + t.kinetic, "--", color=color, lw=1)
        ax.set(xlabel="time", title=f"p = {label(p)}")
    axes[0].set_ylabel("MMD²")
    axes[0].plot([], [], "--", color="0.4", lw=1, label="MMD² + ½τN*(A)²")
    axes[0].legend(frameon=False, fontsize=8)
    return figure
