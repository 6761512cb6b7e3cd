"""Two-homogeneous models on the sphere: the reduction Π₂ and the spectral unbalanced distance UW_γ.

UW_γ² = min γ(S) over couplings (A, B) of masses that leave directions ωᵢ and arrive in ω'ⱼ, C = √(AB),
S = Σν0ᵢ ωᵢωᵢᵀ + Σν1ⱼ ω'ⱼω'ⱼᵀ - ΣCᵢⱼ(ωᵢω'ⱼᵀ + ω'ⱼωᵢᵀ). For p = 1 the Wasserstein–Fisher–Rao (Hellinger–Kantorovich)
distance on the cone. For other gauges the static form is this project's own: docs/sphere.md says what the evidence is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, as_points, as_symmetric, as_weights, invalid, real_array
from ._errors import Interrupted
from ._objectives import Objective, core_objective
from .flow import FlowProgress
from .flow import _reporter as _flow_reporter
from .gauges import Gauge, as_gauge
from .storage import (
    SCALARS,
    as_indices,
    as_numbers,
    gauge_to_dict,
    read_archive,
    read_header,
    stored_gauge,
    typed,
    write_archive,
)
from .transport import Bracketed, Progress, Verification, _interruptible, _reporter

if TYPE_CHECKING:
    from scipy.sparse import coo_array

__all__ = ["SphereResult", "SphereTrajectory", "distance", "fields", "flow", "load", "project", "solve", "verify"]

FORMAT = {"format": "spectralot.sphere_result", "version": 1}
ARRAYS = [
    *("dirs_0", "masses_0", "dirs_1", "masses_1"),
    *("rows", "cols", "leaving", "arriving", "u", "v", "metric", "moment", "history"),
]


def project(X: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """Π₂ of Σ wᵢ δ_{xᵢ}: directions xᵢ/|xᵢ| (n, d) and masses wᵢ|xᵢ|² (n,).

    `weights` are taken as they are (uniform 1/n by default). A particle at 0 has mass 0 and the first basis vector as
    its direction.
    """
    X = as_points(X, "X")
    w = as_weights(weights, "weights", len(X))
    return _core.sphere_project(X, np.full(len(X), 1 / len(X)) if w is None else w)


def fields(X: ArrayLike, V: ArrayLike) -> tuple[Array, Array]:
    """Growth b (n,) and tangential velocity τ (n, d) of velocities V at particles X: v(rω) = r(bω + τ), τ ⊥ ω.

    On the sphere masses follow ṁ = 2bm. Zero at x = 0, where the selector of a two-homogeneous objective vanishes.
    """
    return _core.sphere_fields(as_points(X, "X"), as_points(V, "V"))


@dataclass(frozen=True, eq=False, repr=False)
class SphereResult(Bracketed):
    """A coupling of two measures on the sphere with a proved bracket of its squared cost. Built by `solve`."""

    dirs_0: Array  #: (n, d) and (m, d) unit directions, (n,) and (m,) masses, as given
    masses_0: Array
    dirs_1: Array
    masses_1: Array
    gauge: Gauge
    lower: float  #: proved lower end of UW_γ² (squared)
    upper: float  #: proved upper end
    converged: bool  #: gap ≤ tol, or a cost that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit", "time_limit", "interrupted" or "stalled"
    n_iter: int  #: metrics tried
    seconds: float
    rows: Array  #: pairs along which mass moves, …
    cols: Array
    leaving: Array  #: … the mass A that leaves dirs_0[rows] …
    arriving: Array  #: … and the mass B that arrives in dirs_1[cols]
    u: Array  #: (n,), (m,) dual potentials; with `metric` they prove `lower`
    v: Array
    metric: Array  #: (d, d) Q in K
    moment: Array  #: (d, d) S of the coupling
    history: Array  #: (n_iter, 3): lower, upper, seconds

    @property
    def coupling(self) -> tuple[coo_array, coo_array, coo_array]:
        """(A, B, C), sparse (n, m): rows of A sum to at most masses_0, columns of B to at most masses_1, C = √(AB)."""
        from scipy.sparse import coo_array

        shape, where = (len(self.dirs_0), len(self.dirs_1)), (self.rows, self.cols)
        C = np.sqrt(self.leaving) * np.sqrt(self.arriving)
        return tuple(coo_array((data, where), shape=shape) for data in (self.leaving, self.arriving, C))

    @property
    def transported(self) -> float:
        """Mass of the first measure that moves along pairs."""
        return float(self.leaving.sum())

    @property
    def destroyed(self) -> float:
        """Mass of the first measure that vanishes in place."""
        return max(0.0, float(self.masses_0.sum()) - self.transported)

    @property
    def created(self) -> float:
        """Mass of the second measure that grows in place from nothing."""
        return max(0.0, float(self.masses_1.sum() - self.arriving.sum()))

    @property
    def grown(self) -> float:
        """Mass that the moving mass gains on its way; negative where it loses."""
        return float(self.arriving.sum() - self.leaving.sum())

    def geodesic(self, t: float) -> tuple[Array, Array]:
        """(directions, masses) at time t in [0, 1] of a constant-speed geodesic of UW_γ."""
        return _core.sphere_geodesic(*self._pair, *self._arcs, as_number(t, "t"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything needed to verify again to a versioned `.npz` (aside first, then renamed)."""
        header = FORMAT | {"gauge": gauge_to_dict(self.gauge)} | {name: getattr(self, name) for name in SCALARS}
        write_archive(path, header, **{name: getattr(self, name) for name in ARRAYS})

    @property
    def _pair(self) -> tuple[Array, Array, Array, Array]:
        return self.dirs_0, self.masses_0, self.dirs_1, self.masses_1

    @property
    def _arcs(self) -> tuple[list[int], list[int], list[float], list[float]]:
        return self.rows.tolist(), self.cols.tolist(), self.leaving.tolist(), self.arriving.tolist()

    def __repr__(self) -> str:
        state = "" if self.converged else "not converged, "
        return (
            f"SphereResult({self.gauge!r}: value={self.value:.10g}, gap={self.gap:.1e}, {state}{self.status} in "
            f"{self.n_iter} iterations, {self.seconds:.2g} s, {len(self.dirs_0)} and {len(self.dirs_1)} directions)"
        )


def solve(
    dirs_0: ArrayLike,
    masses_0: ArrayLike,
    dirs_1: ArrayLike,
    masses_1: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    tol: float = 1e-6,
    max_iter: int = 500,
    max_seconds: float = math.inf,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> SphereResult:
    """UW_γ² between two measures on the sphere, whose masses need not agree, with a proved bracket.

    Parameters
    ----------
    dirs_0, dirs_1 : (n, d) and (m, d) arrays
        Unit directions, to 1e-9 (`project` makes them).
    masses_0, masses_1 : (n,) and (m,) arrays
        Masses ≥ 0; not normalised. A measure may be zero.
    gauge : Gauge or number
        Monotone; a number p is short for `Schatten(p)`.
    tol : float
        Certified relative gap (upper - lower)/upper of the squared cost at which to stop.
    max_iter : int
        Metrics tried: steps of the interior point, or transports.
    max_seconds : float
        Stop with the best bracket after this wall time.
    callback : callable, optional
        Called with a `Progress` after each iteration. Raise StopIteration to stop with the best result.
    verbose : bool
        Print one line per iteration to standard error.

    Returns
    -------
    SphereResult
        If it is not `converged`, `status` says why and the bracket is still proved.

    Raises
    ------
    ValueError
        Bad input; the message names the argument, the rule and the value seen.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the best `.result` so far.

    Examples
    --------
    >>> import numpy as np, spectralot as so
    >>> r = so.sphere.solve([[1, 0]], [1], [[0.6, 0.8]], [4], gauge=so.Trace())
    >>> round(r.value, 6), r.converged  # 1 + 4 - 2·√4·0.6
    (2.6, True)
    """
    gauge = as_gauge(gauge)
    pair = _pair_of(dirs_0, masses_0, dirs_1, masses_1)
    out = _interruptible(
        _core.sphere_solve,
        *pair,
        gauge._core,
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        as_number(max_seconds, "max_seconds"),
        _reporter(callback, verbose),
    )
    interrupted = out.pop("interrupted")
    out["rows"], out["cols"] = np.array(out["rows"], dtype=np.int32), np.array(out["cols"], dtype=np.int32)
    result = SphereResult(*pair, gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result


def distance(
    dirs_0: ArrayLike,
    masses_0: ArrayLike,
    dirs_1: ArrayLike,
    masses_1: ArrayLike,
    gauge: Gauge | float = 2,
    **options: Any,
) -> float:
    """UW_γ (not squared). Same arguments as `solve`; raises `NotSolved` if not certified."""
    return solve(dirs_0, masses_0, dirs_1, masses_1, gauge, **options).require_solved().distance


def verify(result: SphereResult) -> Verification:
    """Recomputes the bracket from coupling, metric and potentials, for all pairs; nothing of them is trusted."""
    out = _interruptible(
        _core.sphere_verify,
        *result._pair,
        result.gauge._core,
        *result._arcs,
        result.metric,
        result.u,
        result.v,
        result.lower,
        result.upper,
    )
    return Verification(**out)


def load(path: str | os.PathLike[str], gauge: Gauge | None = None) -> SphereResult:
    """Reads what `SphereResult.save` wrote; nothing in the file is trusted: `verify` proves the bracket again.

    Arguments and errors are those of `spectralot.load`.
    """
    return read_archive(path, "spectralot result on the sphere", lambda file: _result_from(file, gauge))


def _result_from(file: Any, gauge: Gauge | None) -> SphereResult:
    header = read_header(file, **FORMAT)
    pair = _pair_of(*(file[name] for name in ARRAYS[:4]))
    n, m, d = len(pair[0]), len(pair[2]), pair[0].shape[1]
    rows, cols = (as_indices(file[name], name, size) for name, size in (("rows", n), ("cols", m)))
    if len(cols) != len(rows):
        raise invalid("cols", "must be as long as rows", len(cols))
    return SphereResult(
        *pair,
        gauge=stored_gauge(header, gauge),
        rows=rows,
        cols=cols,
        leaving=as_numbers(file["leaving"], "leaving", len(rows)),
        arriving=as_numbers(file["arriving"], "arriving", len(rows)),
        u=as_numbers(file["u"], "u", n),
        v=as_numbers(file["v"], "v", m),
        metric=as_symmetric(file["metric"], "metric", d),
        moment=as_symmetric(file["moment"], "moment", d),
        history=as_points(file["history"], "history", 3),
        **typed(header, SCALARS),
    )


@dataclass(frozen=True, eq=False)
class SphereTrajectory:
    """The recorded states of a spherical flow (k of them)."""

    times: Array  #: (k,)
    directions: Array  #: (k, n, d)
    masses: Array  #: (k, n)
    energy: Array  #: (k,) f at the recorded states
    dissipation: Array  #: (k,) N*² = -df/dt
    status: str  #: "solved", "interrupted", or "stalled" where something was not finite
    gauge: Gauge

    @property
    def points(self) -> Array:
        """(k, n, d): particles √(n·m) ω of equal weights 1/n with these measures as their Π₂; for `animation.save`."""
        return np.sqrt(self.masses.shape[1] * self.masses)[..., None] * self.directions


def flow(
    f: Objective,
    dirs: ArrayLike,
    masses: ArrayLike,
    gauge: Gauge | float = np.inf,
    *,
    step: float,
    n_steps: int,
    method: str = "heun",
    record_every: int = 1,
    callback: Callable[[FlowProgress], Any] | None = None,
    verbose: bool = False,
) -> SphereTrajectory:
    """The gradient flow of a two-homogeneous objective on the sphere: ω̇ = τ, ṁ = 2bm.

    Parameters
    ----------
    f : Objective
        As in `flow.run`; that it is two-homogeneous (`TwoLayer` with relu or identity is) is up to the caller. It sees
        particles √M ω with weights m/M, M the total mass.
    dirs, masses : (n, d) and (n,) arrays
        Where to start, for example from `project`. Zero masses stay zero.
    gauge : Gauge or number
        Monotone; the operator norm (Muon) by default.
    step, n_steps : float, int
        Time step > 0 of the mean-field clock, and number of steps.
    method : "euler", "heun" or "rk4"
        Explicit Runge–Kutta in (ω, log m), of order 1, 2 or 4 along smooth flows.
    record_every : int
        Keep every k-th state; the first and the last always.
    callback, verbose
        As in `flow.run`.

    Raises
    ------
    ValueError
        Bad input, or a gauge that is not monotone.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the states so far in `.result`.
    """
    gauge = as_gauge(gauge)
    directions, m = _measure(dirs, masses, "")
    steps = as_integer(n_steps, "n_steps")
    out = _interruptible(
        _core.sphere_flow,
        core_objective(f),
        directions,
        m,
        gauge._core,
        as_number(step, "step"),
        steps,
        method,
        as_integer(record_every, "record_every"),
        _flow_reporter(callback, verbose, steps),
    )
    interrupted = out.pop("interrupted")
    for name in ("directions", "masses"):
        out[name] = np.stack(out[name])
    trajectory = SphereTrajectory(gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted at t={trajectory.times[-1]:.6g}", trajectory)
    return trajectory


def _pair_of(
    dirs_0: ArrayLike, masses_0: ArrayLike, dirs_1: ArrayLike, masses_1: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """Checked copies of the input, so that a result does not change with the caller's arrays."""
    first = _measure(dirs_0, masses_0, "_0")
    second = _measure(dirs_1, masses_1, "_1", dimension=first[0].shape[1])
    return first[0].copy(), first[1].copy(), second[0].copy(), second[1].copy()


def _measure(
    directions: ArrayLike, masses: ArrayLike, suffix: str, dimension: int | None = None
) -> tuple[Array, Array]:
    dirs = as_points(directions, f"dirs{suffix}", dimension)
    m = real_array(masses, f"masses{suffix}")
    if m.shape != (len(dirs),):
        raise invalid(f"masses{suffix}", f"must have shape ({len(dirs)},), one mass per direction", f"shape {m.shape}")
    return dirs, m
