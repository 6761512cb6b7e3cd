"""Every picture draws what its result says, into the axes it is given."""

from __future__ import annotations

import numpy as np
import pytest
import spectralot as so

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def result(rng):
    return so.solve_sample(rng.normal(size=(10, 2)), rng.normal(size=(10, 2)) + 3, so.Operator())


def segments(ax):
    return next(c for c in ax.collections if isinstance(c, matplotlib.collections.LineCollection))


def clouds(ax):
    return [c for c in ax.collections if isinstance(c, matplotlib.collections.PathCollection)]


def draw(ax):
    ax.figure.canvas.draw()
    return ax


def test_plan_draws_one_segment_per_entry(result):
    ax = draw(so.plot.plan(result))
    assert len(segments(ax).get_segments()) == len(result.masses)
    opacity = segments(ax).get_colors()[:, 3]
    assert opacity[result.masses.argmax()] == opacity.max()
    source, target = clouds(ax)
    assert np.array_equal(source.get_offsets(), result.X_a)
    assert np.array_equal(target.get_offsets(), result.X_b)
    assert ax.get_aspect() == 1


def test_matching_draws_one_segment_per_point_into_given_axes(result):
    _, ax = plt.subplots()
    assert so.plot.plan(result, ax=ax, kind="matching") is ax
    drawn = np.array(segments(draw(ax)).get_segments())
    assert np.array_equal(drawn[:, 0], result.X_a)
    assert np.array_equal(drawn[:, 1], result.X_b[result.matching()[0]])


def test_plan_at_other_positions(result):
    ax = draw(so.plot.plan(result, 2 * result.X_a, result.X_b))
    assert np.array_equal(clouds(ax)[0].get_offsets(), 2 * result.X_a)


def test_geodesic_draws_every_time(result):
    ax = draw(so.plot.geodesic(result, times=[0, 0.5, 1]))
    assert len(clouds(ax)) == 3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["t = 0", "t = 0.5", "t = 1"]


def test_trajectories_and_energy(result):
    flows = [so.flow.run(so.flow.MMD(result.X_b), result.X_a, g, step=0.05, n_steps=9) for g in (1, so.Operator())]
    ax = draw(so.plot.trajectories(flows[0], target=result.X_b))
    assert np.allclose(segments(ax).get_segments()[3], flows[0].points[:, 3])
    ax = draw(so.plot.energy({"trace": flows[0], "operator": flows[1]}))
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["trace", "operator"]
    assert np.array_equal(ax.lines[1].get_ydata(), flows[1].energy)
    assert len(draw(so.plot.energy(flows)).lines) == 2
    assert len(draw(so.plot.energy(flows[0])).lines) == 1


def test_bad_pictures_are_refused(result):
    with pytest.raises(ValueError, match=r"kind: .*'lines'"):
        so.plot.plan(result, kind="lines")
    line = so.solve_sample([[0.0], [1.0]], [[2.0], [3.0]])
    with pytest.raises(ValueError, match=r"X_a: .*two coordinates"):
        so.plot.plan(line)


def test_covariances_draw_one_ellipse_per_state():
    pair = ([0, 0], np.eye(2), [3, 0], np.diag([4.0, 0]))
    ax = draw(so.plot.covariances(so.gaussian.solve(*pair), times=[0, 0.5, 1]))
    assert len(ax.lines) == 3
    np.testing.assert_allclose(np.hypot(*ax.lines[0].get_data()), 1)
    flow = so.gaussian.kl_flow([0, 0], np.eye(2), [1, 0], 2 * np.eye(2), 2, 1.0)
    assert len(draw(so.plot.covariances(flow, 4, target=([1, 0], 2 * np.eye(2)))).lines) == 5


@pytest.fixture(scope="module")
def path():
    x = (np.arange(16) + 0.5) / 16
    a, b = (np.exp(-((x[:, None] - c) ** 2 + (x - 0.5) ** 2) / 0.02) for c in (0.3, 0.7))
    return so.dynamic.solve(a / a.sum(), b / b.sum(), so.Operator(), n_times=8, tol=2e-2)


def test_densities_have_their_first_axis_to_the_right(path):
    axes = so.plot.density(path, times=[0, 0.5, 1])
    assert [ax.get_title() for ax in axes] == ["t = 0", "t = 0.5", "t = 1"]
    for ax, k in zip(axes, (0, 4, 8), strict=True):
        draw(ax)
        shown = ax.images[0].get_array()
        np.testing.assert_allclose(shown, path.frames[k].T / path.frames[[0, 4, 8]].max(), rtol=1e-12)
        assert ax.images[0].get_clim() == (0, 1)
        assert len(ax.images) == 1
    with pytest.raises(ValueError, match="as many as times"):
        so.plot.density(path, axes=axes)


def test_densities_with_one_and_three_axes_and_walls_are_drawn(path):
    line = so.dynamic.solve(path.density[0].sum(1), path.density[-1].sum(1), n_times=4, tol=0.1)
    bars = draw(so.plot.density(line, times=[0, 1])[0]).images[0].get_array()
    np.testing.assert_allclose(bars.mean(0), line.frames[0] / line.frames[[0, 4]].max(), atol=1e-12)
    with pytest.raises(ValueError, match="two or three axes"):
        so.plot.momentum(line)

    mask = np.ones((8, 8, 6), bool)
    mask[4, :3] = False  # closed through and through
    mask[4, 3, 1:] = False
    a, b = np.zeros(mask.shape), np.zeros(mask.shape)
    a[1:3, 1:4, 2:4] = 1 / 12
    b[5:7, 1:4, 2:4] = 1 / 12
    box = so.dynamic.solve(a, b, so.Trace(), n_times=4, tol=0.9, mask=mask)
    first = draw(so.plot.density(box, times=[0])[0])
    np.testing.assert_allclose(first.images[0].get_array(), a.sum(-1).T / a.sum(-1).max(), atol=1e-12)
    assert np.array_equal(~first.images[1].get_array().mask, ~mask.any(-1).T)
    draw(so.plot.momentum(box))


def test_momentum_points_where_the_mass_goes(path):
    ax = draw(so.plot.momentum(path, 0.5, arrows=8))
    (arrows,) = ax.collections
    assert 8 < len(arrows.U) < 64  # those that can be seen
    assert arrows.U.sum() > 0
    assert abs(arrows.V.sum()) < 0.05 * arrows.U.sum()


def test_actions_lie_in_their_bracket(path):
    ax = draw(so.plot.action({"operator": path}))
    (line,) = ax.lines
    assert np.array_equal(line.get_ydata(), path.action)
    assert line.get_label() == "operator"
    assert len(draw(so.plot.action(path)).lines) == 1
