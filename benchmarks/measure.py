"""Times and peak memory of a function in a process of its own, repeated; medians are reported."""

import importlib
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Measurement:
    seconds: float  #: median over the repeats, without the warm-up
    peak_mb: float  #: largest growth of the resident memory during one run
    value: Any  #: what the function returned last
    repeats: int


def needs(*modules: str) -> Callable[[Function], Function]:
    """Marks a function with the modules it imports: seconds and hundreds of MB that are not the function's own."""

    def mark(function: Function) -> Function:
        function.needs = modules
        return function

    return mark


def measure(function: Callable[..., Any], *arguments: Any, repeats: int = 5, budget: float = 120.0) -> Measurement:
    """Runs `function` up to `repeats` times after a warm-up that does not count; after `budget` seconds it runs no
    second time. `repeats=0` runs it once, cold: for what takes minutes and compiles nothing. The modules it `needs` are
    imported before. Its exception is raised here."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_worker, args=(sender, function, arguments, repeats, budget))
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    finally:
        process.join()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _worker(sender: Any, function: Callable[..., Any], arguments: tuple, repeats: int, budget: float) -> None:
    times: list[float] = []
    peak = 0.0
    start = time.perf_counter()
    try:
        for module in getattr(function, "needs", ()):
            importlib.import_module(module)
        while len(times) < repeats + 1 and (len(times) < 2 or time.perf_counter() - start < budget):
            memory = _PeakMemory()
            tick = time.perf_counter()
            value = function(*arguments)
            times.append(time.perf_counter() - tick)
            peak = max(peak, memory.growth())
    except Exception as error:
        sender.send(error)
        return
    kept = times[1:] or times
    sender.send(Measurement(statistics.median(kept), peak / 2**20, value, len(kept)))


class _PeakMemory:
    """How far the resident memory rises above what it is now, in bytes."""

    def __init__(self) -> None:
        try:  # Linux: forgets the peak so far, which importing libraries may have set
            Path("/proc/self/clear_refs").write_text("5")
            self._before = _from_status("VmRSS")
            self._peak = lambda: _from_status("VmHWM")
        except OSError:  # only growth beyond the highest peak so far is seen
            self._peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            self._before = self._peak()

    def growth(self) -> int:
        return max(0, self._peak() - self._before)


def _from_status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
