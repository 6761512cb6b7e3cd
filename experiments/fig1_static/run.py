"""Figure 1: optimal couplings between the paper's clouds for the trace, Schatten 2 and operator gauges."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import spectralot as so

from ..clouds import paper_clouds
from ..report import OUT, label, print_table, progress, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    n: int = 200
    seed: int = 0
    exponents: tuple[float, ...] = (1, 2, inf)
    tol: float = 1e-9  #: certified relative gap


def run(config: Config = Config()) -> dict[float, so.TransportResult]:
    source, target = paper_clouds(config.n, config.seed)
    return {
        p: so.solve_sample(source, target, gauge=so.Schatten(p), tol=config.tol)
        for p in progress(config.exponents, "Figure 1", "gauge")
    }


def numbers(config: Config, results: dict[float, so.TransportResult]) -> dict[str, Any]:
    """Everything the figure shows, ready for JSON."""
    rows = []
    for p, r in results.items():
        targets, matching_cost = r.matching()
        rows.append(
            {
                "p": str(p),
                "cost": r.value,
                "lower": r.lower,
                "upper": r.upper,
                "gap": r.gap,
                "converged": r.converged,
                "split_rows": r.n_split_rows,
                "matching_cost": matching_cost,
                "matching": targets,
                "n_iter": r.n_iter,
                "seconds": r.seconds,
                "metric": r.metric,
                "moment": r.moment,
                "plan": {"row": r.rows, "col": r.cols, "mass": r.masses},
            }
        )
    parameters = {"n": config.n, "seed": config.seed, "exponents": list(map(str, config.exponents)), "tol": config.tol}
    return {"parameters": parameters, "gauges": rows}


def draw(results: dict[float, so.TransportResult], kind: str) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(4.2 * len(results), 4.4), layout="constrained")
    for ax, (p, r) in zip(axes, results.items(), strict=True):
        so.plot.plan(r, ax=ax, kind=kind)
        if kind == "matching":
            above = r.matching()[1] / r.lower - 1
            found = f"permutation within {above:.1e} of the optimum"
        else:
            found = f"optimal plan, proved gap {r.gap:.0e}"
        ax.set_title(f"p = {label(p)}: cost {r.value:.4f}\n{found}", fontsize=11)
    axes[0].legend(loc="lower left", frameon=False, markerscale=1.5, handletextpad=0.2)
    return figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    results = run(config)
    figure_numbers = numbers(config, results)
    save_numbers(figure_numbers, "figure1", out)

    print(f"Figure 1: W_γ² between the paper's clouds, n = {config.n}, proved brackets")
    print_table(
        ["p", "cost", "lower", "upper", "gap", "split rows", "permutation", "seconds"],
        [
            [
                label(float(row["p"])),
                f"{row['cost']:.10f}",
                f"{row['lower']:.10f}",
                f"{row['upper']:.10f}",
                f"{row['gap']:.1e}",
                str(row["split_rows"]),
                f"{row['matching_cost']:.6f}",
                f"{row['seconds']:.3f}",
            ]
            for row in figure_numbers["gauges"]
        ],
    )
    for kind in progress(("matching", "plan"), "Drawing", "figure"):
        save_figure(draw(results, kind), f"figure1_{kind}", out)


if __name__ == "__main__":
    main()
