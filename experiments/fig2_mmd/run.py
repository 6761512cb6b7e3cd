"""Figure 2: MMD flows of the paper's clouds for the trace, Schatten 2 and operator gauges."""

from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import spectralot as so

from ..clouds import paper_clouds
from ..report import OUT, label, print_table, progress, save_figure, save_numbers


@dataclass(frozen=True)
class Config:
    n: int = 200
    seed: int = 0
    eps: float = 1e-2
    n_steps: int = 6000
    record_every: int = 20
    steps: dict[float, float] = field(default_factory=lambda: {1: 2.5, 2: 1.8, inf: 1.6})  #: η_p of the published run
    neighbours: int = 5  #: of the coordination number


LATER_STEPS = {1: 5.0, inf: 3.2}  #: η_p of the figure in the paper's later version
QUICK = Config(n=60, n_steps=200, record_every=10)


def run(config: Config = Config()) -> dict[float, so.flow.Trajectory]:
    source, target = paper_clouds(config.n, config.seed)
    objective = so.flow.MMD(target, eps=config.eps)
    return {
        p: so.flow.run(
            objective,
            source,
            gauge=so.Schatten(p),
            step=step,
            n_steps=config.n_steps,
            clock="coordinate",
            record_every=config.record_every,
        )
        for p, step in progress(config.steps.items(), "Figure 2", "flow")
    }


def coordination(config: Config, p: float, trajectory: so.flow.Trajectory) -> float:
    """Mean coordination number of the velocities while MMD² is above 1 % of its start."""
    objective = so.flow.MMD(paper_clouds(config.n, config.seed)[1], eps=config.eps)
    gauge = so.Schatten(p)
    active = trajectory.points[trajectory.energy > 0.01 * trajectory.energy[0]]
    return float(
        np.mean([so.flow.coordination(x, gauge.selector(objective.force(x)), k=config.neighbours) for x in active])
    )


def numbers(config: Config, trajectories: dict[float, so.flow.Trajectory]) -> dict[str, Any]:
    flows = []
    for p, t in trajectories.items():
        small = np.flatnonzero(t.energy <= 0.01 * t.energy[0])
        flows.append(
            {
                "p": str(p),
                "step": config.steps[p],
                "energy_start": t.energy[0],
                "energy_end": t.energy[-1],
                "time_to_one_percent": t.times[small[0]] if len(small) else None,
                "coordination": coordination(config, p, t),
                "balance_residual": t.balance_residual[-1],
                "relative_balance_residual": t.balance_residual[-1] / t.energy[0],
                "times": t.times,
                "energy": t.energy,
                "dissipation": t.dissipation,
            }
        )
    parameters = {
        "n": config.n,
        "seed": config.seed,
        "eps": config.eps,
        "n_steps": config.n_steps,
        "record_every": config.record_every,
        "steps": {str(p): step for p, step in config.steps.items()},
        "clock": "coordinate",
        "neighbours": config.neighbours,
    }
    return {"parameters": parameters, "flows": flows}


def draw(config: Config, trajectories: dict[float, so.flow.Trajectory], flows: list[dict[str, Any]]) -> Any:
    import matplotlib.pyplot as plt

    target = paper_clouds(config.n, config.seed)[1]
    columns = len(trajectories)
    figure = plt.figure(figsize=(4.0 * (columns + 1), 4.2), layout="constrained")
    grid = figure.add_gridspec(2, columns + 1, height_ratios=(3, 2))
    panel = None
    for k, ((p, t), flow) in enumerate(zip(trajectories.items(), flows, strict=True)):
        panel = figure.add_subplot(grid[:, k], sharex=panel, sharey=panel)
        so.plot.trajectories(t, target, ax=panel)
        panel.set_title(f"p = {label(p)}\ncoordination {flow['coordination']:.3f}", fontsize=11)
        if k == 0:
            panel.legend(loc="upper left", bbox_to_anchor=(0, 0.02), ncols=3, frameon=False, handletextpad=0.2)

    curves = {f"p = {label(p)}": t for p, t in trajectories.items()}
    decay = so.plot.energy(curves, ax=figure.add_subplot(grid[0, -1]))
    decay.set(title="decay of MMD²", ylabel=None, xlabel=None)
    decay.tick_params(labelbottom=False)
    balance = figure.add_subplot(grid[1, -1], sharex=decay)
    for k, t in enumerate(curves.values()):
        balance.plot(t.times[1:], t.balance_residual[1:] / t.energy[0], color=so.plot.OKABE_ITO[k], lw=1.6)
    balance.set(title="energy balance residual / MMD² at the start", xlabel="time", ylim=(0, None))
    balance.ticklabel_format(axis="y", scilimits=(0, 0))
    balance.spines[["top", "right"]].set_visible(False)
    balance.locator_params(axis="x", nbins=5)
    for ax in (decay, balance):
        ax.title.set_fontsize(11)
    return figure


def compute(config: Config = Config()) -> tuple[dict[str, Any], Any]:
    """Both versions of the figure: three gauges, and the two gauges with other steps of the later version."""
    import matplotlib.pyplot as plt

    versions = {"first": config, "later": replace(config, steps=LATER_STEPS)}
    headline: dict[str, float] = {}
    flows: dict[str, list[dict[str, Any]]] = {}
    target = paper_clouds(config.n, config.seed)[1]
    figure, axes = plt.subplots(2, 4, figsize=(16, 8), layout="constrained")
    for row, (version, settings) in zip(axes, versions.items(), strict=True):
        trajectories = run(settings)
        flows[version] = numbers(settings, trajectories)["flows"]
        for ax, (p, t), flow in zip(row, trajectories.items(), flows[version], strict=False):
            if ax is not axes[0, 0]:
                ax.sharex(axes[0, 0])
                ax.sharey(axes[0, 0])
            name = f"p = {label(p)}, {version}"
            headline[f"MMD² end / start, {name}"] = flow["energy_end"] / flow["energy_start"]
            headline[f"coordination, {name}"] = flow["coordination"]
            headline[f"balance residual / start, {name}"] = flow["relative_balance_residual"]
            so.plot.trajectories(t, target, ax=ax)
            ax.set_title(f"p = {label(p)}, η = {settings.steps[p]:g}\ncoordination {flow['coordination']:.3f}")
        for ax in row[len(trajectories) : -1]:
            ax.set_axis_off()
            ax.legend(*axes[0, 0].get_legend_handles_labels(), loc="center", frameon=False, markerscale=2)
        so.plot.energy({f"p = {label(p)}": t for p, t in trajectories.items()}, ax=row[-1])
        row[-1].set_ylabel("MMD²")
        # Equal records are equal normalised times, the paper's horizontal axis.
        apart = trajectories[1].energy / trajectories[inf].energy
        headline[f"MMD² of p = 1 over p = ∞ at equal normalised times, largest, {version}"] = apart.max()
        order = [f["coordination"] for f in flows[version]]
        headline[f"coordination grows with p, {version}"] = float(order == sorted(order))
    return {"parameters": asdict(config), "headline": headline, "flows": flows}, figure


def main(config: Config = Config(), out: Path = OUT) -> None:
    trajectories = run(config)
    figure_numbers = numbers(config, trajectories)
    flows = figure_numbers["flows"]
    save_numbers(figure_numbers, "figure2", out)

    print(f"Figure 2: MMD flows, n = {config.n}, {config.n_steps} explicit Euler steps")
    print_table(
        ["p", "step", "MMD² start", "MMD² end", "coordination", "balance residual / MMD² start"],
        [
            [
                label(float(f["p"])),
                f"{f['step']:g}",
                f"{f['energy_start']:.6f}",
                f"{f['energy_end']:.3e}",
                f"{f['coordination']:.4f}",
                f"{f['relative_balance_residual']:.1e}",
            ]
            for f in flows
        ],
    )
    order = [f["coordination"] for f in sorted(flows, key=lambda f: float(f["p"]))]
    holds = all(a <= b for a, b in pairwise(order))
    verdict = "it does" if holds else "here it does not"
    print(f"The paper's caption says that coordination grows with p; measured this way {verdict}.")
    for _ in progress(("figure 2",), "Drawing", "figure"):
        save_figure(draw(config, trajectories, flows), "figure2", out)


if __name__ == "__main__":
    main()
