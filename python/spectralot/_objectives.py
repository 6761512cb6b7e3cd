"""What flows minimise: MMD, potentials, interactions, two-layer networks, attention, their sums, your own objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from . import _core
from ._arrays import Array, ArrayLike, as_integer, as_number, as_points, as_weights, invalid, normalised, real_array

__all__ = ["MMD", "Attention", "Interaction", "Objective", "Potential", "Quadratic", "Sum", "TwoLayer"]

ACTIVATIONS = ("relu", "tanh", "sigmoid", "softplus", "square", "identity")
KERNELS = ("energy", "gaussian", "imq")


@runtime_checkable
class Objective(Protocol):
    """What a flow minimises: any object with these two methods. `weights` sum to one.

    Optional: an attribute `smoothness` (L with f(X+V) ≤ f(X) + Σ wᵢ<gᵢ,vᵢ> + L/2 Σ wᵢ|vᵢ|²), used by the method
    "descent"; and for mini-batches an attribute `n_data` with a method `batch_force(X, weights, indices)`, the force of
    the average over those terms of the data.
    """

    def energy(self, X: Array, weights: Array) -> float:
        """f(Σ wᵢ δ_{xᵢ})."""

    def force(self, X: Array, weights: Array) -> ArrayLike:
        """(n, d): gᵢ = ∇(δf/δμ)(xᵢ). The gradient of X ↦ f is wᵢgᵢ. A NaN stops the flow."""


class _BuiltIn:
    """An objective computed in C++. Objectives add up and take factors: `f + 0.1 * g`."""

    _core: _core.Objective
    dimension: int | None = None  #: of the particles; None: any

    def energy(self, X: ArrayLike, weights: ArrayLike | None = None) -> float:
        """f at Σ wᵢ δ_{xᵢ}; uniform weights by default."""
        return self._core.energy(*self._particles(X, weights))

    def force(self, X: ArrayLike, weights: ArrayLike | None = None) -> Array:
        """(n, d): the force gᵢ at every particle; the gradient of X ↦ f is wᵢgᵢ."""
        return self._core.force(*self._particles(X, weights))

    def batch_force(self, X: ArrayLike, weights: ArrayLike | None, indices: Sequence[int]) -> Array:
        """(n, d): the force of the average over the terms `indices` of the data."""
        indices = [as_integer(i, "indices") for i in indices]
        if not indices or min(indices) < 0 or max(indices) >= self.n_data:
            raise invalid("indices", f"must be some of 0 … {self.n_data - 1}", indices)
        return self._core.batch_force(*self._particles(X, weights), indices)

    @property
    def smoothness(self) -> float | None:
        """L with f(X+V) ≤ f(X) + Σ wᵢ<gᵢ,vᵢ> + L/2 Σ wᵢ|vᵢ|², or None where none is known."""
        return self._core.smoothness

    @property
    def n_data(self) -> int:
        """Terms of the data that mini-batches draw from; 0: none."""
        return self._core.n_data

    def _particles(self, X: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
        X = as_points(X, "X", self.dimension)
        return X, _weights(weights, len(X))

    def __add__(self, other: Any) -> Sum:
        return Sum([self, other])

    __radd__ = __add__

    def __mul__(self, factor: float) -> Sum:
        return Sum([self], [factor])

    __rmul__ = __mul__


class MMD(_BuiltIn):
    """Squared maximum mean discrepancy to a target cloud.

    f(X) = ΣΣ w_i w_k k(x_i, x_k) - 2ΣΣ w_i b_j k(x_i, y_j) + ΣΣ b_j b_l k(y_j, y_l).

    Parameters
    ----------
    Y : (m, d) array
        Target points.
    weights : (m,) array, optional
        Target weights, normalised inside; uniform by default.
    kernel : "energy", "gaussian" or "imq"
        -√(|x-y|² + eps²), the smoothed energy distance; exp(-|x-y|²/(2 eps²)); (1 + |x-y|²/eps²)^(-1/2), the inverse
        multiquadric.
    eps : float
        Smoothing length or bandwidth, in the unit of the points.
    n_threads : int
        0 = all cores; the result does not depend on it.

    Notes
    -----
    `energy` and `force` take O(n(n+m)d) time and O((n+m)d) memory. Mini-batches draw target points.
    """

    def __init__(
        self,
        Y: ArrayLike,
        weights: ArrayLike | None = None,
        kernel: str = "energy",
        eps: float = 1e-2,
        n_threads: int = 1,
    ) -> None:
        if kernel not in KERNELS:
            raise invalid("kernel", f"must be one of {', '.join(KERNELS)}", repr(kernel))
        self.Y = as_points(Y, "Y").copy()
        weights = as_weights(weights, "weights", len(self.Y))
        self.weights = None if weights is None else normalised(weights)
        self.kernel = kernel
        self.eps = as_number(eps, "eps")
        self.n_threads = as_integer(n_threads, "n_threads")
        self.dimension = self.Y.shape[1]
        options = {"kernel": kernel, "eps": self.eps, "n_threads": self.n_threads}
        self._core = _core.Mmd(_core.Measure(self.Y, self.weights, "Y", "weights"), options)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.Y, self.weights, self.kernel, self.eps, self.n_threads)

    def __repr__(self) -> str:
        return f"MMD(Y of shape {self.Y.shape}, kernel={self.kernel!r}, eps={self.eps})"


class Potential(_BuiltIn):
    """f = ∫h dμ, force ∇h.

    Parameters
    ----------
    h, grad_h : callables
        Of all points at once: (k, d) ↦ (k,) and (k, d) ↦ (k, d).
    smoothness : float, optional
        A bound of the largest eigenvalue of ∇²h.
    """

    def __init__(
        self,
        h: Callable[[Array], ArrayLike],
        grad_h: Callable[[Array], ArrayLike],
        smoothness: float | None = None,
    ) -> None:
        self._core = _core.Potential(*_field(h, grad_h, "h"), _optional_number(smoothness, "smoothness"))


class Quadratic(_BuiltIn):
    """f = ½κ∫|x-c|² dμ, force κ(x-c): a spring to one point.

    Parameters
    ----------
    centre : (d,) array
    stiffness : float
        κ.
    """

    def __init__(self, centre: ArrayLike, stiffness: float = 1.0) -> None:
        self.centre = real_array(centre, "centre").copy()
        if self.centre.ndim != 1 or self.centre.size == 0:
            raise invalid("centre", "must have shape (d,)", f"shape {self.centre.shape}")
        self.stiffness = as_number(stiffness, "stiffness")
        self.dimension = len(self.centre)
        self._core = _core.Quadratic(self.centre, self.stiffness)


class Interaction(_BuiltIn):
    """f = ½∬W(x-y) dμ dμ, force ∇W * μ, for an even W.

    Parameters
    ----------
    w, grad_w : callables
        Of many differences at once: (k, d) ↦ (k,) and (k, d) ↦ (k, d). Called with blocks of bounded size.
    smoothness : float, optional
        L of the objective, where known (a convex W with ∇²W ≤ L/2 has it).
    """

    def __init__(
        self,
        w: Callable[[Array], ArrayLike],
        grad_w: Callable[[Array], ArrayLike],
        smoothness: float | None = None,
    ) -> None:
        self._core = _core.Interaction(*_field(w, grad_w, "w"), _optional_number(smoothness, "smoothness"))


class TwoLayer(_BuiltIn):
    """Risk ½ mean |H(z)-y|² of H(z) = Σ wᵢ uᵢ σ(vᵢ·z): a particle is a neuron x = (u, v).

    Parameters
    ----------
    Z : (N, k) array
        Inputs.
    y : (N,) or (N, o) array
        Outputs. Particles have o + k coordinates.
    activation : str or pair of callables
        "relu", "tanh", "sigmoid", "softplus", "square", "identity", or (σ, σ'), elementwise on arrays of any size.
    n_threads : int
        0 = all cores; the result does not depend on it. Used by ReLU with one output and up to four inputs.

    Notes
    -----
    O(nN(o+k)) time, O((n+N)(o+k)) memory. Mini-batches draw samples.
    """

    def __init__(
        self,
        Z: ArrayLike,
        y: ArrayLike,
        activation: str | tuple[Callable[[Array], ArrayLike], Callable[[Array], ArrayLike]] = "relu",
        n_threads: int = 1,
    ) -> None:
        self.Z = as_points(Z, "Z").copy()
        y = real_array(y, "y")
        self.y = as_points(y[:, None] if y.ndim == 1 else y, "y").copy()
        if len(self.y) != len(self.Z):
            raise invalid("y", f"must have one row per input ({len(self.Z)})", f"shape {y.shape}")
        self.activation = activation
        self.dimension = self.y.shape[1] + self.Z.shape[1]
        if isinstance(activation, str):
            if activation not in ACTIVATIONS:
                raise invalid("activation", f"must be one of {', '.join(ACTIVATIONS)}", repr(activation))
            self._core = _core.TwoLayer(self.Z, self.y, activation, as_integer(n_threads, "n_threads"))
        else:
            if not isinstance(activation, tuple | list) or len(activation) != 2:
                raise invalid("activation", "must be a name or two callables", repr(activation))
            value, derivative = (_elementwise(function) for function in activation)
            self._core = _core.TwoLayer(self.Z, self.y, value, derivative)

    def predict(self, X: ArrayLike, Z: ArrayLike | None = None, weights: ArrayLike | None = None) -> Array:
        """(N', o): H at the inputs Z, those of the risk by default."""
        Z = self.Z if Z is None else as_points(Z, "Z", self.Z.shape[1])
        return self._core.predict(*self._particles(X, weights), Z)


class Attention(_BuiltIn):
    """Risk of one layer of softmax attention, ½ mean (H-target)²: a particle is a head x = (Q, K, V, O).

    H = Σ wᵢ φ(·, xᵢ), φ(z, x)_j = Oᵀ Σ_i softmax_i(<Qz_j, Kz_i>/√d_head) V z_i.

    Parameters
    ----------
    tokens, target : (sequences, n_tokens, d) arrays
    d_head : int
        Q, K, V, O are d_head×d, row-major; a particle has 4·d_head·d coordinates.
    n_threads : int
        0 = all cores; the result does not depend on it.

    Notes
    -----
    O(n·sequences·n_tokens²·d_head) time, O(n·n_tokens²) memory. Mini-batches draw sequences.
    """

    def __init__(self, tokens: ArrayLike, target: ArrayLike, d_head: int, n_threads: int = 1) -> None:
        self.tokens = real_array(tokens, "tokens").copy()
        self.target = real_array(target, "target").copy()
        self.d_head = as_integer(d_head, "d_head")
        if self.tokens.ndim != 3 or 0 in self.tokens.shape:
            raise invalid("tokens", "must have shape (sequences, n_tokens, d)", f"shape {self.tokens.shape}")
        if self.target.shape != self.tokens.shape:
            raise invalid("target", f"must have the shape of tokens, {self.tokens.shape}", f"shape {self.target.shape}")
        _, n_tokens, d = self.tokens.shape
        self.dimension = 4 * self.d_head * d
        self._core = _core.Attention(
            self.tokens.reshape(-1, d),
            self.target.reshape(-1, d),
            self.d_head,
            n_tokens,
            as_integer(n_threads, "n_threads"),
        )

    def predict(self, X: ArrayLike, weights: ArrayLike | None = None) -> Array:
        """(sequences, n_tokens, d): H at the tokens."""
        return self._core.predict(*self._particles(X, weights)).reshape(self.tokens.shape)

    def attention_weights(self, X: ArrayLike) -> Array:
        """(n, sequences, n_tokens, n_tokens): softmax_i(<Qz_j, Kz_i>/√d_head) of every head."""
        Q, K = np.moveaxis(as_points(X, "X", self.dimension).reshape(-1, 4, self.d_head, self.tokens.shape[2]), 1, 0)[
            :2
        ]
        scores = np.einsum("nab,sjb,nac,sic->nsji", Q, self.tokens, K, self.tokens, optimize=True)
        scores = np.exp((scores - scores.max(axis=-1, keepdims=True)) / np.sqrt(self.d_head))
        return scores / scores.sum(axis=-1, keepdims=True)


class Sum(_BuiltIn):
    """Σ c_t f_t of any objectives; also written `f + 0.1 * g`.

    Mini-batches are those of the terms with data, which must have equally many; the others enter in full.
    """

    def __init__(self, terms: Sequence[Objective], coefficients: Sequence[float] | None = None) -> None:
        self.terms = list(terms)
        coefficients = [1.0] * len(self.terms) if coefficients is None else coefficients
        self.coefficients = [as_number(c, "coefficients") for c in coefficients]
        dimensions = {d for f in self.terms if (d := getattr(f, "dimension", None)) is not None}
        if len(dimensions) > 1:
            raise invalid("terms", "must be objectives of particles of one dimension", sorted(dimensions))
        self.dimension = next(iter(dimensions), None)
        self._core = _core.SumObjective([core_objective(f) for f in self.terms], self.coefficients)


def core_objective(f: Any) -> _core.Objective:
    """The C++ side of an objective; of a user's object, one that calls it."""
    if isinstance(f, _BuiltIn):
        return f._core
    if isinstance(f, type):
        raise invalid("f", "must be an objective, not its class: call it", f"{f.__name__}")
    if not isinstance(f, Objective):
        raise invalid("f", "must have the methods energy(X, weights) and force(X, weights)", repr(f))

    def energy(X: Array, weights: Array) -> float:
        value = f.energy(X, weights)
        return value if isinstance(value, float) else as_number(value, "energy(X, weights)")

    def force(X: Array, weights: Array) -> Array:
        return _answer(f.force(X, weights), "force(X, weights)", X.shape)

    def batch_force(X: Array, weights: Array, indices: list[int]) -> Array:
        forces = f.batch_force(X, weights, np.asarray(indices))
        return _answer(forces, "batch_force(X, weights, indices)", X.shape)

    n_data = getattr(f, "n_data", 0)
    if n_data and not hasattr(f, "batch_force"):
        raise invalid("f", "must have batch_force(X, weights, indices), since it has n_data", repr(f))
    return _core.CallbackObjective(
        energy,
        force,
        _optional_number(getattr(f, "smoothness", None), "smoothness"),
        as_integer(n_data, "n_data"),
        batch_force if n_data else None,
    )


def _answer(value: Any, name: str, shape: tuple[int, ...]) -> Array:
    """What a user's function returned, as an array of that shape; NaN and infinity are for the flow to judge."""
    array = real_array(value, name, finite=False)
    if array.shape != shape:
        raise invalid(name, f"must have shape {shape}", f"shape {array.shape}")
    return array


def _field(
    value: Callable[[Array], ArrayLike], gradient: Callable[[Array], ArrayLike], name: str
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    for function, label in ((value, name), (gradient, f"grad_{name}")):
        if not callable(function):
            raise invalid(label, "must be a callable", repr(function))
    return (
        lambda X: _answer(value(X), name, X.shape[:1]),
        lambda X: _answer(gradient(X), f"grad_{name}", X.shape),
    )


def _elementwise(function: Any) -> Callable[[Array], Array]:
    if not callable(function):
        raise invalid("activation", "must be a name or two callables", repr(function))
    return lambda T: _answer(function(T), "activation", T.shape)


def _optional_number(value: Any, name: str) -> float | None:
    return None if value is None else as_number(value, name)


def _weights(weights: ArrayLike | None, size: int) -> Array:
    checked = as_weights(weights, "weights", size)
    return np.full(size, 1.0 / size) if checked is None else normalised(checked)
