"""Every Python example of the pages and of the docstrings is run, and prints what the page says."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(text: str, name: str, names: dict) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append, clear_globs=False)
    names.update(test.globs)  # the examples of a page build on each other
    assert not report, "".join(report)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/flow.md", "docs/gaussian.md", "docs/sphere.md"])
def test_examples_of_the_pages(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("Agg")
    names: dict = {}
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), flags=re.M | re.S)
    assert blocks
    for k, block in enumerate(blocks):
        assert ">>>" in block
        run(block, f"{page}[{k}]", names)
    plt.close("all")


def test_the_readme_shows_the_compiled_example():
    (shown,) = re.findall(r"^```cpp\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    assert shown == (ROOT / "examples" / "two_clouds.cpp").read_text()


@pytest.mark.parametrize(
    "module", ["", ".gauges", ".transport", ".gaussian", ".flow", ".plot", ".storage", ".pairwise"]
)
def test_examples_of_the_docstrings(module):
    loaded = importlib.import_module(f"spectralot{module}")
    for test in doctest.DocTestFinder(exclude_empty=True).find(loaded):
        report: list[str] = []
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
        assert not report, "".join(report)
