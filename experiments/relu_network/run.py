"""Two-layer ReLU network with a three-neuron teacher: energy, angular histograms at six times, trajectories."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..report import label

TEACHER_SIGNS = np.array([1.0, 1.0, -1.0])
TEACHER_ANGLES = np.array([0.38, 2.42, 4.63])


@dataclass(frozen=True)
class Config:
    n: int = 1920
    n_train: int = 2000
    n_test: int = 4000
    n_steps: int = 2000
    step_1: float = 75.0  #: Δt of the published run, on the coordinate gradient
    step_inf: float = 50.0
    step_cap: float = 0.20  #: on the Frobenius norm of the whole step
    bandwidth: float = 0.10  #: of the circular Parzen estimate
    record_every: int = 20
    seed: int = 0


QUICK = Config(n=96, n_train=200, n_test=400, n_steps=40, record_every=8)


def teacher() -> np.ndarray:
    return np.column_stack([TEACHER_SIGNS, np.cos(TEACHER_ANGLES), np.sin(TEACHER_ANGLES)])


def scene(config: Config) -> tuple[so.flow.TwoLayer, so.flow.TwoLayer, np.ndarray]:
    """Training risk, evaluation risk, initial neurons."""
    rng = np.random.default_rng(config.seed)
    risks = []
    for size in (config.n_train, config.n_test):
        Z = rng.normal(size=(size, 2))
        y = so.flow.TwoLayer(Z, np.zeros(size)).predict(teacher())
        risks.append(so.flow.TwoLayer(Z, y))
    deviation = np.sqrt(0.5) * teacher().std(axis=0)
    start = teacher().mean(axis=0) + deviation * rng.normal(size=(config.n, 3))
    return risks[0], risks[1], start


def run(config: Config) -> dict[float, so.flow.Trajectory]:
    train, _, start = scene(config)
    return {
        p: so.flow.run(
            train,
            start,
            p,
            step=step,
            n_steps=config.n_steps,
            clock="coordinate",
            step_cap=config.step_cap,
            record_every=config.record_every,
        )
        for p, step in tqdm({1: config.step_1, inf: config.step_inf}.items(), desc="ReLU", unit="flow", leave=False)
    }


def histogram(points: np.ndarray, angles: np.ndarray, bandwidth: float) -> np.ndarray:
    """Circular Parzen density of the angles of v, weighted by |u|‖v‖."""
    u, v = points[:, 0], points[:, 1:]
    weights = np.abs(u) * np.linalg.norm(v, axis=1)
    kernel = np.exp((np.cos(angles[:, None] - np.arctan2(v[:, 1], v[:, 0])) - 1) / bandwidth**2)
    density = kernel @ weights
    return density / (density.mean() * 2 * np.pi)


def near_teacher(points: np.ndarray) -> float:
    """Share of the mass |u|‖v‖ within 0.3 rad of the teacher's neuron of the same sign of u."""
    u, v = points[:, 0], points[:, 1:]
    weights = np.abs(u) * np.linalg.norm(v, axis=1)
    offset = np.angle(np.exp(1j * (np.arctan2(v[:, 1], v[:, 0])[:, None] - TEACHER_ANGLES)))
    close = ((np.abs(offset) < 0.3) & (np.sign(u)[:, None] == TEACHER_SIGNS)).any(axis=1)
    return float(weights[close].sum() / weights.sum())


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    flows = run(config)
    _, test, _ = scene(config)
    headline: dict[str, float] = {}
    for p, t in flows.items():
        headline[f"risk ratio, p = {label(p)}"] = t.energy[-1] / t.energy[0]
        headline[f"evaluation risk ratio, p = {label(p)}"] = test.energy(t.points[-1]) / test.energy(t.points[0])
        headline[f"mass near the teacher, p = {label(p)}"] = near_teacher(t.points[-1])
        headline[f"balance residual / start, p = {label(p)}"] = t.balance_residual[-1] / t.energy[0]
    series = {label(p): {"time": t.times, "energy": t.energy, "dissipation": t.dissipation} for p, t in flows.items()}
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(config, flows)


def draw(config: Config, flows: dict[float, so.flow.Trajectory]) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection

    figure, axes = plt.subplots(1, 5, figsize=(19, 3.8), layout="constrained")
    for p, t in flows.items():
        axes[0].semilogy(t.times / t.times[-1], t.energy / t.energy[0], label=f"p = {label(p)}")
    axes[0].set(xlabel="normalised time", title="risk / initial risk")
    axes[0].legend(frameon=False)
    angles = np.linspace(0, 2 * np.pi, 361)
    shown = [t.points[:, :: max(1, config.n // 200)].swapaxes(0, 1) for t in flows.values()]
    planes = [np.abs(paths[..., :1]) * paths[..., 1:] for paths in shown]
    limit = max(np.quantile(np.abs(plane), 0.99) for plane in planes)
    for k, (p, t) in enumerate(flows.items()):
        ax = axes[1 + k]
        snapshots = np.unique(np.round(np.linspace(0, 1, 6) ** 2 * (len(t.times) - 1)).astype(int))
        for snapshot, color in zip(snapshots, plt.get_cmap("viridis")(np.linspace(0, 0.95, 6)), strict=False):
            time = f"{t.times[snapshot] / t.times[-1]:.2f}"
            ax.plot(angles, histogram(t.points[snapshot], angles, config.bandwidth), color=color, label=time)
        for angle in TEACHER_ANGLES:
            ax.axvline(angle, color="0.5", ls="--", lw=0.8)
        ax.set(xlabel="angle of v", title=f"angular density, p = {label(p)}", ylim=(0, 1.8))

        ax, plane = axes[3 + k], planes[k]
        colors = np.where(shown[k][:, -1, 0] > 0, "#D55E00", "#0072B2")
        ax.add_collection(LineCollection(plane, colors=colors, linewidths=0.5, alpha=0.6))
        ax.scatter(*plane[:, -1].T, c=colors, s=5, zorder=3)
        for ray in teacher():
            ax.plot([0, 3 * ray[1]], [0, 3 * ray[2]], "k--", lw=0.8)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
        ax.set_title(f"(|u|v₁, |u|v₂), p = {label(p)}")
    axes[1].legend(title="normalised time", ncols=6, fontsize=7, handlelength=1, columnspacing=0.8, edgecolor="none")
    return figure
