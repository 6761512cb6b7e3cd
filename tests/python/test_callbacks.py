"""Callbacks, Ctrl-C and the GIL."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import spectralot as so


@pytest.fixture
def hard(rng):
    """Clouds whose certificate takes many iterations."""
    return rng.normal(size=(80, 12)), rng.normal(size=(80, 12)) * np.linspace(0.5, 2, 12)


def test_callback_sees_every_iteration_on_the_calling_thread(hard):
    seen = []
    r = so.solve_sample(*hard, 2, callback=lambda at: seen.append((at, threading.current_thread())))
    left = [at.seconds_left for at, _ in seen]
    assert np.isnan(left[:3]).all()
    assert left[-1] == 0.0
    assert all(np.isnan(t) or 0.0 <= t < np.inf for t in left)
    assert [at.iteration for at, _ in seen] == list(range(1, r.n_iter + 1))
    assert {thread for _, thread in seen} == {threading.current_thread()}
    assert [(at.lower, at.upper) for at, _ in seen] == list(zip(r.history["lower"], r.history["upper"], strict=True))
    assert seen[-1][0].gap <= 1e-6 < seen[-2][0].gap


def test_stop_iteration_stops_with_the_best_result(hard):
    def stop_at_three(at):
        if at.iteration == 3:
            raise StopIteration

    r = so.solve_sample(*hard, 2, tol=1e-12, callback=stop_at_three)
    assert (r.n_iter, r.status, r.converged) == (3, "interrupted", False)
    assert so.verify(*hard, r).ok


def test_other_exceptions_pass_unchanged(hard):
    error = LookupError("mine")

    def fail(at):
        raise error

    with pytest.raises(LookupError) as caught:
        so.solve_sample(*hard, 2, callback=fail)
    assert caught.value is error


def test_keyboard_interrupt_in_a_callback_keeps_the_result(hard):
    def interrupt(at):
        raise KeyboardInterrupt

    with pytest.raises(so.Interrupted) as caught:
        so.solve_sample(*hard, 2, tol=1e-12, callback=interrupt)
    assert caught.value.result.n_iter == 1


def test_verbose_talks_to_standard_error(hard, capsys):
    r = so.solve_sample(*hard, 2, verbose=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == r.n_iter
    assert "gap" in captured.err


LONG_SOLVE = """
import numpy as np, spectralot as so, sys, time
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(400, 20)), rng.normal(size=(400, 20)) * np.linspace(0.2, 3, 20)
{prepare}
print("go", flush=True)
try:
    {call}
except so.Interrupted as stop:
    assert isinstance(stop, KeyboardInterrupt)
    print(time.time(), {describe}, flush=True)
"""

# A result of n points that nothing had to solve: a mixture of random permutations, with potentials that are zero.
LARGE_RESULT = """
n, copies = 40_000, 12
cols = np.concatenate([rng.permutation(n) for _ in range(copies)]).astype(np.int32)
rows = np.tile(np.arange(n, dtype=np.int32), copies)
X, Y = rng.normal(size=(2, n, 12))
masses = rng.uniform(0.5, 1.5, size=n * copies) / (n * copies)
bracket = dict(lower=0.0, upper=1.0, converged=False, status="stalled", n_iter=1, seconds=0.0, history=np.empty(0))
arrays = dict(rows=rows, cols=cols, masses=masses, potential_a=np.zeros(n), potential_b=np.zeros(n))
clouds = dict(X_a=X, X_b=Y, a=None, b=None, metric=np.eye(12), moment=np.eye(12))
r = so.TransportResult(gauge=so.Trace(), **clouds, **bracket, **arrays)
"""

INTERRUPTIBLE = {
    "solve": {
        "prepare": "",
        "call": "so.solve_sample(X, Y, so.KyFan(5), tol=1e-15, max_iter=10**9)",
        "describe": "stop.result.status, stop.result.lower <= stop.result.upper",
    },
    "dynamic": {
        "prepare": "a, b = rng.random((2, 64, 64)); a /= a.sum(); b /= b.sum()",
        "call": "so.dynamic.solve(a, b, so.Operator(), tol=1e-9)",
        "describe": "stop.result.status, stop.result.lower <= stop.result.upper < np.inf",
    },
    "exact transport": {
        "prepare": "X, Y = rng.normal(size=(2, 40000, 12))",
        "call": "so.emd_sample(X, Y)",
        "describe": "stop.result.status, stop.result.lower <= stop.result.upper",
    },
    "custom gauge": {
        "prepare": "slow = so.CustomGauge(lambda S: (time.sleep(.01), np.trace(S))[1], lambda S: np.eye(len(S)))\n"
        "gauge = so.ConicSum([slow, so.KyFan(5)], [1e-3, 1])",
        "call": "so.solve_sample(X, Y, gauge, tol=1e-15, max_iter=10**9)",
        "describe": "stop.result.status, stop.result.lower <= stop.result.upper",
    },
    "flow": {
        "prepare": "f = so.flow.MMD(Y)",
        "call": "so.flow.run(f, X, step=1e-9, n_steps=10**8, record_every=10**6)",
        "describe": "stop.result.status, stop.result.n_steps > 0",
    },
    "flow of a Python objective": {
        "prepare": "class F:\n"
        "    def energy(self, X, w): return float(w @ (X**2).sum(axis=1)) / 2\n"
        "    def force(self, X, w): time.sleep(.01); return X",
        "call": "so.flow.run(F(), X, step=1e-9, n_steps=10**8, record_every=10**6)",
        "describe": "stop.result.status, stop.result.n_steps > 0",
    },
    "verify": {
        "prepare": LARGE_RESULT,
        "call": "so.verify(X, Y, r)",
        "describe": "'interrupted', stop.result is None",
    },
    "matching": {
        "prepare": LARGE_RESULT,
        "call": "r.matching()",
        "describe": "'interrupted', stop.result is None",
    },
    "implicit step of a Python objective": {
        "prepare": "class F:\n"
        "    def energy(self, X, w): time.sleep(.01); return 50 * float(w @ (X**2) @ np.arange(1, 21))\n"
        "    def force(self, X, w): time.sleep(.01); return 100 * X * np.arange(1, 21)",
        "call": "so.flow.jko_step(F(), X, so.KyFan(5), 10.0, tol=1e-15, max_iter=10**6)",
        "describe": "stop.result.status, stop.result.n_iter > 0",
    },
}


@pytest.mark.parametrize("case", list(INTERRUPTIBLE))
def test_ctrl_c_stops_within_a_second_and_keeps_the_best_result(case):
    code = LONG_SOLVE.format(**INTERRUPTIBLE[case])
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "go\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        sent = time.time()
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    stopped, *rest = out.split()
    assert rest == ["interrupted", "True"]
    assert float(stopped) - sent < 1.0


LONG_CALLS = {
    "solve": lambda X, Y: so.solve_sample(X, Y, so.KyFan(3), tol=1e-15, max_iter=10**6, max_seconds=0.5),
    "selector": lambda X, Y: so.KyFan(3).selector(np.tile(X, (5000, 1))),
    "dual norm": lambda X, Y: so.Operator().dual_norm(np.tile(X, (5000, 1))),
    "energy": lambda X, Y: so.flow.MMD(Y).energy(np.tile(X, (200, 1))),
    "force": lambda X, Y: so.flow.MMD(Y).force(np.tile(X, (200, 1))),
}


@pytest.mark.parametrize("call", list(LONG_CALLS))
def test_other_threads_run_during_a_long_call(hard, call):
    """The GIL is free while C++ works: a Python thread makes progress meanwhile."""
    ticks = 0
    done = threading.Event()

    def tick():
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    try:
        LONG_CALLS[call](*hard)
    finally:
        elapsed = time.perf_counter() - start
        done.set()
        thread.join()
    assert ticks > 20 * elapsed


def test_solves_in_several_threads_at_once(hard):
    results = [None] * 3

    def solve(k):
        results[k] = so.solve_sample(*hard, 2, callback=lambda at: None)

    threads = [threading.Thread(target=solve, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(r.lower, r.upper) for r in results}) == 1
