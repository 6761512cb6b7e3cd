#!/bin/sh
# Builds the wheel as `pip install .` does, checks what it holds, and uses it from a folder of its own. The build tools
# and the dependencies come from .venv, so that no network is needed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python="$root/.venv/bin/python"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$python" -m pip wheel -q -q --no-deps --no-build-isolation --wheel-dir . "$root"
"$python" -m zipfile -e spectralot-*.whl site
for file in py.typed _core.pyi __init__.py; do
    [ -f "site/spectralot/$file" ] || { echo "the wheel lacks $file" >&2; exit 1; }
done
PYTHONPATH=site "$python" -W error - "$scratch" <<'PY'
import importlib.metadata
import sys

import spectralot as so

assert so.__file__.startswith(sys.argv[1]), so.__file__
assert importlib.metadata.version("spectralot") == so.__version__
heavy = {"torch", "matplotlib", "scipy.optimize"} & set(sys.modules)
assert not heavy, f"importing spectralot loads {heavy}"
r = so.solve_sample([[-1, 0], [1, 0]], [[0, -1], [0, 1]], gauge=so.Schatten(2))
assert r.converged and abs(r.value - 2**0.5) <= 1e-6 * r.value, r.value
print(f"wheel: spectralot {so.__version__}, squared distance in [{r.lower!r}, {r.upper!r}]")
PY
