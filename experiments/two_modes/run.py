"""Linear network, two modes: paths to four targets, and the loss of an eigenvalue as a located event."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..linear_network.run import summary
from ..report import OUT, label, print_table, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    exponents: tuple[float, ...] = (1, 2, 4, inf)
    start: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.1, 10.0))  #: r and s
    targets: tuple[tuple[float, float], ...] = ((-1.25, -0.65), (-0.35, 1.15), (0.75, -1.10), (1.30, 0.55))
    t_max: float = 18.0


def run(config: Config = Config()) -> list[dict[str, Any]]:
    return [
        {"p": str(p), "target": target, "flow": so.gaussian.modal_flow(*config.start, target, p, config.t_max)}
        for p in config.exponents
        for target in config.targets
    ]


def lost_modes(case: dict[str, Any]) -> list[Any]:
    return [event for event in case["flow"].events if event.kind != "settled"]


def draw(config: Config, cases: list[dict[str, Any]]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        2, len(config.exponents), figsize=(3.4 * len(config.exponents), 6.4), sharey="row", layout="constrained"
    )
    for column, p in enumerate(config.exponents):
        paths, losses = axes[:, column]
        for color, case in zip(so.plot.OKABE_ITO, (case for case in cases if case["p"] == str(p)), strict=False):
            flow = case["flow"]
            paths.plot(*flow.r.T, color=color, lw=1.6)
            paths.plot(*case["target"], "*", color=color, ms=9)
            decaying = flow.energy > 1e-16
            losses.semilogy(flow.times[decaying], flow.energy[decaying], color=color, lw=1.4)
            for event in lost_modes(case):
                at = np.searchsorted(flow.times, event.time)
                paths.plot(*flow.r[at], "o", color="black", ms=4)
                losses.plot(flow.times[at], flow.energy[at], "o", color="black", ms=4)
        paths.set(title=f"p = {label(p)}", xlabel="$r_1$")
        losses.set(xlabel="t", ylim=(1e-16, 10))
    axes[0, 0].set_ylabel("$r_2$")
    axes[1, 0].set_ylabel("loss")
    return figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    cases = run(config)
    rows = [summary(case) for case in cases]
    save_figure(draw(config, cases), "two_modes", out)
    save_numbers({"parameters": {"start": config.start, "t_max": config.t_max}, "rows": rows}, "two_modes", out)
    print_table(
        ["p", "target", "loss at the end", "invariant drift", "balance residual", "lost rank at"],
        [
            [
                label(float(row["p"])),
                str(row["target"]),
                f"{row['energy_end']:.1e}",
                f"{row['invariant_drift']:.1e}",
                f"{row['balance_residual']:.1e}",
                ", ".join(f"{event.time:.6f}" for event in lost_modes(case)) or "-",
            ]
            for row, case in zip(rows, cases, strict=True)
        ],
    )


if __name__ == "__main__":
    main()
