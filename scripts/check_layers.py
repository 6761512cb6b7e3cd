"""Checks that includes only point downwards in the layer order. Usage: scripts/check_layers.py [ROOT]

A file of include/spectralot/MODULE or src/MODULE may include its own module and modules on lower layers. The programs
in apps, examples, fuzz and python stand on top of everything and see public headers only.
"""

import re
import sys
from pathlib import Path

# Bottom up; modules on one line do not see each other. CMakeLists.txt holds the same order.
LAYERS = [
    ["core"],
    ["linalg", "io"],
    ["gauge"],
    ["saddle", "ode"],
    ["discrete", "gaussian"],
    ["transport"],
    ["dynamic", "flow"],
    ["sphere"],
]
PROGRAMS = ["apps", "examples", "fuzz", "python"]

HEIGHT = {module: height for height, layer in enumerate(LAYERS) for module in layer}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
UMBRELLA = "spectralot/spectralot.hpp"


def includes(folder: Path) -> list[tuple[Path, str]]:
    """Every (file, included name) in C++ sources below the folder."""
    files = sorted([*folder.rglob("*.hpp"), *folder.rglob("*.cpp")])
    return [(path, name) for path in files for name in INCLUDE.findall(path.read_text())]


def module_of(name: str) -> str | None:
    """The module of an included file; None for neighbours in the same folder and for what is not ours."""
    first = name.removeprefix("spectralot/").partition("/")[0]
    return first if first in HEIGHT else None


def violations(root: Path) -> list[str]:
    found = []
    for base in (root / "include" / "spectralot", root / "src"):
        for folder in sorted(path for path in base.glob("*") if path.is_dir()):
            if folder.name not in HEIGHT:
                found.append(f"{folder.relative_to(root)}: a module that is not in the layer order")
                continue
            for path, name in includes(folder):
                module = module_of(name)
                downwards = module in (None, folder.name) or HEIGHT[module] < HEIGHT[folder.name]
                if not downwards or name == UMBRELLA:
                    found.append(f"{path.relative_to(root)}: {folder.name} must not include {name}")
    for program in PROGRAMS:
        for path, name in includes(root / program):
            if module_of(name) and not name.startswith("spectralot/"):
                found.append(f"{path.relative_to(root)}: {program} sees public headers only, not {name}")
    return found


if __name__ == "__main__":
    problems = violations(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    sys.exit(1 if problems else 0)
