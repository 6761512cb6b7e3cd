"""Linear network, one mode: conserved leaves and trajectories in the cone s >= |r|."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..report import OUT, label, print_table, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    exponents: tuple[float, ...] = (1, 2, 4, inf)
    beta: float = 1.0
    starts: tuple[tuple[float, float], ...] = ((-1.5, 1.8), (-0.5, 2.0))
    leaves: tuple[float, ...] = tuple(np.linspace(1.08, 2.68, 13))  #: through (1, s)
    t_max: float = 18.0


def leaf(p: float, s: float) -> tuple[np.ndarray, np.ndarray]:
    """(r, s) along the set where ab (p = 1) or a^η + b^η has its value at (1, s)."""
    a, b = s + 1, s - 1
    if p == 1:
        ratio = np.exp(np.linspace(-4, 4, 400))
        a, b = np.sqrt(a * b) * ratio, np.sqrt(a * b) / ratio
    else:
        eta = 0.5 if np.isinf(p) else (p - 1) / (2 * p - 1)
        total = a**eta + b**eta
        share = np.linspace(0, 1, 400)
        a, b = (total * share) ** (1 / eta), (total * (1 - share)) ** (1 / eta)
    return (a - b) / 2, (a + b) / 2


def run(config: Config = Config()) -> list[dict[str, Any]]:
    return [
        {"p": str(p), "start": start, "flow": so.gaussian.modal_flow(*start, config.beta, p, config.t_max)}
        for p in config.exponents
        for start in config.starts
    ]


def summary(case: dict[str, Any]) -> dict[str, Any]:
    """The end of a modal flow, its events, and how well it kept what is conserved until a mode lost its rank."""
    flow = case["flow"]
    lost = [e for e in flow.events if e.kind != "settled"]
    alive = slice(0, np.searchsorted(flow.times, lost[0].time) if lost else len(flow.times))
    drift = np.abs(flow.invariant[alive] / flow.invariant[0] - 1).max()
    known = {key: value for key, value in case.items() if key != "flow"}
    return known | {
        "r_end": flow.r[-1],
        "s_end": flow.s[-1],
        "energy_end": flow.energy[-1],
        "balance_residual": flow.balance_residual.max(),
        "invariant_drift": drift,
        "events": [tuple(event) for event in flow.events],
    }


def draw(config: Config, cases: list[dict[str, Any]]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(config.exponents), figsize=(3.4 * len(config.exponents), 3.4), sharey=True, layout="constrained"
    )
    for ax, p in zip(axes, config.exponents, strict=True):
        for s in config.leaves:
            ax.plot(*leaf(p, s), color="0.8", lw=0.7)
        ax.plot([-3, 0, 3], [3, 0, 3], color="black", lw=1)
        ax.axvline(config.beta, color="0.4", ls=":", lw=1)
        for k, case in enumerate(case for case in cases if case["p"] == str(p)):
            ax.plot(case["flow"].r, case["flow"].s, color=so.plot.OKABE_ITO[k], lw=1.8)
            ax.plot(*case["start"], "o", color=so.plot.OKABE_ITO[k], ms=5)
        ax.set(xlim=(-2.2, 2.2), ylim=(0, 3), title=f"p = {label(p)}", xlabel="r")
    axes[0].set_ylabel("s")
    return figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    cases = run(config)
    rows = [summary(case) for case in cases]
    save_figure(draw(config, cases), "linear_network", out)
    save_numbers({"parameters": {"beta": config.beta, "t_max": config.t_max}, "rows": rows}, "linear_network", out)
    print_table(
        ["p", "start", "r at the end", "s at the end", "invariant drift", "balance residual"],
        [
            [
                label(float(row["p"])),
                str(row["start"]),
                f"{row['r_end'][0]:.8f}",
                f"{row['s_end'][0]:.6f}",
                f"{row['invariant_drift']:.1e}",
                f"{row['balance_residual']:.1e}",
            ]
            for row in rows
        ],
    )


if __name__ == "__main__":
    main()
