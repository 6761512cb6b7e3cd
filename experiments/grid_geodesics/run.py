"""Geodesics of densities in the unit square, in the dynamic form: one bump to two, freely and through a door."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..report import label


@dataclass(frozen=True)
class Config:
    n: int = 64
    n_times: int = 32
    tol: float = 1e-3
    door: float = 0.1  #: the wall x = .5 is open for y around .5, over this length
    wall_tol: float = 1e-2
    max_iter: int = 20000


QUICK = Config(n=16, n_times=8, tol=5e-3, door=0.25, wall_tol=3e-2)

PANELS = (1, 2, inf)


def bump(n: int, centres: tuple[tuple[float, float], ...], deviation: float = 0.06) -> np.ndarray:
    """Masses per cell, axes (x, y), of equal Gaussian bumps."""
    x = (np.arange(n) + 0.5) / n
    density = sum(np.exp(-((x[:, None] - a) ** 2 + (x - b) ** 2) / (2 * deviation**2)) for a, b in centres)
    return np.asarray(density / np.sum(density))


def wall(config: Config) -> np.ndarray:
    """True where mass may go."""
    x = (np.arange(config.n) + 0.5) / config.n
    mask = np.ones((config.n, config.n), dtype=bool)
    mask[config.n // 2 - 1 : config.n // 2 + 1] = np.abs(x - 0.5) < config.door / 2
    return mask


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    a = bump(config.n, ((0.25, 0.3),))
    b = bump(config.n, ((0.75, 0.2), (0.7, 0.8)))
    jobs = [(f"p = {label(p)}", p, None) for p in PANELS] + [("p = 2, wall with a door", 2, wall(config))]
    results: dict[str, so.dynamic.DynamicResult] = {}
    headline: dict[str, float] = {}
    for name, p, mask in tqdm(jobs, desc="grid geodesics", unit="path", leave=False):
        start, end = (a, b) if mask is None else (np.where(mask, a, 0), np.where(mask, b, 0))
        r = so.dynamic.solve(
            start / start.sum(),
            end / end.sum(),
            p,
            n_times=config.n_times,
            tol=config.tol if mask is None else config.wall_tol,
            mask=mask,
            max_iter=config.max_iter,
        )
        results[name] = r
        headline[f"upper, {name}"] = r.upper
        headline[f"gap, {name}"] = r.gap
        headline[f"largest over smallest action of a slice, {name}"] = float(r.action.max() / r.action.min())
    series = {name: {"lower": r.lower, "upper": r.upper, "action": r.action} for name, r in results.items()}
    numbers = {"parameters": asdict(config), "headline": headline, "paths": series, "animations": results}
    return numbers, draw(config, results)


def draw(config: Config, results: dict[str, so.dynamic.DynamicResult]) -> Any:
    import matplotlib.pyplot as plt

    fractions = (0.0, 0.25, 0.5, 0.75, 1.0)
    figure, axes = plt.subplots(
        len(results), len(fractions) + 1, figsize=(11, 1.9 * len(results)), layout="constrained", squeeze=False
    )
    for row, (name, r) in zip(axes, results.items(), strict=True):
        top = r.density[[0, -1]].max()
        for ax, t in zip(row, fractions, strict=False):
            density = r.frames[round(t * config.n_times)]
            ax.imshow(density.T, origin="lower", extent=(0, 1, 0, 1), cmap="magma_r", vmin=0, vmax=0.6 * top)
            ax.set(xticks=[], yticks=[])
            if row is axes[0]:
                ax.set_title(f"t = {t:g}", fontsize=9)
        if "wall" in name:
            closed = np.ma.masked_where(wall(config), np.ones((config.n, config.n)))
            for ax in row[:-1]:
                ax.imshow(closed.T, origin="lower", extent=(0, 1, 0, 1), cmap="Greys", vmin=0, vmax=1.5)
        row[0].set_ylabel(name.replace(", wall", ",\nwall"), fontsize=9)
        times = (np.arange(config.n_times) + 0.5) / config.n_times
        row[-1].plot(times, r.action, color="#0072B2", lw=1.3)
        row[-1].axhspan(r.lower, r.upper, color="0.85")
        row[-1].set(ylim=(0, 1.3 * r.upper), xticks=[0, 1])
        row[-1].tick_params(labelsize=7)
    axes[0, -1].set_title("action of a slice", fontsize=9)
    axes[-1, -1].set_xlabel("t", fontsize=9)
    return figure
