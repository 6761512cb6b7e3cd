"""`make experiments`: every figure into out/, the headline numbers of the flows against the stored ones.

--quick runs each flow with few particles and steps (as the tests do); --figures also renews the small figures of the
README files; --only NAME … runs some.
"""

import argparse
import importlib
import re
import sys
import time
from pathlib import Path

import spectralot as so
from PIL import Image

from . import expected
from .report import OUT, save_figure, save_numbers

# Exact to many digits: the tests compare their numbers, and the shapes do so themselves.
OTHERS = ["fig1_static", "fig1_shapes", "gaussian_kl", "linear_network", "two_modes"]
FLOWS = [
    "fig2_mmd",
    "relu_network",
    "attention",
    "implicit_explicit",
    "momentum",
    "rank_jump",
    "grid_geodesics",
    "grid_shapes",
    "grid_branching",
    "circle",
    "sphere_relu",
]


def run_flow(name: str, quick: bool, out: Path, figures: bool = False) -> tuple[dict[str, float], list[str]]:
    """Runs one experiment of a flow; its headline numbers, and what differs from the stored ones."""
    import matplotlib.pyplot as plt

    module = importlib.import_module(f"experiments.{name}.run")
    folder = Path(module.__file__).parent
    numbers, figure = module.compute(module.QUICK if quick else module.Config())
    save_figure(figure, name, out)
    for title, result in numbers.pop("animations", {}).items():
        slug = re.sub(r"[^a-z0-9]+", "_", title.replace("∞", "inf"))
        so.animation.save(result, out / f"{name}_{slug}.html", fps=12, title=title)
    save_numbers(numbers, name, out)
    if figures:
        figure.savefig(folder / "figure.png", dpi=75, bbox_inches="tight")
        with Image.open(folder / "figure.png") as picture:  # 256 colours: a small file
            small = picture.convert("RGB").quantize(256)
        small.save(folder / "figure.png", optimize=True)
    plt.close(figure)
    return numbers["headline"], expected.check(numbers["headline"], folder, "quick" if quick else "full")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few particles and steps")
    parser.add_argument("--figures", action="store_true", help="renew the figures of the README files")
    parser.add_argument("--only", nargs="+", choices=[*OTHERS, *FLOWS], default=[*OTHERS, *FLOWS])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    wrong: list[str] = []
    for name in arguments.only:
        start = time.perf_counter()
        print(f"── {name}", flush=True)
        if name in OTHERS:
            wrong += importlib.import_module(f"experiments.{name}.run").main(out=arguments.out) or []
        else:
            headline, differences = run_flow(name, arguments.quick, arguments.out, arguments.figures)
            wrong += differences
            for key, value in headline.items():
                print(f"   {key}: {value:.6g}")
        print(f"   {time.perf_counter() - start:.1f} s", flush=True)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
