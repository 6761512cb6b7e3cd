"""Times and peak memory of a function in a process of its own, repeated; medians are reported."""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Measurement:
    seconds: float  #: median over the repeats, first (warm-up) run left out when there are several
    peak_mb: float  #: peak resident memory above the process's own before the first run
    value: Any  #: what the function returned last
    repeats: int


def measure(function: Callable[..., Any], *arguments: Any, repeats: int = 5, budget: float = 120.0) -> Measurement:
    """Runs `function` up to `repeats` times, at least once, and stops repeating after `budget` seconds."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_worker, args=(sender, function, arguments, repeats, budget))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _worker(sender: Any, function: Callable[..., Any], arguments: tuple, repeats: int, budget: float) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < repeats + 1 and (not times or time.perf_counter() - start < budget):
        tick = time.perf_counter()
        value = function(*arguments)
        times.append(time.perf_counter() - tick)
    kept = times[1:] or times
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sender.send(Measurement(statistics.median(kept), peak, value, len(kept)))
