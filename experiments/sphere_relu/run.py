"""Birth and death by growth: a two-layer ReLU network trained on the sphere, against its flow in the ambient space."""

from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..relu_network.run import teacher
from ..report import label, progress


@dataclass(frozen=True)
class Config:
    n: int = 400  #: directions (u, v) on S²
    n_train: int = 1000
    step_1: float = 0.1  #: for p = 1, whose clock is slower …
    step_inf: float = 0.03  #: … and for p = ∞
    n_steps: int = 1000
    record_every: int = 10
    seed: int = 0


QUICK = Config(n=60, n_train=100, n_steps=100)

BORN, DEAD = 4.0, 0.25  # growth of a mass from which a direction counts as born, and below which as dead


def scene(config: Config) -> tuple[so.flow.TwoLayer, np.ndarray]:
    """The training risk, and a start that is spread over the whole sphere: equal masses in random directions."""
    rng = np.random.default_rng(config.seed)
    Z = rng.normal(size=(config.n_train, 2))
    risk = so.flow.TwoLayer(Z, so.flow.TwoLayer(Z, np.zeros(len(Z))).predict(teacher()))
    start = rng.normal(size=(config.n, 3))
    return risk, start / np.linalg.norm(start, axis=1, keepdims=True)


def steps(config: Config) -> dict[float, float]:
    return {1: config.step_1, inf: config.step_inf}


def near_teacher(directions: np.ndarray, masses: np.ndarray) -> float:
    """Share of the mass within 0.3 rad of a direction of the teacher with both layers of equal size."""
    rays = teacher() / np.linalg.norm(teacher(), axis=1, keepdims=True)
    return float(masses[(directions @ rays.T).max(axis=1) > np.cos(0.3)].sum() / masses.sum())


def end_of_ambient_flow(
    risk: so.flow.TwoLayer, start: np.ndarray, p: float, step: float, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    t = so.flow.run(risk, start, p, step=step, n_steps=n_steps, method="rk4", record_every=n_steps)
    return so.sphere.project(t.points[-1])


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    risk, start = scene(config)
    flows: dict[float, so.sphere.SphereTrajectory] = {}
    headline: dict[str, float] = {}
    for p, step in progress(steps(config).items(), "ReLU on the sphere", "flow"):
        t = flows[p] = so.sphere.flow(
            risk,
            *so.sphere.project(start),
            p,
            step=step,
            n_steps=config.n_steps,
            method="rk4",
            record_every=config.record_every,
        )
        dirs, masses = end_of_ambient_flow(risk, start, p, step, config.n_steps)
        finer_dirs, finer_masses = end_of_ambient_flow(risk, start, p, step / 2, 2 * config.n_steps)
        growth = t.masses[-1] / t.masses[0]
        name = f"p = {label(p)}"
        headline[f"risk ratio, {name}"] = t.energy[-1] / t.energy[0]
        headline[f"mass ratio, {name}"] = t.masses[-1].sum() / t.masses[0].sum()
        headline[f"share of directions born, {name}"] = float((growth > BORN).mean())
        headline[f"share of directions dead, {name}"] = float((growth < DEAD).mean())
        headline[f"mass near the teacher, {name}"] = near_teacher(t.directions[-1], t.masses[-1])
        # A neuron that crosses a kink of the ReLU within a step makes an error of which the order of the method says
        # nothing; the two flows may differ by no more than that.
        for what, mine, coarse, fine in (
            ("masses", t.masses[-1], masses, finer_masses),
            ("directions", t.directions[-1], dirs, finer_dirs),
        ):
            headline[f"{what}: difference from the ambient flow over the error of its steps, {name}"] = float(
                np.abs(mine - coarse).max() / np.abs(coarse - fine).max()
            )
    series = {label(p): {"time": t.times, "energy": t.energy, "mass": t.masses.sum(axis=1)} for p, t in flows.items()}
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(flows)


def animate(out: Path, config: Config = Config()) -> list[Path]:
    """One page per p with a time slider: (u, v₁) of particles with equal weights, in the folder `out`."""
    risk, start = scene(config)
    pages = []
    for p, step in steps(config).items():
        t = so.sphere.flow(
            risk, *so.sphere.project(start), p, step=step, n_steps=config.n_steps, record_every=config.record_every
        )
        name = "inf" if np.isinf(p) else f"{p:g}"
        title = f"ReLU on the sphere, p = {label(p)}"
        pages.append(so.animation.save(t, out / f"sphere_relu_{name}.html", title=title))
    return pages


def draw(flows: dict[float, so.sphere.SphereTrajectory]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(flows), 5, figsize=(14.5, 2.9 * len(flows)), layout="constrained", squeeze=False)
    for row, (p, t) in zip(axes, flows.items(), strict=True):
        for ax, k in zip(row, (0, len(t.times) // 8, len(t.times) - 1), strict=False):
            so.plot.directions(t.directions[k], t.masses[k], ax=ax)
            rays = teacher() / np.linalg.norm(teacher(), axis=1, keepdims=True)
            ax.scatter(*rays[:, :2].T, marker="x", color="black", s=40, zorder=4)
            ax.set_title(f"p = {label(p)}, t = {t.times[k]:.3g}", fontsize=10)
        growth = t.masses / t.masses[0]
        final = growth[-1]
        colors = np.where(final > BORN, "#D55E00", np.where(final < DEAD, "#0072B2", "0.75"))
        for i in np.argsort(np.abs(np.log(final))):
            row[3].semilogy(t.times, growth[:, i], color=colors[i], lw=0.6, alpha=0.7)
        row[3].yaxis.set_minor_formatter(plt.NullFormatter())
        row[3].set_ylim(min(0.1, 0.8 * final.min()), 10)
        row[3].set_title("mass of a direction / its start", fontsize=10)
        row[3].set_xlabel("t")
        row[4].semilogy(t.times, t.energy / t.energy[0], color="black", lw=1.4, label="risk / initial risk")
        row[4].semilogy(
            t.times, t.masses.sum(axis=1) / t.masses[0].sum(), color="0.5", lw=1.4, label="total mass / start"
        )
        row[4].set_xlabel("t")
        row[4].legend(frameon=False, fontsize=8)
        for ax in row[3:]:
            ax.spines[["top", "right"]].set_visible(False)
    return figure
