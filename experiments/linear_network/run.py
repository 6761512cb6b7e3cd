"""Linear network in modes: conserved leaves and trajectories of one mode, and two-mode runs with rank loss."""

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
    two_start: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.1, 10.0))
    two_targets: tuple[tuple[float, float], ...] = ((-1.25, -0.65), (-0.35, 1.15), (0.75, -1.10), (1.30, 0.55))
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


def run(config: Config = Config()) -> dict[str, Any]:
    one = [
        {"p": str(p), "start": start, "flow": so.gaussian.modal_flow(*start, config.beta, p, config.t_max)}
        for p in config.exponents
        for start in config.starts
    ]
    two = [
        {"p": str(p), "target": beta, "flow": so.gaussian.modal_flow(*config.two_start, beta, p, config.t_max)}
        for p in config.exponents
        for beta in config.two_targets
    ]
    return {"one": one, "two": two}


def summary(case: dict[str, Any]) -> dict[str, Any]:
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


def draw(config: Config, cases: dict[str, Any]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        2, len(config.exponents), figsize=(3.4 * len(config.exponents), 6.6), layout="constrained"
    )
    for column, p in enumerate(config.exponents):
        ax = axes[0, column]
        for s in config.leaves:
            ax.plot(*leaf(p, s), color="0.8", lw=0.7)
        ax.plot([-3, 0, 3], [3, 0, 3], color="black", lw=1)
        ax.axvline(config.beta, color="0.4", ls=":", lw=1)
        for k, case in enumerate(case for case in cases["one"] if case["p"] == str(p)):
            ax.plot(case["flow"].r, case["flow"].s, color=so.plot.OKABE_ITO[k], lw=1.8)
        ax.set(xlim=(-2.2, 2.2), ylim=(0, 3), title=f"p = {label(p)}", xlabel="r", ylabel="s")
        ax = axes[1, column]
        for k, case in enumerate(case for case in cases["two"] if case["p"] == str(p)):
            ax.plot(*case["flow"].r.T, color=so.plot.OKABE_ITO[k], lw=1.6)
            ax.plot(*case["target"], "*", color=so.plot.OKABE_ITO[k], ms=9)
            for event in case["flow"].events:
                if event.kind != "settled":
                    at = np.searchsorted(case["flow"].times, event.time)
                    ax.plot(*case["flow"].r[at], "o", color="black", ms=4)
        ax.set(xlabel="$r_1$", ylabel="$r_2$")
    return figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    cases = run(config)
    rows = {kind: [summary(case) for case in several] for kind, several in cases.items()}
    save_figure(draw(config, cases), "linear_network", out)
    save_numbers({"parameters": {"beta": config.beta, "t_max": config.t_max}, **rows}, "linear_network", out)
    print_table(
        ["p", "target", "loss end", "invariant drift", "balance residual", "lost rank at"],
        [
            [
                label(float(row["p"])),
                str(row["target"]),
                f"{row['energy_end']:.1e}",
                f"{row['invariant_drift']:.1e}",
                f"{row['balance_residual']:.1e}",
                ", ".join(f"{t:.6f}" for t, _, kind in row["events"] if kind != "settled") or "-",
            ]
            for row in rows["two"]
        ],
    )


if __name__ == "__main__":
    main()
