"""Spectral gradient flows of particles (paper §6): Ẋ = J(force), J the steepest-descent selector of a gauge."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, as_points, as_weights, invalid, normalised
from ._errors import Interrupted
from .gauges import Gauge, Operator, as_gauge

__all__ = ["MMD", "FlowProgress", "Objective", "Trajectory", "coordination", "run"]


@runtime_checkable
class Objective(Protocol):
    """What a flow minimises: any object with these two methods. `weights` sum to one."""

    def energy(self, X: Array, weights: Array) -> float:
        """f(Σ wᵢ δ_{xᵢ})."""

    def force(self, X: Array, weights: Array) -> ArrayLike:
        """(n, d): gᵢ = ∇(δf/δμ)(xᵢ). The gradient of X ↦ f is wᵢgᵢ."""


class MMD:
    """Squared maximum mean discrepancy to a target cloud, with the smoothed energy-distance kernel.

    f(X) = 2ΣΣ a_i b_j d(x_i, y_j) - ΣΣ a_i a_k d(x_i, x_k) - ΣΣ b_j b_l d(y_j, y_l), d(x, y) = √(|x-y|² + eps²).

    Parameters
    ----------
    Y : (m, d) array
        Target points.
    weights : (m,) array, optional
        Target weights, normalised inside; uniform by default.
    kernel : "energy"
    eps : float
        Smoothing of the distance, in the unit of the points.

    Notes
    -----
    `energy` and `force` take O(n(n+m)d) time and O(n+m) memory.
    """

    def __init__(
        self, Y: ArrayLike, weights: ArrayLike | None = None, kernel: str = "energy", eps: float = 1e-2
    ) -> None:
        if kernel != "energy":
            raise invalid("kernel", "must be 'energy'", repr(kernel))
        self.Y = as_points(Y, "Y").copy()
        weights = as_weights(weights, "weights", len(self.Y))
        self.weights = None if weights is None else normalised(weights)
        self.kernel = kernel
        self.eps = as_number(eps, "eps")
        self._core = _core.Mmd(_core.Measure(self.Y, self.weights, "Y", "weights"), self.eps)

    def energy(self, X: ArrayLike, weights: ArrayLike | None = None) -> float:
        """f at Σ wᵢ δ_{xᵢ} (a squared discrepancy)."""
        return self._core.energy(*self._particles(X, weights))

    def force(self, X: ArrayLike, weights: ArrayLike | None = None) -> Array:
        """(n, d): g(xᵢ) = 2[Σ_j b_j (xᵢ-y_j)/d(xᵢ, y_j) - Σ_k w_k (xᵢ-x_k)/d(xᵢ, x_k)]."""
        return self._core.force(*self._particles(X, weights))

    def _particles(self, X: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
        X = as_points(X, "X", self.Y.shape[1])
        return X, _weights(weights, len(X))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.Y, self.weights, self.kernel, self.eps)

    def __repr__(self) -> str:
        return f"MMD(Y of shape {self.Y.shape}, kernel={self.kernel!r}, eps={self.eps})"


class FlowProgress(NamedTuple):
    """What a callback of `run` is told."""

    step: int
    energy: float
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The recorded states of a flow (k of them) and its energy balance."""

    times: Array  #: (k,)
    points: Array  #: (k, n, d)
    weights: Array  #: (n,), summing to one
    energy: Array  #: (k,) f at the recorded states
    dissipation: Array  #: (k,) -Σ wᵢ<gᵢ, vᵢ> = -df/dt; with the force clock N*²
    balance_residual: Array  #: (k,) |f(0) - f(t) - ∫ dissipation|, trapezoidal rule over all steps taken
    status: str  #: "solved", "interrupted", or "stalled" (a force that is not finite)
    n_steps: int  #: steps taken
    gauge: Gauge

    def __repr__(self) -> str:
        k, n, d = self.points.shape
        return (
            f"Trajectory({self.gauge!r}: {k} states of {n} particles in {d} dimensions, {self.n_steps} steps to "
            f"t={self.times[-1]:.6g}, energy {self.energy[0]:.6g} -> {self.energy[-1]:.6g}, {self.status})"
        )


def run(
    f: Objective,
    X0: ArrayLike,
    gauge: Gauge | float | None = None,
    *,
    step: float,
    n_steps: int,
    weights: ArrayLike | None = None,
    method: str = "euler",
    clock: str = "force",
    record_every: int = 1,
    callback: Callable[[FlowProgress], Any] | None = None,
    verbose: bool = False,
) -> Trajectory:
    """Follows Ẋ = J(force of f at X) from X0 (paper §6).

    Parameters
    ----------
    f : Objective
        `MMD`, or any object with `energy(X, weights)` and `force(X, weights)`.
    X0 : (n, d) array
        Initial particles.
    gauge : Gauge or number
        Monotone; `Operator()` (Muon) by default, a number p is short for `Schatten(p)`.
    step : float
        Time step, > 0.
    n_steps : int
        Number of steps, ≥ 0.
    weights : (n,) array, optional
        Particle weights, normalised inside; uniform by default.
    method : "euler"
        X ← X + step·J.
    clock : "force" or "coordinate"
        "force": mean-field, the measure selector of the force. "coordinate": the matrix selector of the gradient rows
        wᵢgᵢ of X ↦ f, as in the published runs; slower by the factor n for equal weights.
    record_every : int
        Keep every k-th state; the first and the last always.
    callback : callable, optional
        Called with a `FlowProgress` at each recorded state, on the calling thread. Raise StopIteration to stop early.
    verbose : bool
        Print the progress to standard error, at most once a second.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        Bad input, or a gauge that is not monotone.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the states so far in `.result`.
    """
    gauge = Operator() if gauge is None else as_gauge(gauge)
    if method != "euler":
        raise invalid("method", "must be 'euler'", repr(method))
    if clock not in ("force", "coordinate"):
        raise invalid("clock", "must be 'force' or 'coordinate'", repr(clock))
    X0 = as_points(X0, "X0")
    gauge._core.check_dimension(X0.shape[1])
    weights = as_weights(weights, "weights", len(X0))
    try:
        out = _core.run_flow(
            _core_objective(f, X0),
            _core.Measure(X0, weights, "X0", "weights"),
            gauge._core,
            as_number(step, "step"),
            as_integer(n_steps, "n_steps"),
            clock == "force",
            as_integer(record_every, "record_every"),
            _reporter(callback, verbose, n_steps),
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was a result") from None
    interrupted = out.pop("interrupted")
    if interrupted:  # also where it came as a force that could not be computed, which stalls the flow
        out["status"] = "interrupted"
    out["points"] = np.stack(out["points"])
    trajectory = Trajectory(gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted after {trajectory.n_steps} steps", trajectory)
    return trajectory


def coordination(X: ArrayLike, V: ArrayLike, weights: ArrayLike | None = None, k: int = 5) -> float:
    """Do neighbours move the same way? 1 for a common direction, about 0 for independent ones.

    The mass-weighted mean of cos(v_i, v_j) over the k nearest neighbours j of each particle i. Cost O(n²d).

    Parameters
    ----------
    X, V : (n, d) arrays
        Particles and their velocities.
    weights : (n,) array, optional
        Uniform by default.
    """
    X = as_points(X, "X")
    V = as_points(V, "V", X.shape[1])
    if len(V) != len(X):
        raise invalid("V", f"must have shape {X.shape}", f"shape {V.shape}")
    return _core.coordination(X, V, _weights(weights, len(X)), as_integer(k, "k"))


def _weights(weights: ArrayLike | None, size: int) -> Array:
    checked = as_weights(weights, "weights", size)
    return np.full(size, 1.0 / size) if checked is None else normalised(checked)


def _core_objective(f: Any, X0: Array) -> _core.Objective:
    if isinstance(f, MMD):
        if f.Y.shape[1] != X0.shape[1]:
            raise invalid(
                "X0", f"must have the {f.Y.shape[1]} coordinates of the objective's target", f"shape {X0.shape}"
            )
        return f._core
    if not isinstance(f, Objective):
        raise invalid("f", "must have the methods energy(X, weights) and force(X, weights)", repr(f))

    def energy(X: Array, weights: Array) -> float:
        return as_number(f.energy(X, weights), "energy(X, weights)")

    def force(X: Array, weights: Array) -> Array:
        G = as_points(f.force(X, weights), "force(X, weights)", X.shape[1])
        if len(G) != len(X):
            raise invalid("force(X, weights)", f"must have shape {X.shape}", f"shape {G.shape}")
        return G

    return _core.CallbackObjective(energy, force)


def _reporter(
    callback: Callable[[FlowProgress], Any] | None, verbose: bool, n_steps: int
) -> Callable[[int, float, float, float], bool] | None:
    if callback is None and not verbose:
        return None
    last_line = time.monotonic()

    def report(step: int, _lower: float, energy: float, seconds: float) -> bool:
        nonlocal last_line
        if verbose and (step == n_steps or time.monotonic() - last_line >= 1):
            last_line = time.monotonic()
            print(f"step {step}/{n_steps}  energy {energy:.6g}  {seconds:.1f} s", file=sys.stderr)
        if callback is not None:
            try:
                callback(FlowProgress(step, energy, seconds))
            except StopIteration:
                return True
        return False

    return report
