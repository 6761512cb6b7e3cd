"""The annulus to two disks of Figure 1's shapes as densities on a grid: p = 1, 2 and ∞ in the dynamic form."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import spectralot as so
from tqdm import tqdm

from ..fig1_shapes.run import Inside, annulus, two_disks
from ..report import label


@dataclass(frozen=True)
class Config:
    n: int = 64
    n_times: int = 32
    tol: float = 3e-3
    max_iter: int = 20000
    samples: int = 8  #: per cell and axis: a cell holds the share of them that lies inside


QUICK = Config(n=16, n_times=8, tol=1e-2)

PANELS = (1, 2, inf)
LOW, SIDE = (-2.0, -4.0), 8.0  #: the square that the shapes live in


def rasterised(inside: Inside, config: Config) -> np.ndarray:
    m = config.n * config.samples
    at = SIDE * (np.arange(m) + 0.5) / m
    fine = inside(LOW[0] + at[:, None], LOW[1] + at)
    cells = fine.reshape(config.n, config.samples, config.n, config.samples).mean(axis=(1, 3))
    return cells / cells.sum()


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    a, b = rasterised(annulus, config), rasterised(two_disks, config)
    results: dict[str, so.dynamic.DynamicResult] = {}
    headline: dict[str, float] = {}
    for p in tqdm(PANELS, desc="grid shapes", unit="path", leave=False, disable=None):
        options = {"n_times": config.n_times, "tol": config.tol, "max_iter": config.max_iter, "lengths": (SIDE, SIDE)}
        r = results[f"p = {label(p)}"] = so.dynamic.solve(a, b, p, **options)
        headline[f"upper, p = {label(p)}"] = r.upper
        headline[f"gap, p = {label(p)}"] = r.gap
    series = {name: {"lower": r.lower, "upper": r.upper, "action": r.action} for name, r in results.items()}
    numbers = {"parameters": asdict(config), "headline": headline, "paths": series, "animations": results}
    return numbers, draw(results)


def draw(results: dict[str, so.dynamic.DynamicResult]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(results), 6, figsize=(12, 2.05 * len(results)), layout="constrained")
    for row, (name, r) in zip(axes, results.items(), strict=True):
        so.plot.density(r, axes=row[:5])
        row[0].set_ylabel(name)
        so.plot.momentum(r, 0.5, ax=row[5], arrows=16)
        row[5].set_title("momentum, t = ½", fontsize="small")
    for ax in axes[1:].ravel():
        ax.set_title("")
    return figure
