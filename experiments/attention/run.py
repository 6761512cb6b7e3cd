"""Shallow attention with a five-head teacher, dense and sparse, five trials each: risk under p = 1 and p = ∞."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..report import label


@dataclass(frozen=True)
class Config:
    d: int = 4
    d_head: int = 3
    n_tokens: int = 16
    n_sequences: int = 32
    n_teacher: int = 5
    n: int = 200
    n_trials: int = 5
    scale_dense: float = 0.08  #: of the teacher's Q and K
    scale_sparse: float = 1.45
    scale_values: float = 0.65  #: of the teacher's V and O
    scale_start: float = 0.16
    steps_1: int = 960
    step_1: float = 100.0  #: on the coordinate gradient
    steps_inf: int = 480
    step_inf: float = 180.0
    step_cap: float = 0.45  #: on the Frobenius norm of the whole step
    record_every: int = 10
    seed: int = 0


QUICK = Config(n=24, n_tokens=6, n_sequences=8, n_trials=2, steps_1=30, steps_inf=15)


def scene(config: Config, regime: str, trial: int) -> tuple[so.flow.Attention, np.ndarray, np.ndarray]:
    """Risk, initial heads, the teacher's attention rows w."""
    rng = np.random.default_rng([config.seed, trial, regime == "sparse"])
    tokens = rng.normal(size=(config.n_sequences, config.n_tokens, config.d))
    scale = config.scale_dense if regime == "dense" else config.scale_sparse
    scales = np.array([scale, scale, config.scale_values, config.scale_values])[:, None, None]
    heads = (scales * rng.normal(size=(config.n_teacher, 4, config.d_head, config.d))).reshape(config.n_teacher, -1)
    blank = so.flow.Attention(tokens, np.zeros_like(tokens), config.d_head)
    objective = so.flow.Attention(tokens, blank.predict(heads), config.d_head)
    start = config.scale_start * rng.normal(size=(config.n, heads.shape[1]))
    return objective, start, blank.attention_weights(heads).reshape(-1, config.n_tokens)


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    schedule = {1: (config.step_1, config.steps_1), inf: (config.step_inf, config.steps_inf)}
    curves: dict[tuple[str, float], list[so.flow.Trajectory]] = {}
    headline: dict[str, float] = {}
    jobs = [(regime, trial) for regime in ("dense", "sparse") for trial in range(config.n_trials)]
    attended: dict[str, list[np.ndarray]] = {"dense": [], "sparse": []}
    for regime, trial in tqdm(jobs, desc="attention", unit="trial", leave=False):
        objective, start, rows = scene(config, regime, trial)
        attended[regime].append(rows)
        for p, (step, n_steps) in schedule.items():
            t = so.flow.run(
                objective,
                start,
                p,
                step=step,
                n_steps=n_steps,
                clock="coordinate",
                step_cap=config.step_cap,
                record_every=config.record_every,
            )
            curves.setdefault((regime, p), []).append(t)
    for regime, trials in attended.items():
        effective = [(1 / (rows**2).sum(axis=1)).mean() for rows in trials]
        headline[f"N_eff, {regime}"] = float(np.mean(effective))
        headline[f"N_eff, deviation over trials, {regime}"] = float(np.std(effective))
    for (regime, p), trajectories in curves.items():
        ratios = [t.energy[-1] / t.energy[0] for t in trajectories]
        headline[f"median risk ratio, {regime}, p = {label(p)}"] = float(np.median(ratios))
    for regime in attended:
        pairs = zip(curves[regime, 1], curves[regime, inf], strict=True)
        # p = ∞ at its last step against p = 1 at the same number of steps
        same = [a.energy[len(b.energy) - 1] / b.energy[-1] for a, b in pairs]
        headline[f"p = 1 over p = ∞ at equal steps, median, {regime}"] = float(np.median(same))
    series = {
        f"{regime}, p = {label(p)}": [{"time": t.times, "energy": t.energy} for t in trajectories]
        for (regime, p), trajectories in curves.items()
    }
    return {"parameters": asdict(config), "headline": headline, "flows": series}, draw(config, curves, attended)


def draw(
    config: Config,
    curves: dict[tuple[str, float], list[so.flow.Trajectory]],
    attended: dict[str, list[np.ndarray]],
) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(14, 3.8), layout="constrained")
    axes[1].sharey(axes[0])
    for ax, regime in zip(axes, ("dense", "sparse"), strict=False):
        for p, color in ((1, "#0072B2"), (inf, "#D55E00")):
            for k, t in enumerate(curves[regime, p]):
                steps = np.minimum(np.arange(len(t.energy)) * config.record_every, t.n_steps)
                name = f"p = {label(p)}" if k == 0 else None
                ax.semilogy(steps, t.energy / t.energy[0], color=color, lw=1, label=name)
        ax.set(xlabel="steps", title=f"{regime} teacher")
    axes[0].set_ylabel("risk / initial risk")
    axes[0].legend(frameon=False)
    for regime, color in (("dense", "#009E73"), ("sparse", "#CC79A7")):
        weights = np.concatenate(attended[regime]).ravel()
        axes[2].hist(weights, np.linspace(0, 1, 101), density=True, histtype="step", color=color, label=regime)
    axes[2].axvline(1 / config.n_tokens, color="0.5", ls=":", lw=1)
    axes[2].set(xlabel="attention weight of the teachers", title="density of weights", yscale="log")
    axes[2].legend(frameon=False)
    return figure
