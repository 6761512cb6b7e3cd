"""Spectral gradient flows of particles (paper §6): Ẋ = J(force), J the steepest-descent selector of a gauge."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, as_points, as_weights, invalid
from ._errors import Interrupted
from ._objectives import (
    MMD,
    Attention,
    Interaction,
    Objective,
    Potential,
    Quadratic,
    Sum,
    TwoLayer,
    _weights,
    core_objective,
)
from .gauges import Gauge, Operator, as_gauge
from .storage import read_archive, read_header, typed, write_archive, write_npz

__all__ = [
    "MMD",
    "Attention",
    "FlowProgress",
    "Interaction",
    "JKOStep",
    "NewtonSchulz",
    "Objective",
    "Potential",
    "Quadratic",
    "State",
    "Sum",
    "Trajectory",
    "TwoLayer",
    "coordination",
    "jko_step",
    "load_state",
    "newton_schulz",
    "run",
]

SCHEDULES = ("cubic", "quintic", "muon", "polar_express")
METHODS = ("euler", "heun", "rk4", "descent")
STATE = {"format": "spectralot.flow_state", "version": 1}


class FlowProgress(NamedTuple):
    """What a callback of `run` is told."""

    step: int
    energy: float
    seconds: float


@dataclass(frozen=True)
class NewtonSchulz:
    """An inexact selector for p = ∞: the polar factor by `iterations` Newton–Schulz steps.

    Parameters
    ----------
    schedule : "cubic", "quintic", "muon" or "polar_express"
        Coefficients of the polynomial steps. "muon", the one of the optimizer, never converges: its singular values
        end between 0.68 and 1.13. All are commonly 10–30 % away after five steps.
    iterations : int
    bound : float, optional
        A fixed α at least the operator norm of the force: the velocity is -Z(G/α), the gradient of a convex
        dissipation, and no longer one-homogeneous. By default α is the Frobenius norm of each force, and the velocity
        is -<G, Z>Z.
    """

    schedule: str = "muon"
    iterations: int = 5
    bound: float | None = None

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise invalid("schedule", f"must be one of {', '.join(SCHEDULES)}", repr(self.schedule))
        if as_integer(self.iterations, "iterations") < 1:
            raise invalid("iterations", "must be at least 1", self.iterations)
        if self.bound is not None and not as_number(self.bound, "bound") > 0:
            raise invalid("bound", "must be positive", self.bound)


@dataclass(frozen=True, eq=False)
class State:
    """All that a flow knows between two steps: `run` goes on from it with the same bits as without the stop."""

    points: Array  #: (n, d)
    weights: Array | None
    momentum: Array | None  #: the relaxed force, with momentum
    step: int  #: steps from the start of the flow
    time: float
    time_rest: float  #: `time` and `dissipated` are kept as sums of two numbers
    dissipated: float  #: ∫ dissipation from the start
    dissipated_rest: float
    start_energy: float
    trial_step: float  #: of the method "descent"; 0 = to be chosen

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state as `.npz`, aside first and then renamed."""
        values = vars(self)
        arrays = {name: value for name in STATE_ARRAYS if (value := values[name]) is not None}
        write_archive(path, STATE | {name: values[name] for name in STATE_SCALARS}, **arrays)


STATE_ARRAYS = ("points", "weights", "momentum")
STATE_SCALARS = {
    field.name: int if field.name == "step" else float
    for field in dataclasses.fields(State)
    if field.name not in STATE_ARRAYS
}


def load_state(path: str | os.PathLike[str]) -> State:
    """Reads what `State.save` wrote. Raises ValueError, naming the file, for anything else."""
    return read_archive(path, "state of a flow", _state_from)


def _state_from(file: Any) -> State:
    scalars = typed(read_header(file, **STATE), STATE_SCALARS)
    if as_integer(scalars["step"], "step") < 0:
        raise invalid("step", "must be non-negative", scalars["step"])
    points = as_points(file["points"], "points")
    momentum = file.get("momentum")
    if momentum is not None:
        momentum = as_points(momentum, "momentum")
        if momentum.shape != points.shape:
            raise invalid("momentum", f"must have the shape of points, {points.shape}", f"shape {momentum.shape}")
    return State(points, as_weights(file.get("weights"), "weights", len(points)), momentum, **scalars)


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The recorded states of a flow (k of them) and its energy balance."""

    times: Array  #: (k,)
    points: Array  #: (k, n, d)
    weights: Array  #: (n,), summing to one
    energy: Array  #: (k,) f at the recorded states
    dissipation: Array  #: (k,) -Σ wᵢ<gᵢ, vᵢ> = -df/dt, g the force that drives the step
    balance_residual: Array  #: (k,) |f(0) - f(t) - ∫ dissipation|, by the quadrature of the integrator
    kinetic: Array  #: (k,) with momentum ½τN*(A)²: f + kinetic falls at the rate N*(A)²; else 0
    descent: Array  #: (k,) bool: f did not rise since the previous record
    dissipation_is_dual: bool  #: dissipation = N*(g)², as for the exact selector with the force clock
    status: str  #: "solved", "interrupted", or "stalled"
    reason: str  #: why it stalled, with the number of the step
    n_steps: int  #: steps taken
    state: State  #: pass it to `run` to go on
    gauge: Gauge

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the arrays as `.npz`, with the names they have here."""
        names = ("times", "points", "weights", "energy", "dissipation", "balance_residual", "kinetic", "descent")
        write_npz(path, {name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        k, n, d = self.points.shape
        return (
            f"Trajectory({self.gauge!r}: {k} states of {n} particles in {d} dimensions, {self.n_steps} steps to "
            f"t={self.times[-1]:.6g}, energy {self.energy[0]:.6g} -> {self.energy[-1]:.6g}, {self.status})"
        )


def run(
    f: Objective,
    X0: ArrayLike | State | Trajectory,
    gauge: Gauge | float | None = None,
    *,
    step: float,
    n_steps: int,
    weights: ArrayLike | None = None,
    method: str = "euler",
    clock: str = "force",
    step_cap: float | None = None,
    momentum: float | None = None,
    selector: NewtonSchulz | None = None,
    batch_size: int | None = None,
    rng: int | np.random.Generator | None = None,
    record_every: int = 1,
    callback: Callable[[FlowProgress], Any] | None = None,
    verbose: bool = False,
) -> Trajectory:
    """Follows Ẋ = J(force of f at X) from X0 (paper §6).

    Parameters
    ----------
    f : Objective
        `MMD`, `Potential`, `Interaction`, `TwoLayer`, `Attention`, a sum of them, or any object with
        `energy(X, weights)` and `force(X, weights)`.
    X0 : (n, d) array, State or Trajectory
        Initial particles; or where an earlier flow stopped, to go on from there with the same bits.
    gauge : Gauge or number
        Monotone; `Operator()` (Muon) by default, a number p is short for `Schatten(p)`.
    step : float
        Time step, > 0; for the method "descent" the largest one.
    n_steps : int
        Number of steps, ≥ 0.
    weights : (n,) array, optional
        Particle weights, normalised inside; uniform by default. Not with a State, which has its own.
    method : "euler", "heun", "rk4" or "descent"
        Explicit Runge–Kutta methods of order 1, 2, 4; or Euler steps that are halved until the energy falls by half of
        what the slope promises, starting from 1/L where the objective knows its smoothness L.
    clock : "force" or "coordinate"
        "force": mean-field, the measure selector of the force. "coordinate": the matrix selector of the gradient rows
        wᵢgᵢ of X ↦ f, as in the published runs; slower by the factor n for equal weights.
    step_cap : float, optional
        Largest Frobenius norm of step·velocity; longer steps are shortened, and so is their time.
    momentum : float, optional
        Relaxation time τ ≥ step of the force: τȦ + A = g, Ẋ = J(A), A(0) = g.
    selector : NewtonSchulz, optional
        An inexact selector in place of J, for p = ∞.
    batch_size : int, optional
        Terms of the data in each force, drawn uniformly with repetition; all by default. The dissipation and the
        balance are then those of the sampled force: noisy.
    rng : int or numpy.random.Generator, optional
        Seed of the mini-batches; a generator gives one number. The batch of step k depends on seed and k only.
    record_every : int
        Keep every k-th state; the first and the last always.
    callback : callable, optional
        Called with a `FlowProgress` at each recorded state, on the calling thread. Raise StopIteration to stop early.
    verbose : bool
        Progress on standard error: a bar on a terminal, else a line at most once a second.

    Returns
    -------
    Trajectory
        With status "stalled" and a `reason` if an energy or a force came out NaN or infinite: the states before that
        are kept.

    Raises
    ------
    ValueError
        Bad input, or a gauge that is not monotone.
    Interrupted
        Ctrl-C: a KeyboardInterrupt with the states so far in `.result`.
    """
    gauge = Operator() if gauge is None else as_gauge(gauge)
    if method not in METHODS:
        raise invalid("method", f"must be one of {', '.join(METHODS)}", repr(method))
    if clock not in ("force", "coordinate"):
        raise invalid("clock", "must be 'force' or 'coordinate'", repr(clock))
    start = _start(X0, weights)
    options: dict[str, Any] = {
        "step": as_number(step, "step"),
        "n_steps": as_integer(n_steps, "n_steps"),
        "method": method,
        "clock": clock,
        "record_every": as_integer(record_every, "record_every"),
    }
    if step_cap is not None:
        options["step_cap"] = as_number(step_cap, "step_cap")
    if momentum is not None:
        options["momentum"] = as_number(momentum, "momentum")
    if selector is not None:
        if not isinstance(selector, NewtonSchulz):
            raise invalid("selector", "must be a NewtonSchulz", repr(selector))
        options["selector"] = selector.schedule
        options["selector_iterations"] = as_integer(selector.iterations, "iterations")
        options["selector_bound"] = 0.0 if selector.bound is None else as_number(selector.bound, "bound")
    if batch_size is not None:
        options["batch_size"] = as_integer(batch_size, "batch_size")
    if rng is not None:
        seed = rng.integers(2**62) if isinstance(rng, np.random.Generator) else as_integer(rng, "rng")
        options["seed"] = int(seed)

    gauge._core.check_dimension(start["points"].shape[1])
    objective = _checked_objective(f, start["points"])
    try:
        report = _reporter(callback, verbose, start["step"] + n_steps)
        out = _core.run_flow(objective, start, gauge._core, options, report)
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was a result") from None
    interrupted = out.pop("interrupted")
    if interrupted:  # also where it came as a force that could not be computed, which stalls the flow
        out["status"] = "interrupted"
    out["points"] = np.stack(out["points"])
    out["descent"] = np.array(out["descent"])
    out["state"] = State(**out["state"])
    trajectory = Trajectory(gauge=gauge, **out)
    if interrupted:
        raise Interrupted(f"interrupted after {trajectory.n_steps} steps", trajectory)
    return trajectory


@dataclass(frozen=True, eq=False, repr=False)
class JKOStep:
    """One implicit step, and what it cost."""

    points: Array  #: (n, d): Y
    energy_before: float  #: f(X)
    energy: float  #: f(Y)
    pairing_cost: float  #: γ(Σ wᵢ(yᵢ-xᵢ)(yᵢ-xᵢ)ᵀ) ≥ W_γ²(X, Y)
    lower: float  #: certified bracket of W_γ²(X, Y)
    upper: float
    certified: bool  #: the bracket is as narrow as asked
    gap: float  #: stationarity: 0 where Y = X + τJ(g(Y)); bounds F(Y) - min F for convex f
    n_iter: int
    converged: bool  #: the gap is small beside f(X) - f(Y)
    status: str
    tau: float

    @property
    def pairing_excess(self) -> float:
        """By how much the fixed pairing exceeds the optimal coupling, at most."""
        return self.pairing_cost - self.lower

    def __repr__(self) -> str:
        return (
            f"JKOStep(tau={self.tau:g}: energy {self.energy_before:.6g} -> {self.energy:.6g}, W² in [{self.lower:.6g}, "
            f"{self.upper:.6g}], pairing {self.pairing_cost:.6g}, {self.n_iter} iterations, {self.status})"
        )


def jko_step(
    f: Objective,
    X: ArrayLike,
    gauge: Gauge | float | None = None,
    tau: float = 1.0,
    *,
    weights: ArrayLike | None = None,
    tol: float = 1e-8,
    max_iter: int = 10000,
    certify: bool = True,
    transport_tol: float = 1e-6,
) -> JKOStep:
    """The implicit step min over Y of f(Y) + γ(Σ wᵢ(yᵢ-xᵢ)(yᵢ-xᵢ)ᵀ)/(2τ), in Lagrangian form (paper §6).

    Parameters
    ----------
    f, X, gauge, weights
        As in `run`.
    tau : float
        Time step, > 0.
    tol : float
        Stop when the stationarity gap is at most tol·(f(X) - f(Y)).
    max_iter : int
        Iterations, each a force and a few energies.
    certify : bool
        Solve the static problem between X and Y, for the certified W_γ² and the excess of the fixed pairing.
    transport_tol : float
        Certified relative gap of that solve.
    """
    gauge = Operator() if gauge is None else as_gauge(gauge)
    X = as_points(X, "X")
    gauge._core.check_dimension(X.shape[1])
    tau = as_number(tau, "tau")
    options = {
        "tol": as_number(tol, "tol"),
        "max_iter": as_integer(max_iter, "max_iter"),
        "certify": bool(certify),
        "transport_tol": as_number(transport_tol, "transport_tol"),
    }
    measure = _core.Measure(X, as_weights(weights, "weights", len(X)), "X", "weights")
    try:
        out = _core.jko_step(_checked_objective(f, X), measure, gauge._core, tau, options, None)
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was a result") from None
    result = JKOStep(tau=tau, **out)
    if result.status == "interrupted":
        raise Interrupted(f"interrupted after {result.n_iter} iterations", result)
    return result


def newton_schulz(
    G: ArrayLike,
    schedule: str = "muon",
    iterations: int = 5,
    bound: float | None = None,
    weights: ArrayLike | None = None,
) -> Array:
    """(n, d): the approximate polar factor of G, or of diag(√weights)G without that factor, by Newton–Schulz steps."""
    selector = NewtonSchulz(schedule, as_integer(iterations, "iterations"), bound)
    G = as_points(G, "G")
    row_weights = np.ones(len(G)) if weights is None else _weights(weights, len(G))
    alpha = 0.0 if bound is None else as_number(bound, "bound")
    return _core.newton_schulz(G, row_weights, selector.schedule, selector.iterations, alpha)


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


def _start(X0: ArrayLike | State | Trajectory, weights: ArrayLike | None) -> dict[str, Any]:
    """The fields of a State, from one or from points."""
    if isinstance(X0, Trajectory):
        X0 = X0.state
    if isinstance(X0, State):
        if weights is not None:
            raise invalid("weights", "must be left out: the state has its own", "an array")
        return dict(vars(X0))
    X0 = as_points(X0, "X0")
    zeros = dict.fromkeys(("time", "time_rest", "dissipated", "dissipated_rest", "start_energy", "trial_step"), 0.0)
    return {"points": X0, "weights": as_weights(weights, "weights", len(X0)), "momentum": None, "step": 0, **zeros}


def _checked_objective(f: Any, X0: Array) -> _core.Objective:
    dimension = getattr(f, "dimension", None)
    if dimension is not None and dimension != X0.shape[1]:
        raise invalid("X0", f"must have the {dimension} coordinates of the objective's particles", f"shape {X0.shape}")
    return core_objective(f)


def _reporter(
    callback: Callable[[FlowProgress], Any] | None, verbose: bool, last_step: int
) -> Callable[[int, float, float, float, float], bool] | None:
    if callback is None and not verbose:
        return None
    bar = sys.stderr.isatty()
    pause = 0.1 if bar else 1.0
    last_line = time.monotonic()

    def show(step: int, energy: float, seconds: float) -> None:
        filled = "█" * (30 * step // max(last_step, 1))
        line = f"step {step}/{last_step}  energy {energy:.6g}  {seconds:.1f} s"
        print(f"\r\x1b[K{filled:·<30} {line}" if bar else line, end="" if bar else "\n", file=sys.stderr, flush=True)
        if bar and step == last_step:
            print(file=sys.stderr)

    def report(step: int, _lower: float, energy: float, seconds: float, _left: float) -> bool:
        nonlocal last_line
        if verbose and (step == last_step or time.monotonic() - last_line >= pause):
            last_line = time.monotonic()
            show(step, energy, seconds)
        if callback is not None:
            try:
                callback(FlowProgress(step, energy, seconds))
            except StopIteration:
                return True
        return False

    return report
