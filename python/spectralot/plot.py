"""Pictures of results. Every function draws into `ax` (a new one by default) and returns it; Matplotlib loads on use.

Source red, target blue, segments black with an opacity that grows with the mass they move; curves in the colour-blind
safe palette of Okabe and Ito. Clouds in more than two dimensions show their first two coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array, ArrayLike, as_points, invalid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from . import gaussian
    from .dynamic import CircleResult, DynamicResult
    from .flow import Trajectory
    from .sphere import SphereResult
    from .transport import TransportResult

__all__ = [
    "action",
    "covariances",
    "density",
    "directions",
    "energy",
    "geodesic",
    "momentum",
    "plan",
    "sphere",
    "trajectories",
]

SOURCE = "#c8102e"
TARGET = "#1f4fa3"
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def plan(
    result: TransportResult,
    X_a: ArrayLike | None = None,
    X_b: ArrayLike | None = None,
    ax: Axes | None = None,
    kind: str = "plan",
) -> Axes:
    """Both clouds and where the mass goes.

    Parameters
    ----------
    result : TransportResult
    X_a, X_b : arrays, optional
        Other positions for the same atoms (for example a projection); those of the result by default.
    ax : Axes, optional
    kind : "plan" or "matching"
        "plan": a segment per plan entry, opacity by mass. "matching": the permutation extracted from the plan.
    """
    x = _plane(result.X_a if X_a is None else X_a, "X_a")
    y = _plane(result.X_b if X_b is None else X_b, "X_b")
    if kind == "matching":
        targets, _ = result.matching()
        rows, cols, opacity = np.arange(len(x)), targets, np.full(len(x), 0.75)
    elif kind == "plan":
        rows, cols = result.rows, result.cols
        opacity = 0.06 + 0.69 * result.masses / result.masses.max()
    else:
        raise invalid("kind", "must be 'plan' or 'matching'", repr(kind))

    ax = _cloud_axes(ax)
    _segments(ax, np.stack([x[rows], y[cols]], axis=1), opacity)
    _dots(ax, x, result.a, SOURCE, label="source")
    _dots(ax, y, result.b, TARGET, label="target")
    return ax


def geodesic(result: TransportResult, times: Sequence[float] = (0, 0.25, 0.5, 0.75, 1), ax: Axes | None = None) -> Axes:
    """The displacement interpolation at several times in one picture, from source red to target blue."""
    ax = _cloud_axes(ax)
    for t in times:
        points, weights = result.geodesic(t)
        _dots(ax, _plane(points, "points"), weights, _between(t), label=f"t = {t:g}")
    if len(times) > 1:
        ax.legend(frameon=False, loc="best", markerscale=1.5, handletextpad=0.2, fontsize="small")
    return ax


def trajectories(trajectory: Trajectory, target: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """The path of every particle, from its start (red) to its end (black dot), and the target cloud (blue rings)."""
    ax = _cloud_axes(ax)
    paths = trajectory.points[:, :, :2].swapaxes(0, 1)
    if paths.shape[2] < 2:
        raise invalid("trajectory", "must have at least two coordinates", paths.shape[2])
    if target is not None:
        _dots(ax, _plane(target, "target"), None, TARGET, area=1.5, hollow=True, label="target")
    _segments(ax, paths, np.full(len(paths), 0.35))
    _dots(ax, paths[:, 0], trajectory.weights, SOURCE, area=0.6, label="start")
    _dots(ax, paths[:, -1], trajectory.weights, "black", area=0.3, label="end")
    return ax


def energy(trajectories: Trajectory | Sequence[Trajectory] | Mapping[str, Trajectory], ax: Axes | None = None) -> Axes:
    """Energy against time on a log scale, one curve per trajectory; the keys of a mapping are the labels."""
    ax = _axes(ax)
    if not isinstance(trajectories, Mapping):
        several = trajectories if isinstance(trajectories, Sequence) else [trajectories]
        trajectories = {f"{t.gauge!r}" + (f" ({k})" if k else ""): t for k, t in enumerate(several)}
    for k, (label, trajectory) in enumerate(trajectories.items()):
        style = ("-", "--", ":")[k // len(OKABE_ITO) % 3]
        ax.plot(trajectory.times, trajectory.energy, style, color=OKABE_ITO[k % len(OKABE_ITO)], lw=1.6, label=label)
    ax.set_yscale("log")
    ax.set_xlabel("time")
    ax.set_ylabel("energy")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, which="major", axis="y", color="0.9", lw=0.6)
    ax.set_axisbelow(True)
    ax.margins(x=0)
    ax.legend(frameon=False)
    return ax


def covariances(
    result: gaussian.GaussianResult | gaussian.Trajectory,
    times: Sequence[float] | int = 9,
    target: tuple[ArrayLike, ArrayLike] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One-deviation ellipses of a Gaussian geodesic or flow (first two coordinates), from start red to end blue.

    Parameters
    ----------
    result : GaussianResult or Trajectory
    times : sequence of times, or their number
        A number of a geodesic's times is evenly spaced; of a flow's, evenly along the path of (mean, covariance). Given
        times of a flow pick the nearest recorded states.
    target : (mean, covariance), optional
        Drawn dashed.
    ax : Axes, optional
    """
    ax = _cloud_axes(ax)
    if hasattr(result, "covariances"):
        means, matrices = result.means, result.covariances
        if isinstance(times, int):
            steps = np.diff(means, axis=0), np.diff(matrices, axis=0)
            length = np.sqrt((steps[0] ** 2).sum(axis=1) + (steps[1] ** 2).sum(axis=(1, 2)))
            arc = np.concatenate([[0.0], np.cumsum(length)])
            picked = [int(np.abs(arc - a).argmin()) for a in np.linspace(0, arc[-1], times)]
        else:
            picked = [int(np.abs(result.times - t).argmin()) for t in times]
        states = [(means[k], matrices[k]) for k in picked]
    else:
        states = [result.geodesic(t) for t in (np.linspace(0, 1, times) if isinstance(times, int) else times)]
    for k, (mean, covariance) in enumerate(states):
        curve = _ellipse(mean, covariance)
        ax.plot(*curve, color=_between(k / max(1, len(states) - 1)), lw=1.4)
    if target is not None:
        ax.plot(*_ellipse(*target), "--", color="black", lw=1.0)
    return ax


def density(
    result: DynamicResult | CircleResult,
    times: Sequence[float] = (0, 0.25, 0.5, 0.75, 1),
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """The densities of a path on a grid at several times, one picture each on one scale; what a mask closes is grey.

    Two axes: a picture in cells, first axis to the right, second one upwards. Three: summed along the third, grey where
    all of it is closed. One: the masses of the cells as a histogram.

    Parameters
    ----------
    result : DynamicResult or CircleResult
    times : sequence of float
        The nearest of the grid's times are shown.
    axes : sequence of Axes, optional
        As many as times.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(1, len(times), figsize=(2.2 * len(times), 2.2), layout="constrained", squeeze=False)[1][0]
    if len(axes) != len(times):
        raise invalid("axes", f"must be as many as times, {len(times)}", len(axes))
    pictures, closed = _pictures(result, result.frames[[round(t * len(result.action)) for t in times]])
    for ax, t, picture in zip(axes, times, pictures, strict=True):
        _image(ax, picture, closed)
        ax.set_title(f"t = {t:g}", fontsize="small")
    return list(axes)


def momentum(
    result: DynamicResult,
    t: float = 0.5,
    ax: Axes | None = None,
    arrows: int = 20,
) -> Axes:
    """Momentum in the slice of time t over the density, on a grid with two axes: at most `arrows` along each.

    Of three axes the sums along the third are shown.
    """
    if result.density.ndim < 3:
        raise invalid("result", "must live on a grid with two or three axes", f"{result.density.ndim - 1}")
    n_times = len(result.action)
    s = min(int(t * n_times), n_times - 1)
    ax = _axes(ax)
    (frame,), closed = _pictures(result, 0.5 * (result.density[s : s + 1] + result.density[s + 1 : s + 2]))
    _image(ax, frame, closed)
    # From the upper faces to the middles of the cells, then means over blocks.
    in_plane = [m[s].reshape(*frame.shape, -1).sum(-1) for m in result.momentum[:2]]
    field = [0.5 * (m + np.roll(m, 1, axis)) for axis, m in enumerate(in_plane)]
    size = max(1, -(-max(frame.shape) // arrows))
    rows, cols = (n // size * size for n in frame.shape)
    x, y = (m[:rows, :cols].reshape(rows // size, size, cols // size, size).mean(axis=(1, 3)) for m in field)
    at = np.meshgrid(*(size * (np.arange(n // size) + 0.5) for n in frame.shape), indexing="ij")
    length = np.hypot(x, y)
    longest = float(length.max()) or 1.0
    seen = length > 0.03 * longest
    ax.quiver(
        at[0][seen],
        at[1][seen],
        x[seen],
        y[seen],
        angles="xy",
        scale_units="xy",
        scale=longest / (1.8 * size),
        color=TARGET,
        width=0.004,
    )
    ax.set_title(f"t = {(s + 0.5) / n_times:.3g}", fontsize="small")
    return ax


def action(results: DynamicResult | Mapping[str, DynamicResult], ax: Axes | None = None) -> Axes:
    """The action of every slice against time, within the bracket of the value (shaded); constant along a geodesic."""
    ax = _axes(ax)
    named = results if isinstance(results, Mapping) else {repr(results.gauge): results}
    for k, (label, r) in enumerate(named.items()):
        color, n_times = OKABE_ITO[k % len(OKABE_ITO)], len(r.action)
        ax.axhspan(r.lower, r.upper, color=color, alpha=0.2, lw=0)
        ax.plot((np.arange(n_times) + 0.5) / n_times, r.action, color=color, lw=1.6, label=label)
    ax.set(xlim=(0, 1), ylim=(0, 1.25 * max(r.upper for r in named.values())), xlabel="t", ylabel="action of a slice")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _pictures(result: DynamicResult | CircleResult, frames: Array) -> tuple[Array, Array | None]:
    """Densities (k, …grid) as (k, width, height) with values in [0, 1], first axis to the right, and what is closed."""
    mask = getattr(result, "mask", None)
    if frames.ndim == 2:  # bars with soft tops
        height = max(32, frames.shape[1] // 2)
        closed = None if mask is None else np.repeat(~mask[:, None], height, axis=1)
        return np.clip(height * frames[..., None] / frames.max() - np.arange(height), 0, 1), closed
    if frames.ndim == 4:
        frames = frames.sum(-1)
        mask = None if mask is None else mask.any(-1)
    return np.clip(frames / frames.max(), 0, 1), None if mask is None else ~mask


def _image(ax: Axes, picture: Array, closed: Array | None) -> Any:
    extent = (0, picture.shape[0], 0, picture.shape[1])
    image = ax.imshow(picture.T, origin="lower", extent=extent, cmap="magma_r", vmin=0, vmax=1)
    if closed is not None:
        wall = np.ma.masked_where(~closed, np.ones(closed.shape))
        ax.imshow(wall.T, origin="lower", extent=extent, cmap="Greys", vmin=0, vmax=1.7)
    ax.set(xticks=[], yticks=[])
    return image


def directions(dirs: ArrayLike, masses: ArrayLike, ax: Axes | None = None, color: object = SOURCE) -> Axes:
    """A measure on the circle or the sphere: dots whose area is proportional to the mass.

    Of the sphere (first three coordinates) the half that faces the third axis is drawn full, the other half hollow.
    """
    ax = _cloud_axes(ax)
    d = as_points(dirs, "dirs")
    m = np.asarray(masses, float)
    _plane(d, "dirs")
    _circle(ax, 1.0)
    front = d[:, 2] >= 0 if d.shape[1] > 2 else np.ones(len(d), dtype=bool)
    scale = np.clip(6000 / len(d), 4, 60) / max(float(m.mean()), np.finfo(float).tiny)
    ax.scatter(*d[front, :2].T, s=scale * m[front], color=color, lw=0, alpha=0.7, zorder=3)
    ax.scatter(*d[~front, :2].T, s=scale * m[~front], facecolors="none", edgecolors=color, lw=0.5, alpha=0.5, zorder=2)
    return ax


def sphere(result: SphereResult, times: Sequence[float] = (0, 0.25, 0.5, 0.75, 1), ax: Axes | None = None) -> Axes:
    """A geodesic of UW_γ at several times in one picture, from source red to target blue, area by mass.

    On the circle every time has a ring of its own, the first one innermost; on the sphere (first three coordinates)
    only the half that faces the third axis is shown.
    """
    ax = _cloud_axes(ax)
    states = [result.geodesic(t) for t in times]
    _plane(result.dirs_0, "dirs_0")
    largest = max(float(m.max(initial=0.0)) for _, m in states) or 1.0
    on_circle = result.dirs_0.shape[1] == 2
    for k, (t, (dirs, masses)) in enumerate(zip(times, states, strict=True)):
        radius = 1 + 0.25 * k if on_circle else 1.0
        if on_circle or k == 0:
            _circle(ax, radius)
        shown = np.ones(len(dirs), dtype=bool) if on_circle else dirs[:, 2] >= 0
        at = radius * dirs[shown, :2]
        ax.scatter(*at.T, s=60 * masses[shown] / largest, color=_between(t), lw=0, zorder=3, label=f"t = {t:g}")
    if len(times) > 1:
        legend = ax.legend(frameon=False, loc="best", handletextpad=0.2, fontsize="small")
        for handle in legend.legend_handles:
            handle.set_sizes([20])
    return ax


def _circle(ax: Axes, radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 201)
    ax.plot(radius * np.cos(angle), radius * np.sin(angle), color="0.85", lw=0.8, zorder=1)


def _ellipse(mean: ArrayLike, covariance: ArrayLike) -> Array:
    """(2, n): the points m + S^½(cos θ, sin θ) of the first two coordinates."""
    m, S = np.asarray(mean, float)[:2], np.asarray(covariance, float)[:2, :2]
    if len(m) < 2:
        raise invalid("result", "must have at least two coordinates to be drawn", len(m))
    w, V = np.linalg.eigh(S)
    angle = np.linspace(0, 2 * np.pi, 201)
    return m[:, None] + V @ (np.sqrt(np.maximum(w, 0))[:, None] * np.stack([np.cos(angle), np.sin(angle)]))


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _cloud_axes(ax: Axes | None) -> Axes:
    ax = _axes(ax)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _plane(points: ArrayLike, name: str) -> Array:
    array = as_points(points, name)
    if array.shape[1] < 2:
        raise invalid(name, "must have at least two coordinates to be drawn", f"shape {array.shape}")
    return array[:, :2]


def _dots(
    ax: Axes,
    points: Array,
    weights: Array | None,
    color: object,
    label: str | None = None,
    area: float = 1.0,
    hollow: bool = False,
) -> None:
    """Dots whose area is proportional to the mass, and whose total area suits the number of points."""
    mass = np.ones(len(points)) if weights is None else weights / weights.mean()
    size = area * np.clip(3000 / len(points), 2, 40) * mass
    style = {"facecolors": "none", "edgecolors": color, "linewidths": 0.8} if hollow else {"color": color, "lw": 0}
    ax.scatter(points[:, 0], points[:, 1], s=size, zorder=3, label=label, **style)


def _segments(ax: Axes, paths: Array, opacity: Array) -> None:
    from matplotlib.collections import LineCollection

    colors = np.zeros((len(paths), 4))
    colors[:, 3] = opacity
    ax.add_collection(LineCollection(paths, colors=colors, linewidths=0.7, capstyle="round", zorder=2))
    ax.autoscale_view()


def _between(t: float) -> Array:
    from matplotlib.colors import to_rgb

    return (1 - t) * np.array(to_rgb(SOURCE)) + t * np.array(to_rgb(TARGET))
