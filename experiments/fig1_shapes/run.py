"""Figure 1 of the paper's later version: certified couplings and geodesics between planar shapes, p = 1 and p = ∞."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..report import OUT, label, print_table, progress, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    n_segments: int = 700
    n_geodesic: int = 1500
    times: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    shown: int = 140  #: segments drawn
    tol: float = 1e-8  #: certified relative gap
    seed: int = 0


QUICK = Config(n_segments=80, n_geodesic=120)
EXPONENTS = (1, inf)
SCALE, SHIFT = 1.5, (4.2, 0.0)  #: of the shapes, and of the target
Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]


def annulus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.hypot(x, y) >= 1.15) & (np.hypot(x, y) <= 1.55)


def two_disks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.hypot(x - 4.30, y - 1.15) <= 0.68) | (np.hypot(x - 5.00, y + 1.18) <= 0.66)


def cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x) / SCALE, np.abs(y) / SCALE
    return (np.maximum(x, y) <= 1) & (np.minimum(x, y) <= 1 / 3)


def heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (x - SHIFT[0]) / SCALE * 1.2, y / SCALE * 1.2
    return (x**2 + y**2 - 1) ** 3 <= x**2 * y**3


def disk(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(x, y) <= SCALE


def trefoil(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (x - SHIFT[0]) / SCALE, y / SCALE
    return np.hypot(x, y) <= 0.6 + 0.4 * np.sin(3 * np.arctan2(y, x))


PAIRS: dict[str, tuple[Inside, Inside]] = {
    "annulus to two disks": (annulus, two_disks),
    "cross to heart": (cross, heart),
    "disk to trefoil": (disk, trefoil),
}


def sample(inside: Inside, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 2): uniform points of a shape, by rejection."""
    kept = np.empty((0, 2))
    while len(kept) < n:
        points = rng.uniform((-2, -2), (6, 2), size=(8 * n, 2))
        kept = np.concatenate([kept, points[inside(*points.T)]])
    return kept[:n]


def heuristic_cost(X: np.ndarray, Y: np.ndarray, rounds: int = 40) -> float:
    """λ_max of the paper's operator matching: sorting along u, then u ← top eigenvector, from u = e₁."""
    u = np.array([1.0, 0.0])
    for _ in range(rounds):
        moves = Y[np.argsort(Y @ u)] - X[np.argsort(X @ u)]
        values, vectors = np.linalg.eigh(moves.T @ moves / len(X))
        u = vectors[:, -1]
    return float(values[-1])


def density(points: np.ndarray, weights: np.ndarray, edges: tuple[np.ndarray, np.ndarray], width: float) -> np.ndarray:
    """A histogram smoothed by a Gaussian of that width, on the cells of a grid."""
    image = np.histogram2d(*points.T, bins=edges, weights=weights)[0]
    for axis, edge in enumerate(edges):
        centres = (edge[1:] + edge[:-1]) / 2
        kernel = np.exp(-((centres[:, None] - centres) ** 2) / (2 * width**2))
        image = np.moveaxis(np.tensordot(kernel / kernel.sum(axis=1), image, axes=(1, axis)), 0, axis)
    return image


def run(config: Config = Config()) -> dict[tuple[str, float], dict[int, so.TransportResult]]:
    """Per pair and p, the couplings of the two sizes."""
    results = {}
    for pair, (source, target) in progress(PAIRS.items(), "Shapes", "pair"):
        for n in (config.n_segments, config.n_geodesic):
            rng = np.random.default_rng(config.seed)
            X, Y = sample(source, n, rng), sample(target, n, rng)
            for p in EXPONENTS:
                results.setdefault((pair, p), {})[n] = so.solve_sample(X, Y, so.Schatten(p), tol=config.tol)
    return results


def numbers(config: Config, results: dict[tuple[str, float], dict[int, so.TransportResult]]) -> list[dict[str, Any]]:
    rows = []
    for (pair, p), sizes in results.items():
        for n, r in sizes.items():
            row = {"pair": pair, "p": str(p), "n": n, "lower": r.lower, "upper": r.upper, "gap": r.gap}
            row |= {"converged": r.converged, "split_rows": r.n_split_rows, "metric": r.metric, "seconds": r.seconds}
            if p == inf:
                row["heuristic"] = heuristic_cost(r.X_a, r.X_b)
            rows.append(row)
    return rows


def draw(config: Config, results: dict[tuple[str, float], dict[int, so.TransportResult]]) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection

    columns = 1 + len(config.times)
    figure, axes = plt.subplots(
        len(results), columns, figsize=(2.6 * columns, 1.55 * len(results)), layout="constrained"
    )
    window = (-2.0, 6.0, -2.1, 2.1)
    edges = np.linspace(*window[:2], 161), np.linspace(*window[2:], 85)
    for row, ((pair, p), sizes) in zip(axes, results.items(), strict=True):
        r = sizes[config.n_segments]
        targets, _ = r.matching()
        X, Y = r.X_a, r.X_b
        some = np.random.default_rng(config.seed).permutation(len(X))[: config.shown]
        row[0].scatter(*X.T, s=2, color=so.plot.SOURCE, lw=0)
        row[0].scatter(*Y.T, s=2, color=so.plot.TARGET, lw=0)
        segments = np.stack([X[some], Y[targets[some]]], axis=1)
        row[0].add_collection(LineCollection(segments, colors="black", linewidths=0.3, alpha=0.7))
        row[0].set_title(f"{pair}, p = {label(p)}", fontsize=9)
        for ax, t in zip(row[1:], config.times, strict=True):
            image = density(*sizes[config.n_geodesic].geodesic(t), edges, 0.07)
            ax.imshow(image.T, origin="lower", extent=window, cmap="Greys", vmin=0)
            ax.set_title(f"t = {t:g}", fontsize=9)
        for ax in row:
            ax.set(xlim=window[:2], ylim=window[2:], aspect="equal", xticks=[], yticks=[])
    return figure


def check(rows: list[dict[str, Any]], mode: str) -> list[str]:
    """What is not certified, or does not meet the stored bracket: the lower and upper ends of each row in turn."""
    stored = json.loads((Path(__file__).parent / "expected.json").read_text())[mode]
    wrong = []
    for row, (lower, upper) in zip(rows, stored, strict=True):
        meets = row["upper"] >= lower * (1 - 1e-9) and row["lower"] <= upper * (1 + 1e-9)
        beaten = row.get("heuristic", inf) < row["lower"]
        if not (row["converged"] and meets) or beaten:
            wrong.append(f"fig1_shapes: {row['pair']}, p = {row['p']}, n = {row['n']}: {row['lower']} … {row['upper']}")
    return wrong


def main(config: Config = Config(), out: Path = OUT) -> list[str]:
    results = run(config)
    rows = numbers(config, results)
    save_numbers({"parameters": vars(config), "rows": rows}, "figure1_shapes", out)
    print_table(
        ["pair", "p", "n", "cost", "gap", "split rows", "heuristic above", "seconds"],
        [
            [
                row["pair"],
                label(float(row["p"])),
                str(row["n"]),
                f"{row['upper']:.8f}",
                f"{row['gap']:.1e}",
                str(row["split_rows"]),
                f"{row['heuristic'] / row['lower'] - 1:.1e}" if "heuristic" in row else "",
                f"{row['seconds']:.2f}",
            ]
            for row in rows
        ],
    )
    save_figure(draw(config, results), "figure1_shapes", out)
    return check(rows, "quick" if config == QUICK else "full")


if __name__ == "__main__":
    print(*main(), sep="\n")
