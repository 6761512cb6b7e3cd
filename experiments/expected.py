"""Headline numbers of an experiment against the stored ones, each with its own tolerance."""

import json
from pathlib import Path


def check(headline: dict[str, float], folder: Path, mode: str) -> list[str]:
    """What differs from `expected.json` of the folder, section "quick" or "full"; each entry is [value, tolerance].

    Rounding is amplified by thousands of steps of a selector that is not Lipschitz, so full runs of several hundred
    steps and more agree to fewer digits than quick ones (which a perturbation of the start by one rounding changes by
    less than 1e-9); an implicit step is as accurate as its stationarity gap. Tolerances are absolute.
    """
    expected = json.loads((folder / "expected.json").read_text())[mode]
    wrong = [f"{folder.name}: {name} is not in expected.json" for name in headline if name not in expected]
    for name, (value, tolerance) in expected.items():
        seen = headline.get(name)
        if seen is None or not abs(seen - value) <= tolerance:
            wrong.append(f"{folder.name}: {name} = {seen}, expected {value} to {tolerance:g}")
    return wrong
