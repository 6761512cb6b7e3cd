"""The dynamic (Benamou-Brenier) form of W_γ: densities on grids, obstacles, the action seen slice by slice.

min over (ρ, m) of ∫ γ(∫ m mᵀ/ρ dx) dt with ∂ρ + div m = 0, on a staggered grid of cells and slices of time. Both ends
of the bracket are proved for that discrete problem; its value tends to W_γ² of the densities as the grid is refined.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, as_points, invalid, real_array
from ._errors import Interrupted
from .gauges import Gauge, as_gauge
from .transport import Bracketed, Progress, _interruptible, _reporter

__all__ = ["CircleResult", "DynamicResult", "action", "read_density", "solve", "solve_circle"]


@dataclass(frozen=True, eq=False, repr=False)
class _Dynamic(Bracketed):
    gauge: Gauge
    lower: float  #: proved lower end of the squared cost on this grid
    upper: float  #: proved upper end
    converged: bool  #: gap ≤ tol, or a cost that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit", "time_limit" or "interrupted"
    n_iter: int  #: iterations on the finest grid
    n_coarse: int  #: iterations on all coarser ones
    seconds: float
    density: Array  #: (n_times + 1, …grid) mass per cell; the mean of two successive times is not negative
    momentum: Array  #: (d, n_times, …grid) flux through the upper face of each cell along each axis
    action: Array  #: (n_times,) γ of the momentum's second moment; their mean is `value`
    metrics: Array  #: (n_times, d, d) Q_t in K, of the lower bound
    history: Array  #: (k, 4) iteration, lower, upper, seconds

    @property
    def frames(self) -> Array:
        """The densities for the eye: the ends, and (ρ_{k-1} + 2ρ_k + ρ_{k+1})/4 between them, which is not negative.

        `density` at a single time may be, next to an end that is concentrated on few cells.
        """
        shown = self.density.copy()
        shown[1:-1] = 0.5 * shown[1:-1] + 0.25 * (self.density[:-2] + self.density[2:])
        return shown

    def __repr__(self) -> str:
        state = "" if self.converged else "not converged, "
        grid = "x".join(str(n) for n in self.density.shape[1:])
        return (
            f"{type(self).__name__}({self.gauge!r}: value={self.value:.8g}, gap={self.gap:.1e}, {state}{self.status} "
            f"in {self.n_iter} iterations, {self.seconds:.2g} s, grid {grid} x {len(self.action)})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class DynamicResult(_Dynamic):
    """Densities and momenta on a grid with a proved bracket of the squared cost. Built by `solve`.

    Densities are masses per cell with sum 1. They and the momenta satisfy the continuity equation to rounding.
    """

    mask: NDArray[np.bool_] | None  #: True where mass may go; None: everywhere


@dataclass(frozen=True, eq=False, repr=False)
class CircleResult(_Dynamic):
    """A path of measures on the unit circle, with growth. Built by `solve_circle`."""

    growth: Array  #: (n_times, n) mass per time and cell, half of what the continuity equation gains


def solve(
    density_0: ArrayLike,
    density_1: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    n_times: int = 32,
    tol: float = 1e-3,
    boundary: Literal["no-flux", "periodic"] = "no-flux",
    mask: NDArray[np.bool_] | None = None,
    lengths: Sequence[float] | None = None,
    max_iter: int = 20000,
    max_seconds: float = math.inf,
    n_threads: int = 1,
    coarse_start: bool = True,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> DynamicResult:
    """W_γ² between two densities on a grid in 1, 2 or 3 dimensions, in its dynamic form.

    Parameters
    ----------
    density_0, density_1 : arrays of one shape
        Mass per cell, non-negative; normalised inside. Totals that differ are an error.
    gauge : Gauge or number
        Any monotone gauge, or p as short for `Schatten(p)`.
    n_times : int
        Slices of time.
    tol : float
        Certified relative gap (upper - lower)/upper of the discrete problem at which to stop.
    boundary : "no-flux" or "periodic"
    mask : boolean array, optional
        True where mass may go.
    lengths : sequence of float, optional
        Sides of the box; ones by default.
    max_iter, max_seconds, n_threads
        Limits, and threads over the slices (0 = all; the result does not depend on it).
    coarse_start : bool
        Start from the solution on grids of half the size.
    callback, verbose
        As in `solve_sample`.

    Raises
    ------
    ValueError
        Bad input; the message names the argument, the rule and the value seen.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the best `.result` so far.

    Examples
    --------
    >>> import numpy as np, spectralot as so
    >>> x = (np.arange(16) + 0.5) / 16
    >>> a, b = (np.exp(-((x[:, None] - c) ** 2 + (x - 0.5) ** 2) / 0.02) for c in (0.3, 0.7))
    >>> r = so.dynamic.solve(a, b, so.Operator(), n_times=8, tol=1e-2)
    >>> r.converged, r.density.shape
    (True, (9, 16, 16))
    """
    gauge = as_gauge(gauge)
    a, b = real_array(density_0, "density_0"), real_array(density_1, "density_1")
    if not 1 <= a.ndim <= 3:
        raise invalid("density_0", "must have 1, 2 or 3 axes", f"shape {a.shape}")
    if b.shape != a.shape:
        raise invalid("density_1", f"must have the shape of density_0, {a.shape}", f"shape {b.shape}")
    if boundary not in ("no-flux", "periodic"):
        raise invalid("boundary", 'must be "no-flux" or "periodic"', repr(boundary))
    if mask is not None:
        mask = np.array(mask)
        if mask.shape != a.shape or mask.dtype != bool:
            raise invalid("mask", f"must be boolean of shape {a.shape}", f"{mask.dtype} of shape {mask.shape}")
    out = _interruptible(
        _core.dynamic_solve,
        a.ravel(),
        b.ravel(),
        list(a.shape),
        [] if lengths is None else [as_number(length, "lengths") for length in lengths],
        boundary == "periodic",
        [] if mask is None else mask.ravel().tolist(),
        gauge._core,
        as_integer(n_times, "n_times"),
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        as_number(max_seconds, "max_seconds"),
        as_integer(n_threads, "n_threads"),
        bool(coarse_start),
        _reporter(callback, verbose),
    )
    out.pop("growth")
    return _result(DynamicResult, out | {"mask": mask}, gauge, a.shape)


def solve_circle(
    masses_0: ArrayLike,
    masses_1: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    n_times: int = 32,
    tol: float = 1e-3,
    max_iter: int = 100000,
    max_seconds: float = math.inf,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> CircleResult:
    """Dynamic UW_γ² between measures on the unit circle: masses[i] at the angle (i + ½)·2π/n, totals need not agree.

    The action is ∫γ(∫(bω + τ)(bω + τ)ᵀ dν) dt under ∂ν + div(ντ) = 2bν (paper §8). Arguments as in `solve`.
    """
    gauge = as_gauge(gauge)
    a, b = real_array(masses_0, "masses_0"), real_array(masses_1, "masses_1")
    if a.ndim != 1 or a.shape != b.shape:
        raise invalid("masses_1", "must have one entry per cell, as masses_0", f"shapes {a.shape} and {b.shape}")
    out = _interruptible(
        _core.dynamic_circle,
        a,
        b,
        gauge._core,
        as_integer(n_times, "n_times"),
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        as_number(max_seconds, "max_seconds"),
        _reporter(callback, verbose),
    )
    return _result(CircleResult, out, gauge, a.shape)


def read_density(path: str | os.PathLike[str], dark: bool = False) -> Array:
    """Masses per pixel of a PNG image, with sum 1: luminance times opacity, or one minus that where `dark`.

    The first axis runs down the rows of the image.
    """
    masses = _core.read_png(os.fspath(path))
    if dark:
        masses = 1 - masses
    total = masses.sum()
    if not total > 0:
        raise invalid(os.fspath(path), "must have a positive sum", "all white" if dark else "all black")
    return masses / total


def action(mass: ArrayLike, momentum: ArrayLike, gauge: Gauge | float = 2) -> float:
    """γ(Σ m mᵀ/μ) of masses (n,) and momenta (n, d): jointly convex, +∞ for momentum without mass."""
    return _core.dynamic_action(real_array(mass, "mass"), as_points(momentum, "momentum"), as_gauge(gauge)._core)


def _result(kind: Any, out: dict[str, Any], gauge: Gauge, shape: tuple[int, ...]) -> Any:
    interrupted = out.pop("interrupted")
    out["density"] = out["density"].reshape(-1, *shape)
    out["momentum"] = np.stack([m.reshape(-1, *shape) for m in out["momentum"]])
    out["metrics"] = np.stack(out["metrics"])
    out["history"] = np.array(out["history"]).reshape(-1, 4)
    result = kind(gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result
