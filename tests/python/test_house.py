"""The rules of the house that a script can hold: layers, one version, sources that mirror the headers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check_layers(root):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "check_layers.py", root], capture_output=True, text=True, check=False
    )


def write(root, path, include):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(f'#include "{include}"\n#include <vector>\n')


def test_this_tree_keeps_the_layer_order():
    assert check_layers(ROOT).stderr == ""


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("include/spectralot/flow/run.hpp", "spectralot/gauge/gauge.hpp"),
        ("src/gauge/schatten.cpp", "gauge/spectrum.hpp"),
        ("src/gauge/schatten.cpp", "spectrum.hpp"),
        ("apps/main.cpp", "spectralot/spectralot.hpp"),
    ],
)
def test_downward_includes_pass(tmp_path, path, include):
    write(tmp_path, path, include)
    assert check_layers(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("include/spectralot/gauge/gauge.hpp", "spectralot/transport/solve.hpp"),
        ("src/core/errors.cpp", "linalg/kernels.hpp"),
        ("src/io/json.cpp", "spectralot/gauge/gauge.hpp"),
        ("src/saddle/master.cpp", "spectralot/ode/integrate.hpp"),
        ("src/core/errors.cpp", "spectralot/spectralot.hpp"),
        ("src/attic/old.cpp", "vector"),
        ("apps/main.cpp", "gauge/spectrum.hpp"),
    ],
)
def test_an_upward_or_private_include_is_named(tmp_path, path, include):
    write(tmp_path, path, include)
    outcome = check_layers(tmp_path)
    assert outcome.returncode == 1
    assert str(Path(path).parent) in outcome.stderr


def test_one_version_everywhere():
    version = re.search(r"project\(spectralot VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^## ([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version


def test_every_pin_is_exact_and_the_same_in_every_file():
    pins = {}
    for file in ROOT.glob("requirements-*.txt"):
        lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
        names = [re.fullmatch(r"([A-Za-z0-9_-]+)==[0-9a-z.]+", line)[1].lower() for line in lines]
        assert len(names) == len(set(names))
        for name, line in zip(names, lines, strict=True):
            assert pins.setdefault(name, line) == line
