"""The static spectral Wasserstein problem between clouds of points, with certificates (paper §3).

W_γ(μ, ν)² = min over plans P of γ(S(P)) = max over Q in K of W_Q(μ, ν)², S(P) = Σ P_ij (y_j - x_i)(y_j - x_i)ᵀ and W_Q
classical transport for the cost (x - y)ᵀQ(x - y). Any feasible plan gives an upper bound, any Q in K with feasible
potentials a lower bound: a result carries all of them, so its bracket can be checked without trusting the solver.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np

from . import _core
from ._arrays import (
    Array,
    ArrayLike,
    as_integer,
    as_number,
    as_points,
    as_symmetric,
    as_weights,
    invalid,
)
from ._errors import Interrupted, NotSolved
from .gauges import FixedMetric, Gauge, as_gauge

if TYPE_CHECKING:
    from scipy.sparse import coo_array

__all__ = [
    "Progress",
    "TransportResult",
    "Verification",
    "distance",
    "emd_sample",
    "solve_sample",
    "verify",
]

T = TypeVar("T")

HISTORY = np.dtype([("lower", float), ("upper", float), ("seconds", float)])


class Progress(NamedTuple):
    """What a callback is told after each outer iteration; `lower` and `upper` bracket the squared cost.

    `seconds_left` is an estimate from the rate at which the gap closed so far, NaN where that says nothing.
    """

    iteration: int
    lower: float
    upper: float
    seconds: float
    seconds_left: float = math.nan

    @property
    def gap(self) -> float:
        """(upper - lower) / upper."""
        return _relative_gap(self.lower, self.upper)


class Bracketed:
    """What every result with a proved bracket of its squared cost can say."""

    lower: float
    upper: float
    converged: bool
    status: str
    n_iter: int

    def require_solved(self) -> Self:
        """The result itself if it is certified; raises `NotSolved` (with `.result`) if not."""
        if not self.converged:
            state = f"status {self.status}, gap {self.gap:.2g} after {self.n_iter} iterations"
            raise NotSolved(f"the certificate did not close: {state}", self)
        return self

    @property
    def value(self) -> float:
        """W_γ² (squared): the upper end of the bracket."""
        return self.upper

    @property
    def distance(self) -> float:
        """W_γ = √value (not squared)."""
        return math.sqrt(self.value)

    @property
    def gap(self) -> float:
        """(upper - lower) / upper, 0 if both are 0."""
        return _relative_gap(self.lower, self.upper)


@dataclass(frozen=True, eq=False, repr=False)
class TransportResult(Bracketed):
    """A coupling between two clouds with a proved bracket of its squared cost. Built by `solve_sample` or `emd_sample`.

    It owns copies of its input, so it can be saved, verified and interpolated later.
    """

    X_a: Array  #: (n, d) source points
    X_b: Array  #: (m, d) target points
    a: Array | None  #: (n,) weights as given; None = uniform
    b: Array | None  #: (m,)
    gauge: Gauge  #: for `emd_sample`, the fixed metric as a gauge
    lower: float  #: proved lower end of W_γ² (squared)
    upper: float  #: proved upper end
    converged: bool  #: gap ≤ tol, or a cost that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit", "time_limit", "interrupted" or "stalled"
    n_iter: int  #: outer iterations (an exact transport solve, or a step on the masses of single pairs)
    seconds: float
    rows: Array  #: plan entries: masses[t] goes from rows[t] to cols[t] (sorted, int32)
    cols: Array
    masses: Array
    potential_a: Array  #: (n,) f, squared units
    potential_b: Array  #: (m,) g; f_i + g_j ≤ (y_j - x_i)ᵀQ(y_j - x_i) for all pairs
    metric: Array  #: (d, d) Q in K
    moment: Array  #: (d, d) S(P), uncentred second moment of the displacements
    history: Array  #: (n_iter,) records with the fields lower, upper, seconds

    @property
    def plan(self) -> Array:
        """Dense (n, m) coupling, total mass one. Built anew on each access: n·m numbers."""
        dense = np.zeros((len(self.X_a), len(self.X_b)))
        dense[self.rows, self.cols] = self.masses
        return dense

    @property
    def sparse_plan(self) -> coo_array:
        """The coupling as a `scipy.sparse.coo_array` of shape (n, m)."""
        from scipy.sparse import coo_array

        return coo_array((self.masses, (self.rows, self.cols)), shape=(len(self.X_a), len(self.X_b)))

    @property
    def potentials(self) -> tuple[Array, Array]:
        """(f, g): with `metric` they prove `lower`. Atoms of zero mass carry their c-transform."""
        return self.potential_a, self.potential_b

    @property
    def log(self) -> dict[str, Any]:
        """How the solve went, as a dictionary (the name that POT users look for)."""
        names = ("status", "converged", "n_iter", "seconds", "lower", "upper", "gap", "history")
        return {name: getattr(self, name) for name in names}

    @property
    def n_split_rows(self) -> int:
        """Source points whose mass the plan splits, so that no map could do the same."""
        return _core.count_split_rows(self._measures[0], self._core_plan)

    def geodesic(self, t: float) -> tuple[Array, Array]:
        """Displacement interpolation at time t in [0, 1]: (points (nnz, d), weights (nnz,)), one atom per plan entry.

        A constant-speed geodesic of W_γ (paper §5). ValueError for t outside [0, 1] or a gauge that is not monotone.
        """
        return _core.geodesic(*self._measures, self.gauge._core, self._core_plan, as_number(t, "t"))

    def barycentric_map(self) -> Array:
        """(n, d): each x_i goes to the mean of its targets; points without mass stay where they are."""
        return _core.barycentric_map(*self._measures, self._core_plan)

    def matching(self) -> tuple[Array, float]:
        """A permutation extracted from the plan, and its γ-cost (squared), which is at least `value`.

        Linear assignment that maximises the plan mass kept: x_i goes to y_{indices[i]}. Needs n = m and equal weights
        (ValueError otherwise). Cost up to O(n³).
        """
        return _interruptible(_core.matching, *self._measures, self.gauge._core, self._core_plan)

    def gradient(self) -> tuple[Array, Array, Array, Array]:
        """Envelope (sub)gradients of the squared value: (dX_a (n, d), dX_b (m, d), da (n,), db (m,)).

        dX_a = 2 Σ_j P_ij Q(x_i - y_j). da and db are the potentials with mean zero under the weights: the change of
        the value when normalised weights move along directions that keep their sum.
        """
        return _core.gradient(*self._measures, self._core_plan, self.metric, self.potential_a, self.potential_b)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes everything needed to verify again to a versioned `.npz` (aside first, then renamed)."""
        from .storage import save

        save(self, path)

    @cached_property
    def _measures(self) -> tuple[_core.Measure, _core.Measure]:
        return _measures(self.X_a, self.X_b, self.a, self.b)

    @cached_property
    def _core_plan(self) -> _core.Plan:
        return _core.Plan(len(self.X_a), len(self.X_b), self.rows, self.cols, self.masses)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_measures", "_core_plan")}

    def __repr__(self) -> str:
        state = "" if self.converged else "not converged, "
        gauge = repr(self.gauge)
        if len(gauge) > 60:  # one that holds matrices
            gauge = f"{type(self.gauge).__name__}(…)"
        return (
            f"TransportResult({gauge}: value={self.value:.10g}, gap={self.gap:.1e}, {state}{self.status} "
            f"in {self.n_iter} iterations, {self.seconds:.2g} s, {len(self.X_a)}x{len(self.X_b)}, "
            f"{len(self.masses)} plan entries)"
        )


def solve_sample(
    X_a: ArrayLike,
    X_b: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_threads: int = 1,
    max_seconds: float = math.inf,
    warm_start: TransportResult | None = None,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> TransportResult:
    """Spectral Wasserstein distance between two clouds, with a plan and a proved bracket (paper §3).

    Parameters
    ----------
    X_a, X_b : (n, d) and (m, d) arrays
        Points, one per row. Lists, any real dtype and order, torch tensors: converted to float64, never changed.
    gauge : Gauge or number
        A gauge object, or p as short for `Schatten(p)`.
    a, b : (n,) and (m,) arrays, optional
        Weights, non-negative with a positive sum, normalised inside; uniform by default. If both are given their
        sums must agree to 1e-9.
    tol : float
        Certified relative gap (upper - lower)/upper of the squared cost at which to stop.
    max_iter : int
        Outer iterations, each one exact transport solve.
    n_threads : int
        0 = all cores. The result does not depend on it.
    max_seconds : float
        Stop with the best bracket after this wall time.
    warm_start : TransportResult, optional
        An earlier result between the same measures for another gauge, or after their points have moved a little (same
        sizes and weights): the search begins there. A result that is too far away is left aside. Nothing is trusted.
    callback : callable, optional
        Called with a `Progress` after each outer iteration, on the calling thread. Raise StopIteration to stop with
        the best result; any other exception ends the solve and is passed on.
    verbose : bool
        Print one line per outer iteration to standard error.

    Returns
    -------
    TransportResult
        If it is not `converged`, `status` says why and the bracket is still proved.

    Raises
    ------
    ValueError
        Bad input; the message names the argument, the rule and the value seen.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the best `.result` so far.

    Examples
    --------
    >>> import spectralot as so
    >>> r = so.solve_sample([[-1, 0], [1, 0]], [[0, -1], [0, 1]], gauge=so.Operator())
    >>> round(r.value, 9), r.converged
    (1.0, True)
    """
    gauge = as_gauge(gauge)
    X_a, X_b, a, b = _clouds(X_a, X_b, a, b)
    gauge._core.check_dimension(X_a.shape[1])
    measures = _measures(X_a, X_b, a, b)
    out = _interruptible(
        _core.solve,
        *measures,
        gauge._core,
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        as_integer(n_threads, "n_threads"),
        as_number(max_seconds, "max_seconds"),
        _reporter(callback, verbose),
        *_warm_start(warm_start, X_a.shape[1]),
    )
    rows = np.ascontiguousarray(out["history"]).view(HISTORY).reshape(-1)
    return _finish(out, X_a, X_b, a, b, gauge, history=rows)


def distance(X_a: ArrayLike, X_b: ArrayLike, gauge: Gauge | float = 2, **options: Any) -> float:
    """W_γ between two clouds (not squared). Same arguments as `solve_sample`; raises `NotSolved` if not certified."""
    return solve_sample(X_a, X_b, gauge, **options).require_solved().distance


def emd_sample(
    X_a: ArrayLike,
    X_b: ArrayLike,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    metric: ArrayLike | None = None,
    *,
    n_threads: int = 1,
) -> TransportResult:
    """Exact optimal transport for the cost (x - y)ᵀQ(x - y), with a certificate.

    Parameters
    ----------
    X_a, X_b, a, b, n_threads
        As in `solve_sample`.
    metric : (d, d) array, optional
        Q symmetric, identity by default (the classical W2). Singular and indefinite metrics are legal; the value of
        an indefinite one may be negative, and has no `distance`.

    Returns
    -------
    TransportResult
        Its gauge is tr(Q·), its bracket is closed to rounding.
    """
    X_a, X_b, a, b = _clouds(X_a, X_b, a, b)
    d = X_a.shape[1]
    Q = np.eye(d) if metric is None else as_symmetric(metric, "metric", d)
    start = time.perf_counter()
    out = _interruptible(_core.solve_exact, *_measures(X_a, X_b, a, b), Q, as_integer(n_threads, "n_threads"))
    seconds = time.perf_counter() - start
    history = np.array([(out["lower"], out["upper"], seconds)], dtype=HISTORY)
    solved = out["status"] in ("solved", "zero_to_rounding")
    out |= {"converged": solved, "n_iter": 1, "seconds": seconds, "metric": Q}
    return _finish(out, X_a, X_b, a, b, FixedMetric(Q), history=history)


@dataclass(frozen=True)
class Verification:
    """What `verify` proves, whatever the result claims."""

    lower: float  #: proved lower end of W_γ² (squared)
    upper: float  #: proved upper end
    ok: bool  #: the proved bracket confirms the claimed one, up to the rounding of evaluating it twice
    marginal_error: float  #: mass by which the plan misses its marginals
    metric_excess: float  #: Q lies in (1 + excess)·K
    worst_slack: float  #: smallest c_ij - f_i - g_j, before the potentials were made feasible

    @property
    def gap(self) -> float:
        """(upper - lower) / upper, 0 if both are 0."""
        return _relative_gap(self.lower, self.upper)


def verify(
    X_a: ArrayLike,
    X_b: ArrayLike,
    result: TransportResult,
    *,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
) -> Verification:
    """Recomputes the bracket from plan, metric and potentials alone, sharing nothing with the solver but the gauge.

    Parameters
    ----------
    X_a, X_b : arrays
        The clouds that the result is about.
    result : TransportResult
        Solved now or loaded from a file. Nothing of it is trusted.
    a, b : arrays, optional
        Weights; those stored in the result by default.

    Returns
    -------
    Verification
        Cost O(nm·d) time, O(n + m) memory; metrics of rank one are sorted instead.
    """
    for cloud, size, name in ((X_a, len(result.X_a), "X_a"), (X_b, len(result.X_b), "X_b")):
        if len(as_points(cloud, name)) != size:
            raise invalid(name, f"must have the {size} points of the result", f"{len(cloud)} points")
    X_a, X_b, a, b = _clouds(X_a, X_b, result.a if a is None else a, result.b if b is None else b)
    out = _interruptible(
        _core.verify,
        *_measures(X_a, X_b, a, b),
        result.gauge._core,
        result._core_plan,
        result.metric,
        result.potential_a,
        result.potential_b,
        result.lower,
        result.upper,
    )
    return Verification(**out)


def _relative_gap(lower: float, upper: float) -> float:
    return 0.0 if lower >= upper else (upper - lower) / abs(upper)


def _clouds(
    X_a: ArrayLike, X_b: ArrayLike, a: ArrayLike | None, b: ArrayLike | None
) -> tuple[Array, Array, Array | None, Array | None]:
    """Checked copies of the input, so that a result does not change with the caller's arrays."""
    points_a = as_points(X_a, "X_a").copy()
    points_b = as_points(X_b, "X_b", dimension=points_a.shape[1]).copy()
    weights = as_weights(a, "a", len(points_a)), as_weights(b, "b", len(points_b))
    weights_a, weights_b = (None if w is None else w.copy() for w in weights)
    _core.check_pair(*_measures(points_a, points_b, weights_a, weights_b))
    return points_a, points_b, weights_a, weights_b


def _measures(X_a: Array, X_b: Array, a: Array | None, b: Array | None) -> tuple[_core.Measure, _core.Measure]:
    return _core.Measure(X_a, a, "X_a", "a"), _core.Measure(X_b, b, "X_b", "b")


def _warm_start(earlier: TransportResult | None, d: int) -> tuple[Any, ...]:
    if earlier is None:
        return None, None, None, None
    if not isinstance(earlier, TransportResult):
        raise invalid("warm_start", "must be a TransportResult", type(earlier).__name__)
    if len(earlier.metric) != d:
        raise invalid("warm_start", f"must be a result in dimension {d}", f"one in dimension {len(earlier.metric)}")
    return earlier._core_plan, earlier.metric, earlier.potential_a, earlier.potential_b


def _interruptible(function: Callable[..., T], *arguments: Any) -> T:
    """A Ctrl-C that left no result at all still arrives as `Interrupted`."""
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was a result") from None


def _finish(
    out: dict[str, Any], X_a: Array, X_b: Array, a: Array | None, b: Array | None, gauge: Gauge, history: Array
) -> TransportResult:
    plan = out["plan"]
    known = {field.name: out[field.name] for field in fields(TransportResult) if field.name in out}
    known |= {"rows": plan.row, "cols": plan.col, "masses": plan.mass, "history": history}
    result = TransportResult(X_a=X_a, X_b=X_b, a=a, b=b, gauge=gauge, **known)
    if out["interrupted"]:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result


def _reporter(callback: Callable[[Progress], Any] | None, verbose: bool) -> Callable[..., bool] | None:
    """The core's progress callback: a true answer stops the solver."""
    if callback is None and not verbose:
        return None

    def report(*values: float) -> bool:
        at = Progress(*values)  # type: ignore[arg-type]
        if verbose:
            bracket = f"lower {at.lower:.10g}  upper {at.upper:.10g}  gap {at.gap:.1e}"
            left = f", about {at.seconds_left:.0f} s left" if at.seconds_left >= 1.0 else ""
            print(f"{at.iteration:5d}  {bracket}  {at.seconds:.2f} s{left}", file=sys.stderr)
        if callback is not None:
            try:
                callback(at)
            except StopIteration:
                return True
        return False

    return report
