"""Branching at p = ∞: one bump to two, freely, kept together for most of the way, or parted early.

Only the motion along the line of the centres costs anything at p = ∞ (the saddle metric has rank one there), so the
time at which the mass branches is free: walls that force it early or late leave the action as it is. For p = 1 they do
not.
"""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..report import label


@dataclass(frozen=True)
class Config:
    n: int = 48  #: cells along the longer side
    n_times: int = 24
    tol: float = 5e-3
    max_iter: int = 6000


QUICK = Config(n=24, n_times=8, tol=2e-2, max_iter=3000)

PANELS = (1, inf)
LENGTHS = (3.0, 2.0)
START, ENDS, DEVIATION = (-1.0, 0.0), ((1.0, 0.5), (1.0, -0.5)), 0.12


def centres(config: Config) -> tuple[np.ndarray, np.ndarray]:
    x, y = (
        length
        * ((np.arange(round(config.n * length / LENGTHS[0])) + 0.5) / round(config.n * length / LENGTHS[0]) - 0.5)
        for length in LENGTHS
    )
    return x[:, None] + 0 * y, 0 * x[:, None] + y


def masks(config: Config) -> dict[str, np.ndarray | None]:
    """Walls, True where mass may go: a corridor along three quarters of the way, and an island in the first half."""
    x, y = centres(config)
    corridor = (x > 0.5) | (np.abs(y) < 0.4)
    island = (np.abs(y) > 0.2) | (np.abs(x + 0.2) > 0.3)
    return {"free": None, "late": corridor, "early": island}


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    x, y = centres(config)

    def bump(cx: float, cy: float) -> np.ndarray:
        squares = (x - cx) ** 2 + (y - cy) ** 2
        return np.where(squares < (3 * DEVIATION) ** 2, np.exp(-squares / (2 * DEVIATION**2)), 0)

    a, b = bump(*START), sum(bump(*end) for end in ENDS)
    results: dict[str, so.dynamic.DynamicResult] = {}
    headline: dict[str, float] = {}
    jobs = [(p, name, mask) for p in PANELS for name, mask in masks(config).items()]
    for p, name, mask in tqdm(jobs, desc="grid branching", unit="path", leave=False, disable=None):
        options = {"n_times": config.n_times, "tol": config.tol, "max_iter": config.max_iter, "lengths": LENGTHS}
        r = so.dynamic.solve(a / a.sum(), b / b.sum(), p, mask=mask, **options)
        results[f"p = {label(p)}, {name}"] = r
        headline[f"upper, p = {label(p)}, {name}"] = r.upper
        headline[f"gap, p = {label(p)}, {name}"] = r.gap
    series = {name: {"lower": r.lower, "upper": r.upper, "action": r.action} for name, r in results.items()}
    numbers = {"parameters": asdict(config), "headline": headline, "paths": series, "animations": results}
    return numbers, draw(config, results)


def draw(config: Config, results: dict[str, so.dynamic.DynamicResult]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(results), 5, figsize=(11, 1.6 * len(results)), layout="constrained")
    for row, (name, r) in zip(axes, results.items(), strict=True):
        so.plot.density(r, axes=row)
        row[0].set_ylabel(f"{name}\n{r.lower:.3f} to {r.upper:.3f}", fontsize="small")
    for ax in axes[1:].ravel():
        ax.set_title("")
    return figure
