"""Conversion of what callers pass into C-ordered float64 arrays, with errors that name argument, rule and value."""

from __future__ import annotations

import math
import numbers
import operator
import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Array",
    "ArrayLike",
    "as_integer",
    "as_moment",
    "as_number",
    "as_points",
    "as_symmetric",
    "as_weights",
    "invalid",
    "normalised",
    "real_array",
]

Array = NDArray[np.float64]


def invalid(argument: str, rule: str, seen: object) -> ValueError:
    """The one form of every complaint about input, the same as in C++ and on the command line."""
    return ValueError(f"{argument}: {rule}, got {seen}")


def real_array(value: Any, name: str, finite: bool = True) -> Array:
    """`value` as a C-ordered float64 array, finite unless asked otherwise; never changed (but may be shared)."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.to(torch.complex128) if value.is_complex() else value.to(torch.float64)).resolve_conj().numpy()
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise invalid(name, "must not have masked entries", f"{np.ma.count_masked(value)} of them")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise invalid(name, "must be a rectangular array of numbers", str(error)) from None
    if array.dtype.kind == "c":
        raise invalid(name, "must be real", f"complex numbers ({array.dtype})")
    try:
        if array.dtype.kind not in "biufO" or (
            array.dtype.kind == "O" and not all(isinstance(item, numbers.Real) for item in array.flat)
        ):
            raise TypeError(array.dtype)
        result = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    except (TypeError, ValueError, OverflowError):
        raise invalid(name, "must be an array of real numbers", f"dtype {array.dtype}") from None
    if finite and not np.isfinite(result).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise invalid(name, "entries must be finite", f"{result[index]} at index {index}")
    return result


def as_points(value: Any, name: str, dimension: int | None = None) -> Array:
    """A cloud of n ≥ 1 points in d ≥ 1 dimensions, one per row."""
    array = real_array(value, name)
    if array.ndim != 2:
        hint = f"; for points on a line pass {name}[:, None]" if array.ndim == 1 else ""
        raise invalid(name, f"must have shape (n, d), one point per row{hint}", f"shape {array.shape}")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise invalid(name, "must have at least one point and one coordinate", f"shape {array.shape}")
    if dimension is not None and array.shape[1] != dimension:
        raise invalid(name, f"must have {dimension} coordinates per point", f"shape {array.shape}")
    return array


def as_weights(value: Any, name: str, size: int) -> Array | None:
    """One non-negative weight per point with a positive sum; None stands for uniform weights."""
    if value is None:
        return None
    array = real_array(value, name)
    if array.shape != (size,):
        raise invalid(name, f"must have shape ({size},), one weight per point", f"shape {array.shape}")
    if array.min() < 0:
        index = int(array.argmin())
        raise invalid(name, "weights must be non-negative", f"{array[index]} at index {index}")
    if not array.any():
        raise invalid(name, "weights must have a positive sum", "0.0")
    return array


def normalised(weights: Array) -> Array:
    """Weights with sum one, whatever their scale."""
    weights = weights / weights.max()
    return weights / math.fsum(weights)


def as_symmetric(value: Any, name: str, dimension: int | None = None) -> Array:
    """A symmetric d×d matrix: the average with its transpose if they agree to rounding."""
    array = real_array(value, name)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] == 0:
        raise invalid(name, "must be a square matrix", f"shape {array.shape}")
    if dimension is not None and array.shape[0] != dimension:
        raise invalid(name, f"must be {dimension}x{dimension}", f"shape {array.shape}")
    asymmetry = np.abs(array / 2 - array.T / 2).max()
    if asymmetry > 64 * array.shape[0] * np.finfo(float).eps * np.abs(array).max():
        raise invalid(name, "must be symmetric", f"entries that differ from the transpose by {2 * asymmetry}")
    return array / 2 + array.T / 2


def as_moment(value: Any, name: str, dimension: int | None = None) -> Array:
    """A symmetric positive semidefinite matrix, to rounding."""
    matrix = as_symmetric(value, name, dimension)
    scale = np.abs(matrix).max()
    if scale > 0:
        smallest = float(np.linalg.eigvalsh(matrix / scale)[0])
        if smallest < -64 * len(matrix) * np.finfo(float).eps:
            raise invalid(name, "must be positive semidefinite", f"the eigenvalue {smallest * scale}")
    return matrix


def as_number(value: Any, name: str) -> float:
    """A real number that is not NaN; infinity is left to the caller to judge."""
    try:
        if isinstance(value, (bool, np.bool_, str)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(name, "must be a real number", repr(value)) from None
    if math.isnan(number):
        raise invalid(name, "must be a real number", "nan")
    return number


def as_integer(value: Any, name: str) -> int:
    """An integer that fits the C++ core."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise invalid(name, "must be an integer", repr(value)) from None
    if abs(number) >= 2**31:
        raise invalid(name, "must fit in 32 bits", number)
    return number
