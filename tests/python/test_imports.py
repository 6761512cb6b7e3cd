"""What importing the package does and does not do, and what it ships."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import spectralot as so


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_import_is_light():
    heavy = run(
        "import sys, spectralot\n"
        "print([m for m in ('torch', 'matplotlib', 'scipy.optimize', 'scipy.sparse', 'tqdm') if m in sys.modules])"
    )
    assert heavy == "[]"


def test_solving_is_light():
    heavy = run(
        "import sys, spectralot as so\n"
        "so.solve_sample([[0, 0]], [[1, 1]]).geodesic(0.5)\n"
        "print([m for m in ('torch', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    assert heavy == "[]"


def test_ships_types():
    folder = Path(so.__file__).parent
    assert (folder / "py.typed").exists()
    stub = Path(so._core.__file__).parent / "_core.pyi"
    assert "def solve(" in stub.read_text()


def test_version_is_that_of_the_distribution():
    try:
        installed = version("spectralot")
    except PackageNotFoundError:
        pytest.skip("used in place: scripts/test_wheel.sh checks the wheel")
    assert so.__version__ == installed


def test_public_names_exist_and_are_documented():
    for name in so.__all__:
        value = getattr(so, name)
        assert name.startswith("__") or isinstance(value, float) or value.__doc__, name
