"""The experiments run, agree with their stored values and write what their pages promise."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import spectralot as so

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from experiments import all as all_experiments  # noqa: E402
from experiments.circle import run as circle  # noqa: E402
from experiments.clouds import paper_clouds  # noqa: E402
from experiments.fig1_shapes import run as figure1_shapes  # noqa: E402
from experiments.fig1_static import run as figure1  # noqa: E402
from experiments.fig2_mmd import run as figure2  # noqa: E402
from experiments.gaussian_kl import run as gaussian_kl  # noqa: E402
from experiments.linear_network import run as linear_network  # noqa: E402
from experiments.sphere_relu import run as sphere_relu  # noqa: E402
from experiments.two_modes import run as two_modes  # noqa: E402


def test_figure_1_has_the_expected_certified_costs(tmp_path, capsys):
    figure1.main(out=tmp_path)
    numbers = json.loads((tmp_path / "figure1.json").read_text())
    expected = json.loads((ROOT / "experiments" / "fig1_static" / "expected.json").read_text())
    assert len(numbers["gauges"]) == len(expected)
    for row, stored in zip(numbers["gauges"], expected, strict=True):
        assert row["p"] == stored["p"]
        assert row["converged"]
        assert row["gap"] <= 1e-9
        assert row["lower"] <= stored["upper"] * (1 + 1e-9)
        assert row["upper"] >= stored["lower"] * (1 - 1e-9)
        assert row["matching_cost"] >= row["lower"]
        assert np.isclose(sum(row["plan"]["mass"]), 1, rtol=0, atol=1e-12)
    for name in ("figure1_matching", "figure1_plan"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1_000
    assert "proved brackets" in capsys.readouterr().out


def test_shapes_have_the_expected_certified_costs(tmp_path, capsys):
    assert figure1_shapes.main(figure1_shapes.QUICK, out=tmp_path) == []
    rows = json.loads((tmp_path / "figure1_shapes.json").read_text())["rows"]
    assert len(rows) == 12
    for row in rows:
        assert row["gap"] <= 1e-8
        assert row.get("heuristic", np.inf) >= row["lower"]  # the paper's matching is an upper bound
    assert (tmp_path / "figure1_shapes.png").stat().st_size > 10_000
    assert "heuristic above" in capsys.readouterr().out


def test_figure_2_decreases_mmd_and_balances_its_energy(tmp_path):
    config = figure2.Config(n_steps=200, record_every=10)
    figure2.main(config, out=tmp_path)
    for flow in json.loads((tmp_path / "figure2.json").read_text())["flows"]:
        assert flow["energy_end"] < flow["energy_start"]
        assert flow["relative_balance_residual"] < 0.05
        assert -1 <= flow["coordination"] <= 1
    assert (tmp_path / "figure2.png").exists()


@pytest.mark.parametrize("name", all_experiments.FLOWS)
def test_flows_have_their_expected_headline_numbers(name, tmp_path):
    headline, wrong = all_experiments.run_flow(name, quick=True, out=tmp_path)
    assert not wrong, "\n".join(wrong)
    assert headline
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    folder = ROOT / "experiments" / name
    assert "](figure.png)" in (folder / "README.md").read_text()
    assert (folder / "figure.png").stat().st_size < 300_000
    assert json.loads((folder / "expected.json").read_text())["full"]


def test_geodesics_on_the_circle_are_animated(tmp_path):
    pages = circle.animate(tmp_path, circle.QUICK)
    assert [page.name for page in pages] == ["circle_1.html", "circle_2.html", "circle_inf.html"]


def test_birth_and_death_on_the_sphere_is_animated(tmp_path):
    pages = sphere_relu.animate(tmp_path, sphere_relu.QUICK)
    assert [page.name for page in pages] == ["sphere_relu_1.html", "sphere_relu_inf.html"]
    assert all(page.stat().st_size > 10_000 for page in pages)


@pytest.mark.slow
def test_figure_2_in_full(tmp_path):
    """The published run: MMD² falls below a thousandth of its start, further for larger p, and the balance holds."""
    figure2.main(out=tmp_path)
    flows = json.loads((tmp_path / "figure2.json").read_text())["flows"]
    assert [flow["p"] for flow in flows] == ["1", "2", "inf"]
    ends = [flow["energy_end"] for flow in flows]
    assert ends == sorted(ends, reverse=True)
    for flow in flows:
        assert flow["energy_end"] < 1e-3 * flow["energy_start"]
        assert np.all(np.diff(flow["energy"]) < 0)
        assert flow["relative_balance_residual"] < 3e-3


@pytest.mark.slow
@pytest.mark.parametrize("p", [1, 2, so.inf])
def test_ten_thousand_points_of_figure_1_are_certified(p):
    source, target = paper_clouds(10_000)
    r = so.solve_sample(source, target, p).require_solved()
    assert so.verify(source, target, r).ok


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_gaussian_kl_flow_has_the_expected_energies(tmp_path):
    gaussian_kl.main(out=tmp_path)
    numbers = json.loads((tmp_path / "gaussian_kl.json").read_text())["flows"]
    expected = json.loads((ROOT / "experiments" / "gaussian_kl" / "expected.json").read_text())
    for flow, stored in zip(numbers, expected, strict=True):
        assert flow["balance_residual"] <= 1e-9
        assert flow["energy_end"] == pytest.approx(stored["energy_end"], rel=1e-4)
        np.testing.assert_allclose(flow["rank_losses"], stored["rank_losses"], rtol=1e-5)
    assert (tmp_path / "gaussian_kl.png").exists()


@pytest.mark.parametrize("experiment", [linear_network, two_modes])
def test_modal_flows_have_the_expected_events(experiment, tmp_path):
    name = Path(experiment.__file__).parent.name
    experiment.main(out=tmp_path)
    rows = json.loads((tmp_path / f"{name}.json").read_text())["rows"]
    expected = json.loads((ROOT / "experiments" / name / "expected.json").read_text())
    for row, stored in zip(rows, expected, strict=True):
        assert row["invariant_drift"] <= 1e-13
        assert row["balance_residual"] <= 1e-8
        np.testing.assert_allclose(row["r_end"], stored["r_end"], atol=1e-6)
        lost = [[event[:2] for event in case["events"] if event[2] != "settled"] for case in (row, stored)]
        np.testing.assert_allclose(*lost, rtol=1e-6)
    assert (tmp_path / f"{name}.png").exists()
