"""Monotone gauges of positive semidefinite matrices and their steepest-descent selectors (paper §2 and §4).

A gauge is γ(S) = max over Q in K of tr(QS) for a compact convex set K of symmetric matrices. It measures the second
moment of displacements in the static problem and of velocities in flows. Gauges are immutable values: they compare,
hash and pickle by their constructor arguments, and their `repr` reads back.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import (
    Array,
    ArrayLike,
    as_integer,
    as_moment,
    as_number,
    as_points,
    as_symmetric,
    as_weights,
    invalid,
    normalised,
    real_array,
)

__all__ = [
    "BlockMax",
    "BlockSum",
    "ConicSum",
    "CustomGauge",
    "Entrywise",
    "Gauge",
    "KyFan",
    "Operator",
    "Polyhedral",
    "Schatten",
    "SelectorDiagnostics",
    "Trace",
    "WeightedTrace",
    "as_gauge",
    "polar",
]

Rows = tuple[tuple[float, ...], ...]


class SelectorDiagnostics(NamedTuple):
    """How a selector was computed: see `Gauge.selector`."""

    path: str  #: "Zero", "Gram", "CholeskyQR" or "QR": where the singular values came from
    rank: int  #: numerical rank of the (weighted) force samples
    dual_norm: float  #: N*(G), to be compared with N(J)
    fenchel_residual: float  #: |<G, J> + N*²| / N*²; zero up to rounding


class Gauge:
    """Base class of all gauges. Do not build it: use `Schatten`, `KyFan`, …, or `CustomGauge` for your own."""

    _core: _core.Gauge

    def _attach(self, core: _core.Gauge, **canonical: Any) -> None:
        """Stores the core handle and the arguments in canonical form, once, past the frozen dataclass."""
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_core", core)

    def _arguments(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._arguments()))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments()

    def __call__(self, S: ArrayLike) -> float:
        """γ(S) for a symmetric positive semidefinite (d, d) matrix S; error ≤ 8·d·eps·γ(S). Cost O(d³)."""
        S = as_moment(S, "S")
        self._core.check_dimension(len(S))
        return self._core.value(S)

    def active(self, S: ArrayLike) -> Array:
        """A maximiser Q of tr(QS) over K, (d, d); the isotropic choice where there are several."""
        S = as_moment(S, "S")
        self._core.check_dimension(len(S))
        return self._core.active(S)

    def norm(self, V: ArrayLike, weights: ArrayLike | None = None) -> float:
        """N(V) = γ(VᵀV)^½ of an (n, d) matrix; with weights γ(Σ wᵢ vᵢvᵢᵀ)^½, the rows being particles (not squared).

        The version without weights is √n times the one with uniform weights.
        """
        return _core.norm(self._core, *self._samples(V, "V", weights))

    def dual_norm(self, G: ArrayLike, weights: ArrayLike | None = None) -> float:
        """N*(G) = max of <G, V> over N(V) ≤ 1, or its measure version with weights (not squared)."""
        return _core.dual_norm(self._core, *self._samples(G, "G", weights))

    def selector(
        self, G: ArrayLike, weights: ArrayLike | None = None, diagnostics: bool = False
    ) -> Array | tuple[Array, SelectorDiagnostics]:
        """Steepest-descent direction J(G) = argmin over V of <G, V> + ½N(V)² (paper §4).

        Parameters
        ----------
        G : (n, d) array
            Forces, one row per particle. Any scale from 1e-150 to 1e150, any rank.
        weights : (n,) array, optional
            Particle weights: gives the measure version W^-½ J(W^½ G). Uniform weights give the same as none.
        diagnostics : bool
            Also return `SelectorDiagnostics`.

        Returns
        -------
        (n, d) array, or (array, SelectorDiagnostics)
            N(J) = N*(G) and <G, J> = -N*(G)². For p=∞ it is -(Σσ) U Wᵀ, Muon's direction with its scale.

        Raises
        ------
        ValueError
            Bad shapes or values, or a gauge that is not monotone.

        Notes
        -----
        Cost O(nd² + d³) for n ≥ d.
        """
        samples = self._samples(G, "G", weights)
        if not diagnostics:
            return _core.selector(self._core, *samples)
        result = _core.diagnosed_selector(self._core, *samples)
        return result.pop("direction"), SelectorDiagnostics(**result)

    @property
    def is_monotone(self) -> bool:
        """Whether 0 ⪯ S ⪯ T implies γ(S) ≤ γ(T): needed by norms, selectors, geodesics and flows."""
        return self._core.is_monotone

    def comparison_constants(self, d: int) -> tuple[float, float]:
        """(c, C) with c·tr ≤ γ ≤ C·tr on (d, d) matrices, hence √c·W2 ≤ W_γ ≤ √C·W2.

        They are sharp, except that of a `ConicSum` and of a `CustomGauge`, which may be bounds.
        """
        d = as_integer(d, "d")
        if d < 1:
            raise invalid("d", "must be at least 1", d)
        self._core.check_dimension(d)
        return self._core.comparison_constants(d)

    def contains(self, Q: ArrayLike, tol: float = 1e-9) -> bool:
        """Whether Q proves lower bounds for γ: Q ⪯ (1+tol)·(an element of K); without the ⪯ if γ is not monotone."""
        Q = as_symmetric(Q, "Q")
        self._core.check_dimension(len(Q))
        return self._core.membership_excess(Q) <= tol

    def _samples(self, rows: ArrayLike, name: str, weights: ArrayLike | None) -> tuple[Array, Array]:
        array = as_points(rows, name)
        w = as_weights(weights, "weights", len(array))
        return array, np.empty(0) if w is None else normalised(w)


@dataclass(frozen=True, repr=False)
class Schatten(Gauge):
    """(Σ λᵢ^p)^(1/p) of the eigenvalues, 1 ≤ p ≤ inf: p = 1 trace (W2), p = inf operator norm (Muon).

    For ½ ≤ p < 1 the gauge is not convex: norms and selectors exist, a static solve refuses.
    """

    p: float

    def __post_init__(self) -> None:
        p = as_number(self.p, "p")
        self._attach(_core.schatten(p), p=p)


def Trace() -> Schatten:
    """`Schatten(1)`: W_γ is the classical W2."""
    return Schatten(1.0)


def Operator() -> Schatten:
    """`Schatten(inf)`: the largest eigenvalue, the gauge of Muon."""
    return Schatten(math.inf)


@dataclass(frozen=True, repr=False)
class KyFan(Gauge):
    """λ₁ + … + λ_k, 1 ≤ k ≤ d: W_γ is the subspace-robust Wasserstein distance."""

    k: int

    def __post_init__(self) -> None:
        k = as_integer(self.k, "k")
        self._attach(_core.ky_fan(k), k=k)


@dataclass(frozen=True, repr=False)
class WeightedTrace(Gauge):
    """tr(AS), A symmetric positive definite: W_γ is W2 in the metric A."""

    A: Rows

    def __post_init__(self) -> None:
        A = as_symmetric(self.A, "A")
        self._attach(_core.weighted_trace(A), A=_rows(A))


@dataclass(frozen=True, repr=False)
class Polyhedral(Gauge):
    """max over k of tr(A_k S), every A_k positive semidefinite and their sum positive definite."""

    matrices: tuple[Rows, ...]

    def __post_init__(self) -> None:
        matrices = [as_symmetric(A, f"matrices[{k}]") for k, A in enumerate(_items(self.matrices, "matrices"))]
        self._attach(_core.polyhedral(matrices), matrices=tuple(map(_rows, matrices)))


@dataclass(frozen=True, repr=False)
class BlockSum(Gauge):
    """Σ_b γ_b(S_bb) over disjoint blocks of coordinates (from 0) that cover all of them."""

    blocks: tuple[tuple[int, ...], ...]
    gauges: tuple[Gauge, ...]

    def __post_init__(self) -> None:
        blocks, gauges = _blocks(self.blocks), _gauges(self.gauges)
        self._attach(_core.block_sum(blocks, [g._core for g in gauges]), blocks=blocks, gauges=gauges)


@dataclass(frozen=True, repr=False)
class BlockMax(Gauge):
    """max_b γ_b(S_bb)/η_b² over disjoint blocks of coordinates that cover all of them; η = 1 by default."""

    blocks: tuple[tuple[int, ...], ...]
    gauges: tuple[Gauge, ...]
    eta: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        blocks, gauges = _blocks(self.blocks), _gauges(self.gauges)
        eta = None if self.eta is None else _numbers(self.eta, "eta")
        core = _core.block_max(blocks, [g._core for g in gauges], (1.0,) * len(blocks) if eta is None else eta)
        self._attach(core, blocks=blocks, gauges=gauges, eta=eta)


@dataclass(frozen=True, repr=False)
class ConicSum(Gauge):
    """Σ c_k γ_k(S), every c_k > 0."""

    gauges: tuple[Gauge, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        gauges, weights = _gauges(self.gauges), _numbers(self.weights, "weights")
        self._attach(_core.conic_sum([g._core for g in gauges], weights), gauges=gauges, weights=weights)


@dataclass(frozen=True, repr=False)
class Entrywise(Gauge):
    """tr S + M Σ_{i<j} |S_ij|, M ≥ 0: an example that is not monotone. Static costs only."""

    M: float

    def __post_init__(self) -> None:
        M = as_number(self.M, "M")
        self._attach(_core.entrywise(M), M=M)


@dataclass(frozen=True, repr=False, init=False)
class CustomGauge(Gauge):
    """A gauge of your own, known through two functions of a (d, d) positive semidefinite matrix S.

    Parameters
    ----------
    value : callable
        S -> γ(S) = max over Q in K of tr(QS), a float.
    active : callable
        S -> a maximiser Q, (d, d); K is one fixed convex set. The metric of a result is a convex combination of
        matrices that this function returned, hence in K by construction.
    monotone : bool
        Whether K can be taken inside the positive semidefinite cone.

    Notes
    -----
    Two custom gauges are equal if they hold the same functions; they pickle if their functions do.
    """

    _value: Callable[[Array], float]
    _active: Callable[[Array], ArrayLike]
    _monotone: bool

    def __init__(
        self, value: Callable[[Array], float], active: Callable[[Array], ArrayLike], monotone: bool = True
    ) -> None:
        for function, name in ((value, "value"), (active, "active")):
            if not callable(function):
                raise invalid(name, "must be a function of S", repr(function))

        def checked_value(S: Array) -> float:
            return as_number(value(S), "value(S)")

        def checked_active(S: Array) -> Array:
            return as_symmetric(active(S), "active(S)", len(S))

        core = _core.custom_gauge(checked_value, checked_active, bool(monotone))
        self._attach(core, _value=value, _active=active, _monotone=bool(monotone))

    def __repr__(self) -> str:
        names = (getattr(f, "__qualname__", repr(f)) for f in (self._value, self._active))
        return f"CustomGauge({', '.join(names)}, monotone={self._monotone})"


@dataclass(frozen=True, repr=False)
class FixedMetric(Gauge):
    """tr(QS) for any symmetric Q, singular or indefinite: the gauge of `emd_sample` (K = {Q})."""

    metric: Rows

    def __post_init__(self) -> None:
        metric = as_symmetric(self.metric, "metric")
        self._attach(_core.fixed_metric(metric), metric=_rows(metric))


def as_gauge(gauge: Gauge | float) -> Gauge:
    """The gauge itself, or `Schatten(p)` for a number p."""
    if isinstance(gauge, Gauge):
        return gauge
    if isinstance(gauge, numbers.Real) and not isinstance(gauge, bool):
        return Schatten(float(gauge))
    hint = f"; call it: {gauge.__name__}(…)" if callable(gauge) and hasattr(gauge, "__name__") else ""
    raise invalid("gauge", f"must be a gauge object or a number p (short for Schatten(p)){hint}", repr(gauge))


def polar(G: ArrayLike) -> Array:
    """U Wᵀ of the compact SVD G = U diag(σ) Wᵀ: Muon's unscaled direction, (n, d). Cost O(nd² + d³)."""
    return _core.polar(as_points(G, "G"))


def _rows(matrix: Array) -> Rows:
    return tuple(tuple(row) for row in matrix.tolist())


def _items(value: Any, name: str) -> Sequence[Any]:
    try:
        return list(value)
    except TypeError:
        raise invalid(name, "must be a sequence", repr(value)) from None


def _blocks(blocks: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(as_integer(i, f"blocks[{b}]") for i in _items(block, f"blocks[{b}]"))
        for b, block in enumerate(_items(blocks, "blocks"))
    )


def _gauges(gauges: Any) -> tuple[Gauge, ...]:
    return tuple(as_gauge(gauge) for gauge in _items(gauges, "gauges"))


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    array = real_array(values, name)
    if array.ndim != 1:
        raise invalid(name, "must be a sequence of numbers", f"shape {array.shape}")
    return tuple(array.tolist())
