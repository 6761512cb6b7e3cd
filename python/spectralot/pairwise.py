"""Matrices of spectral Wasserstein distances between many measures, through any executor, resumable."""

from __future__ import annotations

import hashlib
import json
import math
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._arrays import Array, ArrayLike, as_number, as_points, as_weights, invalid
from ._errors import Interrupted, NotSolved
from .gauges import Gauge, as_gauge
from .storage import gauge_to_dict, read_archive, write_archive
from .transport import Progress, solve_sample

__all__ = ["PairwiseResult", "pairwise_distances"]

FORMAT = "spectralot.pairwise"
VERSION = 1
PAIRS_PER_TASK = 16  #: part of a row that one worker solves in a go; fixed, so that no executor changes the numbers
TASKS_AT_ONCE = 512  #: tasks handed to the executor and not yet done: a bound on memory
SECONDS_BETWEEN_SAVES = 10.0

Cloud = tuple[Array, Array | None]  # points (n, d), weights (n,) or None


class Executor(Protocol):
    """`submit` as in `concurrent.futures`; its futures have `add_done_callback`, `result` and `cancel`."""

    def submit(self, function: Any, /, *arguments: Any) -> Any: ...


class PairwiseResult(NamedTuple):
    """Symmetric (k, k) matrices, NaN where nothing has been computed yet."""

    distances: Array  #: W_γ (not squared): the root of `upper`; zero on the diagonal
    lower: Array  #: proved lower ends of W_γ² (squared)
    upper: Array  #: proved upper ends
    converged: Array  #: bool: the gap is at most tol, or the cost is zero to rounding


def pairwise_distances(
    measures: Iterable[ArrayLike | tuple[ArrayLike, ArrayLike | None]],
    gauge: Gauge | float = 2,
    executor: Executor | None = None,
    progress: bool = True,
    *,
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_threads: int = 1,
    max_seconds: float = math.inf,
    path: str | PathLike[str] | None = None,
    return_brackets: bool = False,
) -> Array | PairwiseResult:
    """W_γ between all pairs of k measures, as a matrix for a `metric="precomputed"` estimator.

    Parameters
    ----------
    measures : sequence of k measures
        Each an (n, d) array of points, or a tuple (points, weights); n may differ.
    gauge : Gauge or number
        As in `solve_sample`.
    executor : optional
        Anything with the `submit` of `concurrent.futures`: thread and process pools, Dask's `Client.get_executor()`,
        mpi4py's pools. It is neither started nor shut down here. None = this thread. The result does not depend on it.
    progress : bool
        A tqdm bar (where tqdm is installed) on standard error, if the computation lasts longer than a second.
    tol, max_iter, n_threads, max_seconds
        As in `solve_sample`, for each pair.
    path : path, optional
        A partial matrix: read if it exists, so that only what is missing or not converged is computed, and written
        every ten seconds, at the end, and when anything stops the computation.
    return_brackets : bool
        Return a `PairwiseResult` with the proved brackets, whether they closed or not.

    Returns
    -------
    (k, k) array
        Symmetric, zero on the diagonal, every entry certified. With `return_brackets`, a `PairwiseResult`.

    Raises
    ------
    ValueError
        Bad input, or a file at `path` that belongs to other measures, another gauge or another tol.
    NotSolved
        Some pairs did not converge, and `return_brackets` is False. All pairs have been tried; `.result` is the
        `PairwiseResult`.
    Interrupted
        Ctrl-C: a KeyboardInterrupt; `.result` is the `PairwiseResult` so far, which `path` holds too.

    Examples
    --------
    >>> import spectralot as so
    >>> so.pairwise_distances([[[0, 0]], [[3, 4]], ([[0, 0], [6, 8]], [1, 1])]).round(6)
    array([[0.      , 5.      , 7.071068],
           [5.      , 0.      , 5.      ],
           [7.071068, 5.      , 0.      ]])
    """
    clouds = _clouds(measures)
    gauge = as_gauge(gauge)
    gauge._core.check_dimension(clouds[0][0].shape[1])
    options = {"tol": as_number(tol, "tol"), "max_iter": max_iter, "n_threads": n_threads, "max_seconds": max_seconds}
    matrix = _Matrix(clouds, gauge, options["tol"], path)
    missing = matrix.missing()
    tasks = _tasks(clouds, missing)
    stop = _Stop()
    solve = _here if executor is None else partial(_through, executor)
    solved = solve(tasks, gauge, options, stop)
    try:
        with _bar(progress, len(missing)) as bar:
            for pairs in solved:
                matrix.put(pairs)
                if bar is not None:
                    bar.update(len(pairs))
    except KeyboardInterrupt:
        result = matrix.result()
        done, total = int(result.converged.sum() - len(clouds)) // 2, len(clouds) * (len(clouds) - 1) // 2
        raise Interrupted(f"interrupted with {done} of {total} distances computed", result) from None
    finally:
        stop.set()
        solved.close()
        matrix.save()

    result = matrix.result()
    if return_brackets:
        return result
    missed = np.argwhere(np.triu(~result.converged))
    if len(missed):
        i, j = (int(index) for index in missed[0])
        raise NotSolved(
            f"{len(missed)} of the distances are not certified to {options['tol']:g}, the first between the measures "
            f"{i} and {j}: squared, it lies in [{result.lower[i, j]}, {result.upper[i, j]}]",
            result,
        )
    return result.distances


class _Pair(NamedTuple):
    i: int
    j: int
    lower: float
    upper: float
    converged: bool


class _Task(NamedTuple):
    """Some distances from measure i."""

    i: int
    cloud: Cloud
    others: list[tuple[int, Cloud]]


class _Stop:
    """An event that ends the solves in all threads of this process; a copy in another process is never set."""

    def __init__(self) -> None:
        event = threading.Event()
        self.set, self.is_set = event.set, event.is_set

    def check(self, _: Progress) -> None:
        """The callback of every solve."""
        if self.is_set():
            raise StopIteration

    def __reduce__(self) -> tuple[type[_Stop], tuple[()]]:
        return _Stop, ()


class _Matrix:
    """The brackets found so far, in memory and in the file."""

    def __init__(self, clouds: Sequence[Cloud], gauge: Gauge, tol: float, path: str | PathLike[str] | None) -> None:
        k = len(clouds)
        self._path = None if path is None else Path(path)
        self._lower, self._upper = np.full((k, k), np.nan), np.full((k, k), np.nan)
        self._converged = np.eye(k, dtype=bool)
        np.fill_diagonal(self._lower, 0.0)
        np.fill_diagonal(self._upper, 0.0)
        self._dirty = False
        self._saved_at = time.monotonic()
        if self._path is None:
            return
        described = json.loads(json.dumps(gauge_to_dict(gauge)))
        if '"custom"' in json.dumps(described):
            raise invalid("path", "needs a gauge that a file can describe", repr(gauge))
        header = {"format": FORMAT, "version": VERSION, "tol": tol, "gauge": described}
        self._header = header | {"measures": _fingerprint(clouds)}
        if self._path.exists():
            read_archive(self._path, "partial matrix of distances", self._read)
        else:
            self._dirty = True
            self.save()  # a folder that cannot be written is better found now than in an hour

    def missing(self) -> list[tuple[int, int]]:
        """The pairs i < j still to be solved, row by row."""
        return [(int(i), int(j)) for i, j in np.argwhere(np.triu(~self._converged))]

    def put(self, pairs: Iterable[_Pair]) -> None:
        for i, j, lower, upper, converged in pairs:
            # Both brackets of a pair that is solved again are proved: keep the better end of each.
            lower, upper = np.fmax(self._lower[i, j], lower), np.fmin(self._upper[i, j], upper)
            for row, column in ((i, j), (j, i)):
                self._lower[row, column], self._upper[row, column] = lower, upper
                self._converged[row, column] = converged
            self._dirty = True
        if time.monotonic() - self._saved_at > SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        if self._path is not None and self._dirty:
            arrays = {"lower": self._lower, "upper": self._upper, "converged": self._converged}
            write_archive(self._path, self._header, **arrays)
            self._dirty = False
            self._saved_at = time.monotonic()

    def result(self) -> PairwiseResult:
        return PairwiseResult(np.sqrt(self._upper), self._lower.copy(), self._upper.copy(), self._converged.copy())

    def _read(self, file: Any) -> None:
        header = json.loads(str(file["header"][()]))
        for name, expected in self._header.items():
            seen = header.get(name) if isinstance(header, dict) else None
            if seen != expected:
                raise ValueError(f"it belongs to another computation: {name} must be {expected}, got {seen}")
        lower, upper, converged = (file[name] for name in ("lower", "upper", "converged"))
        for array, kind in ((lower, "f8"), (upper, "f8"), (converged, "?")):
            if array.shape != self._lower.shape or array.dtype != np.dtype(kind) or not _symmetric(array):
                raise ValueError(f"entries must be symmetric matrices of shape {self._lower.shape}")
        if not (lower[converged] <= upper[converged]).all() or not converged.diagonal().all():
            raise ValueError("it claims distances that it does not hold")
        self._lower, self._upper, self._converged = lower, upper, converged


def _symmetric(array: Any) -> bool:
    return np.array_equal(array, array.T, equal_nan=True)


def _clouds(measures: Any) -> list[Cloud]:
    """Checked copies of all measures: one dimension, one total mass."""
    clouds: list[Cloud] = []
    heaviest: tuple[int, float] | None = None  # the first with weights
    for k, measure in enumerate(measures):
        name = f"measures[{k}]"
        points, weights = measure if isinstance(measure, tuple) and len(measure) == 2 else (measure, None)
        points = as_points(points, name, clouds[0][0].shape[1] if clouds else None).copy()
        weights = as_weights(weights, f"{name} weights", len(points))
        if weights is not None:
            mass = math.fsum(weights)
            first, expected = heaviest = heaviest or (k, mass)
            if abs(mass - expected) > 1e-9 * max(mass, expected):
                raise invalid(f"{name} weights", f"must have the sum of those of measures[{first}], {expected}", mass)
            weights = weights.copy()
        clouds.append((points, weights))
    if not clouds:
        raise invalid("measures", "must have at least one measure", "none")
    return clouds


def _fingerprint(clouds: Sequence[Cloud]) -> str:
    digest = hashlib.sha256()
    for points, weights in clouds:
        digest.update(f"{points.shape} {weights is not None}".encode())
        digest.update(points.tobytes())
        digest.update(b"" if weights is None else weights.tobytes())
    return digest.hexdigest()


def _tasks(clouds: Sequence[Cloud], pairs: Sequence[tuple[int, int]]) -> Iterator[_Task]:
    """Parts of rows. A part is cut at fixed columns, whatever is missing."""
    parts: dict[tuple[int, int], list[int]] = {}
    for i, j in pairs:
        parts.setdefault((i, (j - i - 1) // PAIRS_PER_TASK), []).append(j)
    for (i, _), row in parts.items():
        yield _Task(i, clouds[i], [(j, clouds[j]) for j in row])


def _along(task: _Task, gauge: Gauge, options: dict[str, Any], stop: _Stop) -> Iterator[_Pair]:
    """Solves the pairs of a task one after the other."""
    X, a = task.cloud
    result = None  # the one before is where the next one begins, if the measures are near enough
    for j, (Y, b) in task.others:
        result = solve_sample(X, Y, gauge, a=a, b=b, warm_start=result, callback=stop.check, **options)
        if stop.is_set():
            return
        yield _Pair(task.i, j, result.lower, result.upper, result.converged)


def _all_along(*arguments: Any) -> list[_Pair]:
    """What a worker runs."""
    return list(_along(*arguments))


def _here(tasks: Iterable[_Task], *arguments: Any) -> Iterator[list[_Pair]]:
    for task in tasks:
        for pair in _along(task, *arguments):
            yield [pair]


def _through(executor: Executor, tasks: Iterator[_Task], *arguments: Any) -> Iterator[list[_Pair]]:
    """The pairs of each task as they come. Abandoned, it cancels what has not started."""
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    waiting: set[Any] = set()

    def submit_next() -> None:
        for task in tasks:
            future = executor.submit(_all_along, task, *arguments)
            waiting.add(future)
            future.add_done_callback(done.put)
            return

    try:
        for _ in range(TASKS_AT_ONCE):
            submit_next()
        while waiting:
            future = done.get()
            waiting.discard(future)
            submit_next()
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()


def _bar(progress: bool, total: int) -> AbstractContextManager[Any]:
    """A bar that shows up after a second, or nothing; tqdm is an optional dependency."""
    if progress and find_spec("tqdm"):
        from tqdm import tqdm

        return tqdm(total=total, desc="distances", unit="pair", delay=1.0)
    return nullcontext()
