"""Results on disk: one versioned `.npz` per result, no pickled objects inside."""

from __future__ import annotations

import errno
import json
import math
import os
import tempfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import gauges
from ._arrays import Array, as_points, as_symmetric, invalid, real_array
from .gauges import Gauge
from .transport import HISTORY, TransportResult, _clouds

__all__ = ["gauge_from_dict", "gauge_to_dict", "load", "save"]

T = TypeVar("T")

FORMAT = "spectralot.transport_result"
VERSION = 1
ARRAYS = ["X_a", "X_b", "rows", "cols", "masses", "potential_a", "potential_b", "metric", "moment"]
SCALARS = {"lower": float, "upper": float, "converged": bool, "status": str, "n_iter": int, "seconds": float}


def save(result: TransportResult, path: str | PathLike[str]) -> None:
    """Writes `result` to `path`: aside in the same folder first, then renamed, so that no half file is ever left."""
    header = {"format": FORMAT, "version": VERSION, "gauge": gauge_to_dict(result.gauge)}
    header |= {name: getattr(result, name) for name in SCALARS}
    arrays = {name: getattr(result, name) for name in ARRAYS}
    arrays |= {name: weights for name in ("a", "b") if (weights := getattr(result, name)) is not None}
    arrays["history"] = np.column_stack([result.history[name] for name in HISTORY.names])
    write_archive(path, header, **arrays)


def load(path: str | PathLike[str], gauge: Gauge | None = None) -> TransportResult:
    """Reads what `TransportResult.save` wrote; nothing in the file is trusted: `verify` proves the bracket again.

    Parameters
    ----------
    path : path
        An `.npz` file.
    gauge : Gauge, optional
        Needed for a result of a `CustomGauge`, whose functions are not in the file.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is truncated, malformed or of another format; the message names the file.
    """
    return read_archive(path, "spectralot result", lambda file: _result_from(file, gauge))


def write_npz(path: str | PathLike[str], arrays: dict[str, Any]) -> None:
    """Writes the arrays compressed to `path`: aside in the same folder first, then renamed: no half file is left."""
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder to write to", os.fspath(path))
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.chmod(aside, 0o666 & ~_umask())
        os.replace(aside, target)
    except BaseException:
        os.unlink(aside)
        raise


def write_archive(path: str | PathLike[str], header: dict[str, Any], **arrays: Any) -> None:
    """An `.npz` of arrays and a JSON header."""
    write_npz(path, {"header": np.array(json.dumps(header)), **arrays})


def read_archive(path: str | PathLike[str], what: str, build: Callable[[Any], T]) -> T:
    """What `build` makes of the arrays in an `.npz`; a ValueError that names the file where it cannot."""
    with open(path, "rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                if not isinstance(file, np.lib.npyio.NpzFile):
                    raise ValueError("not an .npz archive")
                _check_sizes(file)
                return build(file)
        except MemoryError:
            raise
        except Exception as error:  # NumPy and zipfile let through whatever a damaged file makes them raise
            reason = f"entry {error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__
            raise ValueError(f"{os.fspath(path)}: not a readable {what}: {reason}") from error


def read_header(file: Any, format: str, version: int) -> dict[str, Any]:
    """The JSON header of an archive, which must be of that format and version."""
    header = json.loads(str(file["header"][()]))
    if not isinstance(header, dict) or header.get("format") != format:
        raise ValueError(f"header must say format {format}")
    if header.get("version") != version:
        raise ValueError(f"version must be {version}, got {header.get('version')!r}")
    return header


def typed(header: dict[str, Any], types: dict[str, type]) -> dict[str, Any]:
    """The values of a header with those names, which must have those types."""
    for name, kind in types.items():
        if type(header[name]) is not kind:
            raise invalid(name, f"must be {kind.__name__}", repr(header[name]))
    return {name: header[name] for name in types}


def gauge_to_dict(gauge: Gauge) -> dict[str, Any]:
    """A gauge as JSON-ready data, the same form as the command line's gauge files."""
    match gauge:
        case gauges.Schatten(p):
            return {"name": "schatten", "p": "inf" if np.isinf(p) else p}
        case gauges.KyFan(k):
            return {"name": "ky_fan", "k": k}
        case gauges.WeightedTrace(A):
            return {"name": "weighted_trace", "A": A}
        case gauges.Polyhedral(matrices):
            return {"name": "polyhedral", "matrices": matrices}
        case gauges.BlockSum(blocks, parts):
            return {"name": "block_sum", "blocks": blocks, "gauges": [gauge_to_dict(g) for g in parts]}
        case gauges.BlockMax(blocks, parts, eta):
            spec = {"name": "block_max", "blocks": blocks, "gauges": [gauge_to_dict(g) for g in parts]}
            return spec if eta is None else spec | {"eta": eta}
        case gauges.ConicSum(parts, weights):
            return {"name": "conic_sum", "gauges": [gauge_to_dict(g) for g in parts], "weights": weights}
        case gauges.Entrywise(M):
            return {"name": "entrywise", "M": M}
        case gauges.FixedMetric(metric):
            return {"name": "fixed_metric", "metric": metric}
        case gauges.CustomGauge():
            return {"name": "custom"}
    raise invalid("gauge", "must be a gauge of this package", repr(gauge))


def gauge_from_dict(spec: Any) -> Gauge:
    """The inverse of `gauge_to_dict`; ValueError for anything else."""
    simple = {
        "schatten": (gauges.Schatten, ["p"], []),
        "trace": (gauges.Trace, [], []),
        "operator": (gauges.Operator, [], []),
        "ky_fan": (gauges.KyFan, ["k"], []),
        "weighted_trace": (gauges.WeightedTrace, ["A"], []),
        "polyhedral": (gauges.Polyhedral, ["matrices"], []),
        "block_sum": (gauges.BlockSum, ["blocks", "gauges"], []),
        "block_max": (gauges.BlockMax, ["blocks", "gauges"], ["eta"]),
        "conic_sum": (gauges.ConicSum, ["gauges", "weights"], []),
        "entrywise": (gauges.Entrywise, ["M"], []),
        "fixed_metric": (gauges.FixedMetric, ["metric"], []),
    }
    name = spec.get("name") if isinstance(spec, dict) else None
    if not isinstance(name, str) or name not in simple:
        raise invalid("gauge", f"name must be one of {', '.join(simple)}", repr(name))
    build, needed, optional = simple[name]
    values = {key: value for key, value in spec.items() if key != "name"}
    if not set(needed) <= set(values) <= {*needed, *optional}:
        raise invalid("gauge", f"{name} needs exactly the fields {needed + optional}", sorted(values))
    if values.get("p") == "inf":
        values["p"] = np.inf
    if "gauges" in values:
        if not isinstance(values["gauges"], list):
            raise invalid("gauges", "must be a list", repr(values["gauges"]))
        values["gauges"] = [gauge_from_dict(part) for part in values["gauges"]]
    return build(**values)


def _check_sizes(file: Any) -> None:
    """Refuses a file whose members would expand far beyond what it holds (a zip bomb), before reading any."""
    for member in file.zip.infolist():
        if member.file_size > 1100 * member.compress_size + 4096:  # deflate cannot do better than 1032:1
            raise ValueError(f"entry {member.filename} claims {member.file_size} bytes")
        with file.zip.open(member) as stream:
            major, _ = np.lib.format.read_magic(stream)
            read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(stream)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"entry {member.filename} claims an array of shape {shape}")


def _result_from(file: Any, gauge: Gauge | None) -> TransportResult:
    header = read_header(file, FORMAT, VERSION)
    X_a, X_b, a, b = _clouds(*(file.get(name) for name in ("X_a", "X_b", "a", "b")))
    n, m, d = len(X_a), len(X_b), X_a.shape[1]
    rows, cols = (as_indices(file[name], name, size) for name, size in (("rows", n), ("cols", m)))
    masses = real_array(file["masses"], "masses")
    if not rows.shape == cols.shape == masses.shape:
        raise invalid("masses", "must be as long as rows and cols", masses.shape)
    history = as_points(file["history"], "history", len(HISTORY))
    return TransportResult(
        X_a=X_a,
        X_b=X_b,
        a=a,
        b=b,
        gauge=stored_gauge(header, gauge),
        rows=rows,
        cols=cols,
        masses=masses,
        potential_a=as_numbers(file["potential_a"], "potential_a", n),
        potential_b=as_numbers(file["potential_b"], "potential_b", m),
        metric=as_symmetric(file["metric"], "metric", d),
        moment=as_symmetric(file["moment"], "moment", d),
        history=np.ascontiguousarray(history).view(HISTORY).reshape(-1),
        **typed(header, SCALARS),
    )


def stored_gauge(header: dict[str, Any], gauge: Gauge | None) -> Gauge:
    """`gauge` if there is one, else that of the header."""
    if gauge is not None:
        return gauge
    if header["gauge"] == {"name": "custom"}:
        raise ValueError("it belongs to a CustomGauge: pass load(path, gauge=...)")
    return gauge_from_dict(header["gauge"])


def as_numbers(array: Any, name: str, size: int) -> Array:
    values = real_array(array, name)
    if values.shape != (size,):
        raise invalid(name, f"must have shape ({size},)", values.shape)
    return values


def as_indices(array: Any, name: str, size: int) -> Any:
    if array.ndim != 1 or array.dtype.kind != "i" or (len(array) and not (array.min() >= 0 and array.max() < size)):
        raise invalid(name, f"must be indices below {size}", f"{array.dtype} of shape {array.shape}")
    return array.astype(np.int32)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
