"""Usage: python fuzz/fuzz_npz.py SECONDS FOLDER. Throws damaged files at the package's readers for that long.

The readers are Python, so libFuzzer cannot drive them: stored results and states are cut, overwritten and given foreign
members, header fields and shapes, with a limit on memory. ValueError naming the file is the only refusal; whatever
loads can be verified, or gone on from. An offending file stays in FOLDER.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import resource
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

VALUES = [None, -1, 0, 1, 2**31, 2**63, 1e308, -1e308, float("nan"), float("inf"), "", "x" * 50, True, [], {}, [[1]]]
DESCRIPTIONS = ["<f8", ">f8", "<f4", "<i4", "<u8", "|b1", "<c16", "|O", "|S9", "<M8[s]", "[('a','<f8')]", "<f2", "|V8"]


def go_on(state: so.flow.State) -> None:
    f = so.flow.Quadratic(np.zeros(state.points.shape[1]))
    so.flow.run(f, state, step=0.1, n_steps=1, momentum=1.0 if state.momentum is not None else None)


def seeds(path: Path) -> list[tuple[Callable[[Path], Any], Callable[[Any], Any], dict[str, bytes]]]:
    """The members of a few valid archives, each with its reader and what can be done with what was read."""
    X, Y = np.random.default_rng(0).normal(size=(2, 6, 2))
    nested = so.ConicSum([so.BlockSum([[0], [1]], [1, so.inf]), so.KyFan(1)], [1, 2])
    results = [so.solve_sample(X, Y, gauge) for gauge in (2, so.WeightedTrace(np.eye(2)), nested)]
    results.append(so.solve_sample(X, Y[:5], 1, a=np.arange(6), b=np.full(5, 3)))
    runs = [so.flow.run(so.flow.MMD(Y), X, step=0.1, n_steps=2, momentum=m, weights=range(6)) for m in (None, 1.0)]
    verify = lambda r: so.verify(r.X_a, r.X_b, r)  # noqa: E731
    stored = [(r, so.load, verify) for r in results] + [(t.state, so.flow.load_state, go_on) for t in runs]
    unbalanced = so.sphere.solve(*so.sphere.project(X), *so.sphere.project(Y), nested)
    stored.append((unbalanced, so.sphere.load, lambda r: (so.sphere.verify(r), r.geodesic(0.5))))
    valid = []
    for item, reader, use in stored:
        item.save(path)
        with zipfile.ZipFile(path) as archive:
            valid.append((reader, use, {name: archive.read(name) for name in archive.namelist()}))
    return valid


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.2 else changed)


def strange_array(rng: random.Random) -> bytes:
    """An .npy file whose header and content need not agree."""
    shape = tuple(rng.choice([0, 1, 2, 5, 6, 7, 2**20, 2**40, -1]) for _ in range(rng.randint(0, 3)))
    header = {"descr": rng.choice(DESCRIPTIONS), "fortran_order": rng.random() < 0.3, "shape": shape}
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + rng.randbytes(rng.choice([0, 8, 48, 96, 200]))


def strange_header(data: bytes, rng: random.Random) -> bytes:
    """The JSON header with one value replaced or removed, at any depth of its gauge."""
    header = json.loads(str(np.load(io.BytesIO(data))))
    place = header
    while isinstance(place.get("gauge"), dict) and rng.random() < 0.6:
        place = place["gauge"]
    key = rng.choice([*place, "p", "gauges", "extra"])
    if rng.random() < 0.2:
        place.pop(key, None)
    else:
        place[key] = rng.choice(VALUES)
    file = io.BytesIO()
    np.save(file, np.array(json.dumps(header)))
    return file.getvalue()


def archive_of(members: dict[str, bytes], rng: random.Random) -> bytes:
    members = dict(members)
    name = rng.choice(list(members))
    match rng.randrange(5):
        case 0:
            members[name] = damaged_bytes(members[name], rng)
        case 1:
            members[name] = strange_array(rng)
        case 2:
            members["header.npy"] = strange_header(members["header.npy"], rng)
        case 3:
            members[name] = members[rng.choice(list(members))]
        case 4:
            members.pop(name)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return damaged_bytes(file.getvalue(), rng) if rng.random() < 0.3 else file.getvalue()


def main(seconds: float, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "input.npz"
    valid = seeds(path)
    limit = 2 << 30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    warnings.simplefilter("ignore")  # NumPy and zipfile comment on what they read
    rng = random.Random(0)
    end = time.monotonic() + seconds
    count = loaded = 0
    while time.monotonic() < end:
        reader, use, members = rng.choice(valid)
        path.write_bytes(archive_of(members, rng))
        try:
            read = reader(path)
        except ValueError as error:
            if str(path) not in str(error):
                raise
        else:
            loaded += 1
            with contextlib.suppress(ValueError):
                use(read)
        count += 1
    path.unlink()
    print(f"fuzz: npz: {count} files, {loaded} of them readable")


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
