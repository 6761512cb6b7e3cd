"""Gaussian measures (paper §4, Gaussian part of §6): the generalized Bures cost, its geodesics, and the flows that stay
Gaussian.

W_γ² = min over contractions C of γ(δδᵀ + S0 + S1 - A - Aᵀ), A = S0^½ C S1^½, δ = m1 - m0
     = max over Q in K of δᵀQδ + tr Q(S0 + S1) - 2‖S0^½ Q S1^½‖_*.

Any contraction gives an upper bound and any Q in K a lower bound: a result carries both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

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
    real_array,
)
from ._errors import Interrupted
from .gauges import Gauge, Operator, as_gauge
from .transport import Bracketed, Progress, _interruptible, _reporter

__all__ = [
    "KL",
    "Barycenter",
    "GaussianResult",
    "LinearNetwork",
    "MixtureResult",
    "ModalTrajectory",
    "Objective",
    "Trajectory",
    "barycenter",
    "distance",
    "flow",
    "kl",
    "kl_flow",
    "kl_rhs",
    "linear_network_flow",
    "modal_flow",
    "solve",
    "solve_mixture",
]


@dataclass(frozen=True, eq=False, repr=False)
class GaussianResult(Bracketed):
    """A Gaussian coupling of two Gaussians with a proved bracket of its squared cost. Built by `solve`.

    For equal means `value` is the squared generalized Bures cost.
    """

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


@dataclass(frozen=True, eq=False)
class MixtureResult(Bracketed):
    """A plan between the components of two Gaussian mixtures, with a proved bracket of its squared cost."""

    gauge: Gauge
    lower: float  #: proved lower end of the squared cost
    upper: float  #: proved upper end
    converged: bool  #: gap ≤ tol, or a cost that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit" or "interrupted"
    n_iter: int  #: metrics tried
    seconds: float
    plan: Array  #: (k, l) masses between components
    metric: Array  #: (d, d) Q in K that proves `lower`
    moment: Array  #: (d, d) Σ P_kl S_kl


def solve_mixture(
    means_a: ArrayLike,
    covariances_a: ArrayLike,
    means_b: ArrayLike,
    covariances_b: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    tol: float = 1e-6,
    max_iter: int = 500,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> MixtureResult:
    """Spectral distance between Gaussian mixtures that moves whole components.

    max over Q in K of the discrete transport between components with ground cost W_Q²(N_k, N_l). For p = 1 the
    mixture-Wasserstein distance; for others not the transport with the pairwise costs W_γ²: one Q serves all pairs.

    Parameters
    ----------
    means_a, covariances_a : (k, d) and (k, d, d) arrays
        Components of the source; likewise (l, d) and (l, d, d) for the target.
    gauge : Gauge or number
    a, b : (k,) and (l,) arrays, optional
        Weights, normalised inside; uniform by default.
    tol : float
        Certified relative gap of the squared cost at which to stop.
    max_iter : int
        Metrics tried, each one small transport problem and k·l decompositions.
    callback : callable, optional
        Called with a `Progress` after every metric; an exception raised in it stops the search.
    verbose : bool
        Print one line per metric.

    Returns
    -------
    MixtureResult
    """
    gauge = as_gauge(gauge)
    sides = []
    for means, covariances, weights, side in ((means_a, covariances_a, a, "a"), (means_b, covariances_b, b, "b")):
        m, S = as_points(means, f"means_{side}"), real_array(covariances, f"covariances_{side}")
        if S.shape != (*m.shape, m.shape[1]):
            raise invalid(f"covariances_{side}", f"must have shape {(*m.shape, m.shape[1])}", f"shape {S.shape}")
        w = as_weights(weights, side, len(m))
        sides += [np.ones(len(m)) if w is None else w, m, list(S)]
    out = _interruptible(
        _core.gaussian_mixture,
        *sides,
        gauge._core,
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        _reporter(callback, verbose),
    )
    interrupted = out.pop("interrupted")
    result = MixtureResult(gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result


@dataclass(frozen=True, eq=False, repr=False)
class Barycenter(Bracketed):
    """The Gaussian N(mean, covariance) that `barycenter` reached, with a proved bracket of the least value."""

    mean: Array  #: (d,)
    covariance: Array  #: (d, d)
    gauge: Gauge
    lower: float  #: lower end of the least Σ λᵢ W_γ², over all probability measures
    upper: float  #: no less than Σ λᵢ W_γ² from this Gaussian to the given ones
    converged: bool  #: gap ≤ tol, or a value that is zero to rounding
    status: str  #: "solved", "zero_to_rounding", "iteration_limit", "interrupted" or "stalled"
    n_iter: int
    seconds: float
    metrics: Array  #: (k, d, d) the Qᵢ in K that prove `lower`

    def __repr__(self) -> str:
        state = "" if self.converged else "not converged, "
        return (
            f"Barycenter({self.gauge!r}: value={self.value:.10g}, gap={self.gap:.1e}, {state}{self.status} in "
            f"{self.n_iter} iterations, {self.seconds:.2g} s, d={len(self.mean)}, k={len(self.metrics)})"
        )


def barycenter(
    means: ArrayLike,
    covariances: ArrayLike,
    gauge: Gauge | float = 2,
    *,
    weights: ArrayLike | None = None,
    tol: float = 1e-6,
    max_iter: int = 200,
    callback: Callable[[Progress], Any] | None = None,
    verbose: bool = False,
) -> Barycenter:
    """A Gaussian that minimises Σ λᵢ W_γ²(·, N(mᵢ, Sᵢ)).

    Parameters
    ----------
    means, covariances : (k, d) and (k, d, d) arrays
    gauge : Gauge or number
        Monotone.
    weights : (k,) array, optional
        λ, normalised inside; uniform by default.
    tol : float
        Certified relative gap of the value at which to stop.
    max_iter : int
        Steps, each one equation or Gaussian problem per component.
    callback : callable, optional
        Called with a `Progress` after each iteration. Raise StopIteration to stop with the best result.
    verbose : bool
        Print one line per iteration to standard error.

    Returns
    -------
    Barycenter

    Raises
    ------
    ValueError
        Bad input; the message names the argument, the rule and the value seen.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the best `.result` so far.

    Notes
    -----
    Schatten p > 2, operator norm and Ky Fan gauges (d ≤ 50): an interior point for measure and metrics together.
    Others: an ascent of the concave dual over one metric per component, for p = 1 the fixed point iteration of
    Álvarez-Esteban et al. (2016). Sums with corners may stop at four digits: `gap` says how many.
    """
    gauge = as_gauge(gauge)
    m = as_points(means, "means")
    k, d = m.shape
    S = real_array(covariances, "covariances")
    if S.shape != (k, d, d):
        raise invalid("covariances", f"must have shape {(k, d, d)}", f"shape {S.shape}")
    given = as_weights(weights, "weights", k)
    out = _interruptible(
        _core.gaussian_barycenter,
        m,
        list(S),
        np.ones(k) if given is None else given,
        gauge._core,
        as_number(tol, "tol"),
        as_integer(max_iter, "max_iter"),
        _reporter(callback, verbose),
    )
    interrupted = out.pop("interrupted")
    result = Barycenter(gauge=gauge, **(out | {"metrics": np.stack(out["metrics"])}))
    if interrupted:
        raise Interrupted(f"interrupted with the bracket [{result.lower}, {result.upper}]", result)
    return result


@runtime_checkable
class Objective(Protocol):
    """What a Gaussian flow minimises: any object with these two methods of mean (d,) and covariance (d, d)."""

    def energy(self, m: Array, S: Array) -> float:
        """f(N(m, S))."""

    def force(self, m: Array, S: Array) -> tuple[ArrayLike, ArrayLike]:
        """(H, b): the force is g(x) = H(x - m) + b, with H = 2∂f/∂S symmetric (d, d) and b = ∂f/∂m (d,)."""


class KL:
    """KL(· | N(m1, S1)), S1 positive definite: H = S1⁻¹ - S⁻¹, b = S1⁻¹(m - m1)."""

    def __init__(self, m1: ArrayLike, S1: ArrayLike) -> None:
        self.m1, self.S1 = _gaussian(m1, S1, "m1", "S1")
        self._core = _core.KullbackLeibler(self.m1, self.S1)

    def energy(self, m: ArrayLike, S: ArrayLike) -> float:
        """The relative entropy of N(m, S); infinity for singular S."""
        return self._core.energy(*_gaussian(m, S, "m", "S", len(self.m1)))

    def force(self, m: ArrayLike, S: ArrayLike) -> tuple[Array, Array]:
        """(H, b)."""
        return self._core.force(*_gaussian(m, S, "m", "S", len(self.m1)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.m1, self.S1)


class LinearNetwork:
    """Loss ½E|Mz - A⋆z|² of the two-layer linear network with neurons x = (u, v), M = ∫uvᵀ, z of covariance C.

    Parameters
    ----------
    teacher : (k, l) array
        A⋆; neurons have k + l coordinates.
    inputs : (l, l) array, optional
        C, identity by default.
    """

    def __init__(self, teacher: ArrayLike, inputs: ArrayLike | None = None) -> None:
        self.teacher = real_array(teacher, "teacher")
        if self.teacher.ndim != 2 or self.teacher.size == 0:
            raise invalid("teacher", "must have shape (k, l)", f"shape {self.teacher.shape}")
        size = self.teacher.shape[1]
        self.inputs = np.eye(size) if inputs is None else real_array(inputs, "inputs")
        if self.inputs.shape != (size, size):
            raise invalid("inputs", f"must have shape ({size}, {size})", f"shape {self.inputs.shape}")
        self._core = _core.LinearNetwork(self.teacher, self.inputs)

    def energy(self, m: ArrayLike, S: ArrayLike) -> float:
        """The loss when neurons are distributed as N(m, S)."""
        return self._core.energy(*_gaussian(m, S, "m", "S", sum(self.teacher.shape)))

    def force(self, m: ArrayLike, S: ArrayLike) -> tuple[Array, Array]:
        """(H, b): H = [[0, E], [Eᵀ, 0]], E = (M - A⋆)C."""
        return self._core.force(*_gaussian(m, S, "m", "S", sum(self.teacher.shape)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.teacher, self.inputs)


class RankLoss(NamedTuple):
    """The force second moment lost rank."""

    time: float
    rank: int  #: numerical rank from then on


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """A Gaussian flow at its accepted steps (k of them), with its energy balance."""

    times: Array  #: (k,)
    means: Array  #: (k, d)
    covariances: Array  #: (k, d, d)
    energy: Array  #: (k,) f
    dissipation: Array  #: (k,) N*² = -df/dt
    balance_residual: Array  #: (k,) |f(0) - f(t) - ∫ dissipation|
    events: list[RankLoss]  #: where the force lost rank, located
    status: str  #: "solved", "iteration_limit", "interrupted", or "stalled" (it left the domain)
    gauge: Gauge

    def __repr__(self) -> str:
        k, d = self.means.shape
        return (
            f"Trajectory({self.gauge!r}: {k} states of N(m, S) in {d} dimensions to t={self.times[-1]:.6g}, energy "
            f"{self.energy[0]:.6g} -> {self.energy[-1]:.6g}, {len(self.events)} rank losses, {self.status})"
        )


def kl(m0: ArrayLike, S0: ArrayLike, m1: ArrayLike, S1: ArrayLike) -> float:
    """Relative entropy of N(m0, S0) to N(m1, S1), S1 positive definite; infinity for singular S0."""
    m1, S1 = _gaussian(m1, S1, "m1", "S1")
    return _core.gaussian_kl(*_gaussian(m0, S0, "m0", "S0", len(m1)), m1, S1)


def kl_rhs(
    m: ArrayLike, S: ArrayLike, m1: ArrayLike, S1: ArrayLike, gauge: Gauge | float | None = None
) -> tuple[Array, Array]:
    """(dm/dt, dS/dt) of the spectral gradient flow of KL(· | N(m1, S1)); `Operator()` by default."""
    objective = KL(m1, S1)
    m, S = _gaussian(m, S, "m", "S", len(objective.m1))
    mean, covariance, _ = _core.gaussian_velocity(objective._core, m, S, _flow_gauge(gauge)._core, 1e-14)
    return mean, covariance


def kl_flow(
    m: ArrayLike,
    S: ArrayLike,
    m1: ArrayLike,
    S1: ArrayLike,
    gauge: Gauge | float | None = None,
    t_max: float = 1.0,
    **options: Any,
) -> Trajectory:
    """The flow of KL(· | N(m1, S1)) from N(m, S): `flow` with the objective `KL(m1, S1)`."""
    return flow(KL(m1, S1), m, S, gauge, t_max, **options)


def linear_network_flow(
    S0: ArrayLike,
    teacher: ArrayLike,
    gauge: Gauge | float | None = None,
    t_max: float = 1.0,
    *,
    m0: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
    **options: Any,
) -> Trajectory:
    """Training of the linear two-layer network from N(m0, S0): `flow` with `LinearNetwork(teacher, inputs)`."""
    objective = LinearNetwork(teacher, inputs)
    return flow(objective, np.zeros(sum(objective.teacher.shape)) if m0 is None else m0, S0, gauge, t_max, **options)


def flow(
    f: Objective,
    m: ArrayLike,
    S: ArrayLike,
    gauge: Gauge | float | None = None,
    t_max: float = 1.0,
    *,
    rtol: float = 1e-8,
    rank_tol: float = 1e-6,
    max_steps: int = 100_000,
) -> Trajectory:
    """Spectral gradient flow of an objective of mean and covariance (paper §6): dm/dt = -Pb, dS/dt = -PHS - SHP.

    Parameters
    ----------
    f : Objective
        `KL`, `LinearNetwork`, or any object with `energy(m, S)` and `force(m, S)`.
    m, S : (d,) and (d, d) arrays
        Start.
    gauge : Gauge or number
        Monotone; `Operator()` by default, a number p is short for `Schatten(p)`.
    t_max : float
        Final time.
    rtol : float
        Error of a step of the Dormand-Prince pair 5(4), on the mean and a square root of the covariance.
    rank_tol : float
        Singular values of the force below this part of its norm at the start count as zero. Take 100·rtol or more:
        below, the error of the steps and not the flow decides their directions.
    max_steps : int
        Accepted and rejected.

    Returns
    -------
    Trajectory
        At the accepted steps.

    Raises
    ------
    ValueError
        Bad input, or a gauge that is not monotone.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the states so far in `.result`.
    """
    gauge = _flow_gauge(gauge)
    m, S = _gaussian(m, S, "m", "S")
    core = getattr(f, "_core", None)
    if not isinstance(core, _core.GaussianObjective):
        if not callable(getattr(f, "energy", None)) or not callable(getattr(f, "force", None)):
            raise invalid("f", "must have the methods energy(m, S) and force(m, S)", repr(f))

        def energy(m: Array, S: Array) -> float:
            return as_number(f.energy(m, S), "energy")

        def force(m: Array, S: Array) -> tuple[Array, Array]:
            H, b = f.force(m, S)
            return as_symmetric(H, "H", len(m)), _vector(b, "b", len(m))

        core = _core.GaussianCallbackObjective(energy, force)
    out = _interruptible(
        _core.gaussian_flow,
        core,
        m,
        S,
        gauge._core,
        as_number(t_max, "t_max"),
        as_number(rtol, "rtol"),
        as_number(rank_tol, "rank_tol"),
        as_integer(max_steps, "max_steps"),
    )
    interrupted = out.pop("interrupted")
    out["means"], out["covariances"] = np.stack(out["means"]), np.stack(out["covariances"])
    events = [RankLoss(float(t), rank) for t, rank in zip(out.pop("event_times"), out.pop("event_ranks"), strict=True)]
    if interrupted:
        out["status"] = "interrupted"
    trajectory = Trajectory(gauge=gauge, events=events, **out)
    if interrupted:
        raise Interrupted(f"interrupted at t={trajectory.times[-1]:.6g}", trajectory)
    return trajectory


class ModalEvent(NamedTuple):
    """An eigenvalue of a mode reached zero ("lost_a", "lost_b"), or its error did ("settled")."""

    time: float
    mode: int
    kind: str


@dataclass(frozen=True, eq=False)
class ModalTrajectory:
    """The linear network in diagonal modes (J of them) at the accepted steps (k of them)."""

    times: Array  #: (k,)
    r: Array  #: (k, J) student's value per mode: (a - b)/2
    s: Array  #: (k, J) (a + b)/2 ≥ |r|
    invariant: Array  #: (k, J) p = 1: ab; p > 1: a^η + b^η, η = (p-1)/(2p-1); constant while a, b > 0
    energy: Array  #: (k,) ½Σ(r - β)²
    dissipation: Array  #: (k,) N² = -df/dt
    balance_residual: Array  #: (k,) |f(0) - f(t) - ∫ dissipation|
    events: list[ModalEvent]  #: located, in order of time
    status: str  #: "solved", "iteration_limit" or "interrupted"


def modal_flow(
    r0: ArrayLike, s0: ArrayLike, beta: ArrayLike, p: float, t_max: float, *, rtol: float = 1e-10
) -> ModalTrajectory:
    """The linear network flow in diagonal modes (paper §6): a = s + r, b = s - r, target r = beta.

    Parameters
    ----------
    r0, s0, beta : (J,) arrays or numbers
        Start and target of each mode, |r0| ≤ s0.
    p : float
        Schatten exponent, 1 ≤ p ≤ inf.
    t_max : float
        Final time.
    rtol : float
        Error of a step.

    Returns
    -------
    ModalTrajectory
        An eigenvalue that reaches zero is a located event and stays zero.

    Raises
    ------
    ValueError
        Bad input; the message names the argument, the rule and the value seen.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the states so far in `.result`.
    """
    start, spread, target = (np.atleast_1d(real_array(v, n)) for v, n in ((r0, "r0"), (s0, "s0"), (beta, "beta")))
    for value, name in ((start, "r0"), (spread, "s0"), (target, "beta")):
        if value.ndim != 1:
            raise invalid(name, "must have shape (J,)", f"shape {value.shape}")
    p = as_number(p, "p")
    out = _interruptible(_core.modal_flow, start, spread, target, p, as_number(t_max, "t_max"), as_number(rtol, "rtol"))
    interrupted = out.pop("interrupted")
    trajectory = ModalTrajectory(**(out | {"events": [ModalEvent(*event) for event in out["events"]]}))
    if interrupted:
        raise Interrupted(f"interrupted at t={trajectory.times[-1]:.6g}", trajectory)
    return trajectory


def _flow_gauge(gauge: Gauge | float | None) -> Gauge:
    return Operator() if gauge is None else as_gauge(gauge)


def _vector(value: Any, name: str, dimension: int | None = None) -> Array:
    array = real_array(value, name)
    if array.ndim != 1 or len(array) == 0 or (dimension is not None and len(array) != dimension):
        shape = "(d,)" if dimension is None else f"({dimension},)"
        raise invalid(name, f"must have shape {shape}", f"shape {array.shape}")
    return array


def _gaussian(
    mean: Any, covariance: Any, mean_name: str, covariance_name: str, dimension: int | None = None
) -> tuple[Array, Array]:
    """Arrays of the right shape; what the numbers must satisfy is checked in the core."""
    m, S = _vector(mean, mean_name, dimension), real_array(covariance, covariance_name)
    if S.shape != (len(m), len(m)):
        raise invalid(covariance_name, f"must have shape ({len(m)}, {len(m)})", f"shape {S.shape}")
    return m, S
