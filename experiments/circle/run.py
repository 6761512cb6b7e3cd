"""Unbalanced transport on the circle: the static form beside the dynamic one as the grid is refined three times."""

from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..report import label, print_table, progress


@dataclass(frozen=True)
class Config:
    grids: tuple[tuple[int, int], ...] = ((24, 8), (48, 12), (96, 24))  #: cells of the circle, slices of time
    tol: float = 2.5e-3  #: certified relative gap of the dynamic form
    shown: int = 96  #: cells of the geodesics in the figure


QUICK = Config(grids=((12, 4), (24, 8)), shown=24)

# In the plane Ky Fan 1 is the operator norm and Ky Fan 2 the trace: solved under these names, they confirm both.
GAUGES: dict[str, so.Gauge] = {f"p = {label(p)}": so.Schatten(p) for p in (1, 2, 4, inf)} | {
    "Ky Fan 1": so.KyFan(1),
    "Ky Fan 2": so.KyFan(2),
}
SHOWN = (1, 2, inf)


def angles(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) * 2 * np.pi / n


def directions(n: int) -> np.ndarray:
    return np.column_stack([np.cos(angles(n)), np.sin(angles(n))])


def bump(n: int, centre: float, concentration: float, mass: float) -> np.ndarray:
    """Masses per cell of exp(k(cos(θ - c) - 1)), of this sum."""
    weights = np.exp(concentration * (np.cos(angles(n) - centre) - 1))
    return np.asarray(mass * weights / weights.sum())


def bumps(n: int) -> tuple[np.ndarray, np.ndarray]:
    return bump(n, 0.3, 4, 1.0), bump(n, 1.4, 8, 1.6)


def static(n: int, gauge: so.Gauge) -> so.sphere.SphereResult:
    a, b = bumps(n)
    return so.sphere.solve(directions(n), a, directions(n), b, gauge, tol=1e-8)


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    headline: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    for n, n_times in progress(config.grids, "circle", "grid"):
        for name, gauge in GAUGES.items():
            r = static(n, gauge)
            d = so.dynamic.solve_circle(*bumps(n), gauge, n_times=n_times, tol=config.tol)
            rows.append(
                {
                    "gauge": name,
                    "cells": n,
                    "slices": n_times,
                    "static": [r.lower, r.upper],
                    "dynamic": [d.lower, d.upper],
                }
            )
            headline[f"static, {name}, {n} cells"] = r.value
            headline[f"dynamic, {name}, {n} x {n_times}"] = d.upper
    print_table(
        ["gauge", "cells x slices", "dynamic", "static", "difference"],
        [
            [
                row["gauge"],
                f"{row['cells']} x {row['slices']}",
                f"{row['dynamic'][0]:.4f}–{row['dynamic'][1]:.4f}",
                f"{row['static'][1]:.5f}",
                f"{100 * (1 - row['dynamic'][1] / row['static'][1]):.1f} %",
            ]
            for row in rows
        ],
    )
    paths = {p: static(config.shown, so.Schatten(p)) for p in SHOWN}
    return {"parameters": asdict(config), "headline": headline, "rows": rows}, draw(config, rows, paths)


def animate(out: Path, config: Config = Config()) -> list[Path]:
    """One page per p with a time slider: a geodesic between the bumps, in the folder `out`."""
    pages = []
    for p in SHOWN:
        name, title = "inf" if np.isinf(p) else f"{p:g}", f"Circle, p = {label(p)}"
        pages.append(so.animation.save(static(config.shown, so.Schatten(p)), out / f"circle_{name}.html", title=title))
    return pages


def draw(config: Config, rows: list[dict[str, Any]], paths: dict[float, so.sphere.SphereResult]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 1 + len(paths), figsize=(3.1 * (1 + len(paths)), 3.1), layout="constrained")
    for ax, (p, r) in zip(axes, paths.items(), strict=False):
        so.plot.sphere(r, ax=ax)
        ax.set_title(f"p = {label(p)}", fontsize=10)
    ax = axes[-1]
    for k, name in enumerate(g for g in GAUGES if g.startswith("p")):
        mine = [row for row in rows if row["gauge"] == name]
        color, cells = so.plot.OKABE_ITO[k], [row["cells"] for row in mine]
        middle = np.array([1 - sum(row["dynamic"]) / 2 / row["static"][1] for row in mine])
        half = np.array([(row["dynamic"][1] - row["dynamic"][0]) / 2 / row["static"][1] for row in mine])
        shifted = np.array(cells) * (1 + 0.03 * (k - 1.5))
        ax.errorbar(shifted, 100 * middle, 100 * half, color=color, marker="o", ms=3, lw=1.2, capsize=2, label=name)
    ax.axhline(0, color="0.5", lw=0.8)
    ax.set_xscale("log")
    ax.set_xticks(sorted({row["cells"] for row in rows}), [str(n) for n in sorted({row["cells"] for row in rows})])
    ax.minorticks_off()
    ax.set(xlabel="cells of the circle")
    ax.set_title("static minus dynamic, %", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    return figure
