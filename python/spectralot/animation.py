"""Trajectories and densities that move: GIF or MP4 by Matplotlib's writers, or one self-contained HTML page with a time
slider."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array, ArrayLike, as_integer, as_points, invalid
from .plot import SOURCE, TARGET, _between, _circle, _image, _pictures
from .plot import _plane as _shown_plane

if TYPE_CHECKING:
    from .dynamic import CircleResult, DynamicResult
    from .flow import Trajectory
    from .sphere import SphereResult, SphereTrajectory

__all__ = ["save"]


def save(
    trajectory: Trajectory | SphereTrajectory | SphereResult | DynamicResult | CircleResult,
    path: str | os.PathLike[str],
    *,
    target: ArrayLike | None = None,
    frames: int = 120,
    fps: int = 24,
    title: str = "",
) -> Path:
    """Writes a trajectory as an animation; the suffix of `path` decides: .gif, .mp4 or .html.

    Parameters
    ----------
    trajectory : Trajectory, SphereTrajectory, SphereResult, DynamicResult or CircleResult
        Of particles the first two coordinates are shown; in one dimension, the particles on a line. Of a path on a grid
        the densities, drawn as `plot.density` does. Of an unbalanced distance the geodesic: dots whose area is
        proportional to the mass, hollow on the half that faces away from the third axis.
    path : path
        .mp4 needs `ffmpeg`; the page of .html opens from disk in any browser, without a network.
    target : (m, d) array, optional
        Points drawn below, in blue.
    frames : int
        Records to show, at most: evenly spaced ones among those of the trajectory; of a geodesic, times.
    fps : int
        Frames per second.
    title : str

    Returns
    -------
    Path
    """
    path = Path(path)
    frames, fps = as_integer(frames, "frames"), as_integer(fps, "fps")
    if frames < 1 or fps < 1:
        raise invalid("frames, fps", "must be at least 1", (frames, fps))
    on_grid, on_sphere = hasattr(trajectory, "density"), hasattr(trajectory, "dirs_0")
    n_records = frames if on_sphere else len(trajectory.density if on_grid else trajectory.times)
    shown = np.unique(np.linspace(0, n_records - 1, min(frames, n_records)).round().astype(int))
    if (on_grid or on_sphere) and target is not None:
        raise invalid("target", "must be left out for a path of densities or measures", "points")
    below = None if target is None else _plane(as_points(target, "target", trajectory.points.shape[2]))
    writers = {".html": _write_html, ".gif": _write_movie, ".mp4": _write_movie}
    if on_grid:
        writers = {".html": _write_density_html, ".gif": _write_density_movie, ".mp4": _write_density_movie}
    if on_sphere:
        writers = {".html": _write_geodesic_html, ".gif": _write_geodesic_movie, ".mp4": _write_geodesic_movie}
    if path.suffix not in writers:
        raise invalid("path", "must end in .gif, .mp4 or .html", repr(str(path)))
    aside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        writers[path.suffix](trajectory, shown, below, aside, fps, title)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _plane(points: Array) -> Array:
    """(…, 2): the first two coordinates, the second zero where there is none."""
    if points.shape[-1] == 1:
        return np.concatenate([points, np.zeros_like(points)], axis=-1)
    return points[..., :2]


def _bounds(points: Array, below: Array | None) -> tuple[Array, Array]:
    everything = points.reshape(-1, 2) if below is None else np.vstack([points.reshape(-1, 2), below])
    low, high = everything.min(axis=0), everything.max(axis=0)
    margin = 0.05 * max(float((high - low).max()), np.finfo(float).tiny)
    return low - margin, high + margin


def _writer(path: Path, fps: int) -> Any:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise invalid("path", "must end in .gif or .html where ffmpeg is not installed", repr(str(path)))
    return PillowWriter(fps=fps) if path.suffix == ".gif" else FFMpegWriter(fps=fps)


def _canvas() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _density_times(result: DynamicResult, shown: Array) -> Array:
    return shown / (len(result.density) - 1)


def _write_density_movie(result: DynamicResult, shown: Array, _: None, path: Path, fps: int, title: str) -> None:
    figure, ax = _canvas()
    ax.set_axis_off()
    pictures, closed = _pictures(result, result.frames[shown])
    image = _image(ax, pictures[0], closed)
    caption = ax.set_title(title)
    writer = _writer(path, fps)
    with writer.saving(figure, str(path), dpi=100):
        for t, picture in zip(_density_times(result, shown), pictures, strict=True):
            image.set_data(picture.T)
            caption.set_text(f"{title}  t = {t:.3f}".strip())
            writer.grab_frame()


def _write_density_html(result: DynamicResult, shown: Array, _: None, path: Path, fps: int, title: str) -> None:
    from matplotlib import colormaps

    pictures, closed = _pictures(result, result.frames[shown])
    colors = colormaps["magma_r"](np.arange(256), bytes=True)[:, :3]
    data: dict[str, Any] = {
        "levels": _bytes_from_the_top((255 * pictures).round()),
        "closed": "" if closed is None else _bytes_from_the_top(closed),
        "palette": colors.ravel().tolist(),
        "shape": [len(pictures), pictures.shape[2], pictures.shape[1]],
        "times": _density_times(result, shown).tolist(),
        "action": result.action[np.minimum(shown, len(result.action) - 1)].tolist(),
        "fps": fps,
        "title": title or repr(result.gauge),
    }
    _write_page(path, data, DENSITY_SCRIPT)


def _bytes_from_the_top(pictures: Array) -> str:
    """Rows of pixels from the top."""
    return _bytes(np.swapaxes(pictures, -1, -2)[..., ::-1, :])


def _bytes(values: Array) -> str:
    """One byte each, in base64."""
    return base64.b64encode(values.astype("u1").tobytes()).decode()


def _write_page(path: Path, data: dict[str, Any], script: str | None = None) -> None:
    """`script` in place of what draws particles. "</" would end the script element early."""
    page = PAGE if script is None else PAGE.replace(PAGE[PAGE.index("const floats") : PAGE.index("let timer")], script)
    path.write_text(page.replace("/*DATA*/", json.dumps(data).replace("</", "<\\/")), encoding="utf-8")


def _geodesic(result: SphereResult, shown: Array) -> list[tuple[float, Array, Array, Array]]:
    """Time, (k, 2) places, (k,) masses over the largest of all, and which face the viewer, for each frame."""
    _shown_plane(result.dirs_0, "dirs_0")
    times = shown / max(1, len(shown) - 1)
    states = [result.geodesic(t) for t in times]
    largest = max(float(m.max()) for _, m in states) or 1.0
    return [
        (t, d[:, :2], m / largest, d[:, 2] >= 0 if d.shape[1] > 2 else np.ones(len(d), dtype=bool))
        for t, (d, m) in zip(times, states, strict=True)
    ]


def _write_geodesic_movie(result: SphereResult, shown: Array, _: None, path: Path, fps: int, title: str) -> None:
    figure, ax = _canvas()
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    ax.set_axis_off()
    _circle(ax, 1.0)
    caption = ax.set_title(title)
    writer = _writer(path, fps)
    with writer.saving(figure, str(path), dpi=100):
        for t, places, mass, front in _geodesic(result, shown):
            color = _between(t)
            dots = ax.scatter(*places[front].T, s=60 * mass[front], color=color, lw=0, zorder=3)
            rings = ax.scatter(*places[~front].T, s=60 * mass[~front], facecolors="none", edgecolors=color, lw=0.6)
            caption.set_text(f"{title}  t = {t:.3f}".strip())
            writer.grab_frame()
            dots.remove()
            rings.remove()


def _write_geodesic_html(result: SphereResult, shown: Array, _: None, path: Path, fps: int, title: str) -> None:
    states = _geodesic(result, shown)
    data: dict[str, Any] = {
        "counts": [len(mass) for _, _, mass, _ in states],
        "points": _packed(np.concatenate([places for _, places, _, _ in states])),
        "radii": _packed(np.concatenate([np.sqrt(mass) for _, _, mass, _ in states])),
        "front": _bytes(np.concatenate([front for _, _, _, front in states])),
        "times": [t for t, _, _, _ in states],
        "masses": [float(result.geodesic(t)[1].sum()) for t, _, _, _ in states],
        "colors": [(255 * _between(t)).round().tolist() for t, _, _, _ in states],
        "fps": fps,
        "title": title or repr(result.gauge),
    }
    _write_page(path, data, SPHERE_SCRIPT)


def _write_movie(trajectory: Trajectory, shown: Array, below: Array | None, path: Path, fps: int, title: str) -> None:
    points = _plane(trajectory.points[shown])
    low, high = _bounds(points, below)
    figure, ax = _canvas()
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.set_axis_off()
    if below is not None:
        ax.scatter(*below.T, s=8, color=TARGET, linewidths=0)
    dots = ax.scatter(*points[0].T, s=8, color=SOURCE, linewidths=0, zorder=3)
    caption = ax.set_title(title)
    writer = _writer(path, fps)
    with writer.saving(figure, str(path), dpi=100):
        for k, cloud in zip(shown, points, strict=True):
            dots.set_offsets(cloud)
            caption.set_text(f"{title}  t = {trajectory.times[k]:.4g}".strip())
            writer.grab_frame()


def _write_html(trajectory: Trajectory, shown: Array, below: Array | None, path: Path, fps: int, title: str) -> None:
    points = _plane(trajectory.points[shown])
    low, high = _bounds(points, below)
    data: dict[str, Any] = {
        "points": _packed(points),
        "target": "" if below is None else _packed(below),
        "n": points.shape[1],
        "times": trajectory.times[shown].tolist(),
        "energy": trajectory.energy[shown].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "fps": fps,
        "title": title or repr(trajectory.gauge),
        "colors": [SOURCE, TARGET],
    }
    _write_page(path, data)


def _packed(points: Array) -> str:
    """Little-endian float32 in base64: a tenth of the size of numbers as text, enough for a screen."""
    return base64.b64encode(points.astype("<f4").tobytes()).decode()


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>spectralot</title>
<style>
body { font: 15px system-ui, sans-serif; margin: 2em auto; max-width: 44em; color: #222; }
canvas { width: 100%; border: 1px solid #ddd; }
#controls { display: flex; gap: 1em; align-items: center; margin-top: .5em; }
#time { flex: 1; } #label { min-width: 17em; font-variant-numeric: tabular-nums; }
</style></head><body>
<h3 id="title"></h3>
<canvas id="picture" width="1000" height="1000"></canvas>
<div id="controls"><button id="play">play</button><input id="time" type="range" min="0" step="1" value="0">
<span id="label"></span></div>
<script>
"use strict";
const data = /*DATA*/;
const floats = text => new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const points = floats(data.points), target = floats(data.target);
const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
const slider = document.getElementById("time"), label = document.getElementById("label");
const button = document.getElementById("play");
const width = data.high[0] - data.low[0], height = data.high[1] - data.low[1];
canvas.height = Math.max(200, Math.min(2000, Math.round(canvas.width * height / width)));
const scale = Math.min(canvas.width / width, canvas.height / height);
function dots(array, first, count, color, radius) {
  pen.fillStyle = color;
  for (let i = first; i < first + count; ++i) {
    pen.beginPath();
    pen.arc((array[2 * i] - data.low[0]) * scale, canvas.height - (array[2 * i + 1] - data.low[1]) * scale, radius, 0,
            2 * Math.PI);
    pen.fill();
  }
}
function draw() {
  const k = Number(slider.value), radius = Math.max(1.5, Math.min(6, 90 / Math.sqrt(data.n)));
  pen.clearRect(0, 0, canvas.width, canvas.height);
  dots(target, 0, target.length / 2, data.colors[1], radius);
  dots(points, k * data.n, data.n, data.colors[0], radius);
  label.textContent = `t = ${data.times[k].toPrecision(3)},  energy ${data.energy[k].toExponential(3)}`;
}
let timer = null;
function stop() { clearInterval(timer); timer = null; button.textContent = "play"; }
button.onclick = () => {
  if (timer) return stop();
  if (slider.value === slider.max) slider.value = 0;
  button.textContent = "pause";
  timer = setInterval(() => {
    if (slider.value === slider.max) return stop();
    slider.value = Number(slider.value) + 1;
    draw();
  }, 1000 / data.fps);
};
slider.max = data.times.length - 1;
slider.oninput = draw;
document.getElementById("title").textContent = data.title;
draw();
</script></body></html>
"""

# In place of what draws particles:
DENSITY_SCRIPT = """const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const levels = bytes(data.levels), closed = bytes(data.closed);
const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
const slider = document.getElementById("time"), label = document.getElementById("label");
const button = document.getElementById("play");
const [count, rows, cols] = data.shape;
canvas.width = cols; canvas.height = rows;
canvas.style.imageRendering = "pixelated";
function draw() {
  const k = Number(slider.value), image = pen.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; ++i) {
    const level = levels[k * rows * cols + i];
    for (let c = 0; c < 3; ++c) image.data[4 * i + c] = closed[i] ? 140 : data.palette[3 * level + c];
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  label.textContent = `t = ${data.times[k].toFixed(3)},  action ${data.action[k].toPrecision(4)}`;
}
"""

SPHERE_SCRIPT = """const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const floats = text => new Float32Array(bytes(text).buffer);
const points = floats(data.points), radii = floats(data.radii), front = bytes(data.front);
const first = [0];
for (const count of data.counts) first.push(first[first.length - 1] + count);
const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
const slider = document.getElementById("time"), label = document.getElementById("label");
const button = document.getElementById("play");
const centre = canvas.width / 2, scale = canvas.width / 2.3;
function ring(x, y, radius) {
  pen.beginPath();
  pen.arc(centre + scale * x, centre - scale * y, radius, 0, 2 * Math.PI);
}
function draw() {
  const k = Number(slider.value);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#ddd";
  ring(0, 0, scale);
  pen.stroke();
  pen.fillStyle = pen.strokeStyle = `rgb(${data.colors[k]})`;
  for (let i = first[k]; i < first[k + 1]; ++i) {
    ring(points[2 * i], points[2 * i + 1], 12 * radii[i]);
    if (front[i]) pen.fill(); else pen.stroke();
  }
  label.textContent = `t = ${data.times[k].toFixed(3)},  mass ${data.masses[k].toPrecision(4)}`;
}
"""
