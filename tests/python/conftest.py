"""What the Python tests share: reference values, planted clouds and the comparison of certified brackets."""

from __future__ import annotations

import json
import signal
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest

# Started in the background (a CI job, a shell's &) the process ignores Ctrl-C: the tests of Ctrl-C need it back.
signal.signal(signal.SIGINT, signal.default_int_handler)

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "reference"

# The same examples on every run: a failure is a failure of the code, not of the draw.
hypothesis.settings.register_profile("spectralot", deadline=None, derandomize=True, max_examples=30, database=None)
hypothesis.settings.load_profile("spectralot")


@lru_cache
def reference() -> dict:
    return json.loads((REFERENCE / "expected.json").read_text())


def reference_clouds(instance: str) -> SimpleNamespace:
    arrays = {
        key: np.load(path) if (path := REFERENCE / instance / f"{name}.npy").exists() else None
        for key, name in {"X_a": "X", "X_b": "Y", "a": "a", "b": "b"}.items()
    }
    return SimpleNamespace(**arrays)


def squared_diameter(*clouds) -> float:
    points = np.vstack(clouds)
    return float(((points.max(axis=0) - points.min(axis=0)) ** 2).sum())


def assert_brackets_meet(r, s, factor: float = 1.0, scale: float = 0.0) -> None:
    """The squared costs certified by r, and by s up to `factor`, can be the same number.

    `scale`: a squared length at which the two problems differ by rounding of their input.
    """
    slack = 64 * np.finfo(float).eps * (max(r.upper, factor * s.upper) + scale)
    assert r.lower <= factor * s.upper + slack
    assert factor * s.lower <= r.upper + slack


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260404)


@pytest.fixture
def two_diracs() -> SimpleNamespace:
    """Mass must split: the best map costs 2, the best plans 2, √2 and 1 for p = 1, 2 and ∞."""
    return SimpleNamespace(X_a=np.array([[-1.0, 0.0], [1.0, 0.0]]), X_b=np.array([[0.0, -1.0], [0.0, 1.0]]))


@pytest.fixture
def clouds(rng) -> SimpleNamespace:
    """Two weighted clouds of different sizes in the plane."""
    a, b = rng.uniform(0.5, 1.5, size=12), rng.uniform(0.5, 1.5, size=15)
    return SimpleNamespace(
        X_a=rng.normal(size=(12, 2)),
        X_b=rng.normal(size=(15, 2)) * [0.5, 1.5] + [1.0, 0.0],
        a=a,
        b=b * (a.sum() / b.sum()),
    )
