"""Gaussian measures (paper §4, Gaussian part of §6): the generalized Bures cost, its geodesics, and the flows that stay
Gaussian.

W_γ² = min over contractions C of γ(δδᵀ + S0 + S1 - A - Aᵀ), A = S0^½ C S1^½, δ = m1 - m0
     = max over Q in K of δᵀQδ + tr Q(S0 + S1) - 2‖S0^½ Q S1^½‖_*.

Any contraction gives an upper bound and any Q in K a lower bound: a result carries both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, invalid, real_array
from ._errors import Interrupted, NotSolved
from .gauges import Gauge, as_gauge
from .transport import Progress, _interruptible, _relative_gap, _reporter

__all__ = ["GaussianResult", "distance", "solve"]


@dataclass(frozen=True, eq=False, repr=False)
class GaussianResult:
    """A Gaussian coupling of two Gaussians with a proved bracket of its squared cost. Built by `solve`."""

    m0: Array  #: (d,) means and (d, d) covariances, as given
    S0: Array
    m1: Array
    S1: Array
    gauge: Gauge
    lower: float  #: proved lower end of W_γ² (squared)
    upper: float  #: proved upper end
    converged: bool  #: gap ≤ tol, or a cost that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit", "interrupted" or "stalled"
    n_iter: int  #: metrics tried, each one singular value decomposition
    seconds: float
    cross_covariance: Array  #: (d, d) A = E[(X - m0)(Y - m1)ᵀ] of the coupling that proves `upper`
    metric: Array  #: (d, d) Q in K that proves `lower`
    moment: Array  #: (d, d) second moment of Y - X

    @property
    def value(self) -> float:
        """W_γ² (squared): the upper end of the bracket. For equal means the squared generalized Bures cost."""
        return self.upper

    @property
    def distance(self) -> float:
        """W_γ = √value (not squared)."""
        return math.sqrt(self.value)

    @property
    def gap(self) -> float:
        """(upper - lower) / upper, 0 if both are 0."""
        return _relative_gap(self.lower, self.upper)

    def geodesic(self, t: float) -> tuple[Array, Array]:
        """(mean, covariance) at time t in [0, 1] of the displacement interpolation, a constant-speed geodesic of W_γ.

        ValueError for t outside [0, 1] or a gauge that is not monotone.
        """
        return _core.gaussian_geodesic(*self._pair, self.gauge._core, self.cross_covariance, as_number(t, "t"))

    def affine_map(self) -> Array:
        """(d, d): T with Y = m1 + T(X - m0) under the optimal coupling, for S0 positive definite.

        ValueError where the coupling found is no map.
        """
        return _core.gaussian_map(*self._pair, self.cross_covariance)

    def require_solved(self) -> GaussianResult:
        """The result itself if it is certified; raises `NotSolved` (with `.result`) if not."""
        if not self.converged:
            state = f"status {self.status}, gap {self.gap:.2g} after {self.n_iter} iterations"
            raise NotSolved(f"the certificate did not close: {state}", self)
        return self

    @property
    def _pair(self) -> tuple[Array, Array, Array, Array]:
        return self.m0, self.S0, self.m1, self.S1

    def __repr__(self) -> str:
        state = "" if self.converged else "not converged, "
        return (
            f"GaussianResult({self.gauge!r}: value={self.value:.10g}, gap={self.gap:.1e}, {state}{self.status} "
            f"in {self.n_iter} iterations, {self.seconds:.2g} s, d={len(self.m0)})"
        )


def solve(
    m0: ArrayLike,
    S0: ArrayLike,
    m1: ArrayLike,
    S1: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    tol: float = 1e-9,
    max_iter: int = 500,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> GaussianResult:
    """W_γ² between N(m0, S0) and N(m1, S1), with a coupling and a proved bracket.

    Parameters
    ----------
    m0, m1 : (d,) arrays
        Means.
    S0, S1 : (d, d) arrays
        Covariances: symmetric positive semidefinite to rounding, singular ones included.
    gauge : Gauge or number
        A gauge object, or p as short for `Schatten(p)`.
    tol : float
        Certified relative gap (upper - lower)/upper of the squared cost at which to stop.
    max_iter : int
        Metrics tried, each one singular value decomposition of a d×d matrix.
    callback : callable, optional
        Called with a `Progress` after each iteration. Raise StopIteration to stop with the best result.
    verbose : bool
        Print one line per iteration to standard error.

    Returns
    -------
    GaussianResult
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
    >>> r = so.gaussian.solve([0, 0], np.eye(2), [3, 0], 4 * np.eye(2), gauge=so.Operator())
    >>> round(r.value, 9), r.converged
    (10.0, True)
    """
    gauge = as_gauge(gauge)
    pair = (*_gaussian(m0, S0, "m0", "S0"), *_gaussian(m1, S1, "m1", "S1"))
    out = _interruptible(
        _core.gaussian_solve,
        *pair,
        gauge._core,
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        _reporter(callback, verbose),
    )
    interrupted = out.pop("interrupted")
    result = GaussianResult(*pair, gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result


def distance(
    m0: ArrayLike, S0: ArrayLike, m1: ArrayLike, S1: ArrayLike, gauge: Gauge | float = 2, **options: Any
) -> float:
    """W_γ between two Gaussians (not squared). Same arguments as `solve`; raises `NotSolved` if not certified."""
    return solve(m0, S0, m1, S1, gauge, **options).require_solved().distance


def _gaussian(mean: Any, covariance: Any, mean_name: str, covariance_name: str) -> tuple[Array, Array]:
    """Arrays of the right shape; what the numbers must satisfy is checked in the core."""
    m, S = real_array(mean, mean_name), real_array(covariance, covariance_name)
    if m.ndim != 1 or len(m) == 0:
        raise invalid(mean_name, "must have shape (d,)", f"shape {m.shape}")
    if S.shape != (len(m), len(m)):
        raise invalid(covariance_name, f"must have shape ({len(m)}, {len(m)})", f"shape {S.shape}")
    return m, S
