"""What every experiment writes: pictures in PNG and PDF, and one JSON with every number, parameter and version."""

import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import spectralot as so
from tqdm import tqdm

matplotlib.use("Agg")

OUT = Path("out")


def label(p: float) -> str:
    return "∞" if np.isinf(p) else f"{p:g}"


def save_figure(figure: Any, name: str, out: Path = OUT) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{name}.png", out / f"{name}.pdf"]
    for path in paths:
        figure.savefig(path, dpi=200, bbox_inches="tight", pad_inches=0.1)
    return paths


def save_numbers(numbers: dict[str, Any], name: str, out: Path = OUT) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    versions = {
        "spectralot": so.__version__,
        "numpy": np.__version__,
        "matplotlib": matplotlib.__version__,
        "python": platform.python_version(),
    }
    path = out / f"{name}.json"
    document = {"format": "spectralot.experiment", "version": 1, "name": name, "versions": versions, **numbers}
    path.write_text(json.dumps(document, indent=1, default=_plain) + "\n")
    return path


def progress(items: Iterable[Any], description: str, unit: str) -> Any:
    """A progress bar on standard error; silent where that is not a terminal."""
    return tqdm(items, desc=description, unit=unit, leave=False, disable=None)


def print_table(header: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    for row in [header, ["─" * w for w in widths], *rows]:
        print("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
