"""Gaussian KL flow: covariance ellipses of the trace and operator flows towards one target, and their decay."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import spectralot as so

from ..report import OUT, label, print_table, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    start: tuple[tuple[float, float], tuple[float, float]] = ((3.0, 1.0), (1.0, 0.5))
    target: tuple[tuple[float, float], tuple[float, float]] = ((1.0, -0.4), (-0.4, 2.0))
    exponents: tuple[float, ...] = (1, inf)
    t_max: float = 6.0
    n_ellipses: int = 9  #: evenly along the path


def run(config: Config = Config()) -> dict[float, so.gaussian.Trajectory]:
    zero = (0.0, 0.0)
    return {
        p: so.gaussian.kl_flow(
            zero, config.start, zero, config.target, so.Schatten(p), config.t_max, rtol=1e-10, rank_tol=1e-8
        )
        for p in config.exponents
    }


def numbers(config: Config, flows: dict[float, so.gaussian.Trajectory]) -> dict[str, Any]:
    rows = [
        {
            "p": str(p),
            "energy_start": t.energy[0],
            "energy_end": t.energy[-1],
            "covariance_end": t.covariances[-1],
            "balance_residual": t.balance_residual.max(),
            "rank_losses": [tuple(event) for event in t.events],
            "n_steps": len(t.times) - 1,
        }
        for p, t in flows.items()
    ]
    return {"parameters": {"start": config.start, "target": config.target, "t_max": config.t_max}, "flows": rows}


def draw(config: Config, flows: dict[float, so.gaussian.Trajectory]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(flows) + 1, figsize=(4 * (len(flows) + 1), 3.8), layout="constrained")
    for ax, (p, t) in zip(axes, flows.items(), strict=False):
        so.plot.covariances(t, config.n_ellipses, ((0, 0), config.target), ax=ax)
        ax.set_title(f"p = {label(p)}")
    so.plot.energy({f"p = {label(p)}": t for p, t in flows.items()}, ax=axes[-1])
    axes[-1].set_ylabel("KL")
    return figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    flows = run(config)
    summary = numbers(config, flows)
    save_figure(draw(config, flows), "gaussian_kl", out)
    save_numbers(summary, "gaussian_kl", out)
    print_table(
        ["p", "KL start", "KL end", "balance residual", "rank losses"],
        [
            [
                label(float(f["p"])),
                f"{f['energy_start']:.6f}",
                f"{f['energy_end']:.3e}",
                f"{f['balance_residual']:.1e}",
                ", ".join(f"t = {t:.6f}" for t, _ in f["rank_losses"]) or "none",
            ]
            for f in summary["flows"]
        ],
    )


if __name__ == "__main__":
    main()
