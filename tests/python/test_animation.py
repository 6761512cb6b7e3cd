"""Animations: movies of the right length, a page that holds its data, and a slider that moves the particles."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import spectralot as so
from PIL import Image


@pytest.fixture
def trajectory(rng):
    X = rng.normal(size=(12, 3))
    return so.flow.run(so.flow.MMD(X[:, ::-1] + 2), X, step=0.05, n_steps=40)


def test_a_gif_has_the_frames_asked_for(trajectory, tmp_path):
    path = so.animation.save(trajectory, tmp_path / "flow.gif", frames=7, title="descent")
    with Image.open(path) as movie:
        assert movie.n_frames == 7
    assert [p.name for p in tmp_path.iterdir()] == ["flow.gif"]


@pytest.mark.slow
def test_an_mp4_is_written(trajectory, tmp_path):
    assert shutil.which("ffmpeg"), "ffmpeg is missing: scripts/setup.sh browser"
    assert so.animation.save(trajectory, tmp_path / "flow.mp4", frames=5).stat().st_size > 1000


def test_the_page_holds_the_trajectory_and_no_links(trajectory, tmp_path):
    page = so.animation.save(
        trajectory, tmp_path / "flow.html", target=np.zeros((2, 3)), frames=11, title="</script><b>"
    ).read_text()
    assert not re.search(r"(src|href)=|https?:|import ", page)
    data = json.loads(re.search(r"const data = (.*);\n", page)[1])
    points = np.frombuffer(base64.b64decode(data["points"]), "<f4").reshape(11, 12, 2)
    assert np.allclose(points, trajectory.points[::4, :, :2], rtol=1e-6, atol=1e-7)
    assert data["times"] == trajectory.times[::4].tolist()
    assert page.count("</script>") == 1


def test_bad_input_is_named(trajectory, tmp_path):
    with pytest.raises(ValueError, match=r"path: must end in \.gif, \.mp4 or \.html"):
        so.animation.save(trajectory, tmp_path / "flow.avi")
    with pytest.raises(ValueError, match="frames"):
        so.animation.save(trajectory, tmp_path / "flow.html", frames=0)


def test_particles_on_a_line_are_animated_on_a_line(tmp_path):
    t = so.flow.run(so.flow.MMD([[1.0]]), [[0.0], [3.0]], step=0.1, n_steps=3)
    page = so.animation.save(t, tmp_path / "flow.html", target=[[1.0]]).read_text()
    data = json.loads(re.search(r"const data = (.*);\n", page)[1])
    points = np.frombuffer(base64.b64decode(data["points"]), "<f4").reshape(4, 2, 2)
    assert np.array_equal(points[..., :1], t.points.astype("<f4"))
    assert not points[..., 1].any()


@pytest.fixture(scope="module")
def density_path():
    x = (np.arange(12) + 0.5) / 12
    a, b = (np.exp(-((x[:, None] - c) ** 2 + (x - 0.4) ** 2) / 0.02) for c in (0.3, 0.7))
    return so.dynamic.solve(a / a.sum(), b / b.sum(), so.Trace(), n_times=6, tol=2e-2)


@pytest.fixture(scope="module")
def walled_path(density_path):
    mask = np.ones((12, 12), bool)
    mask[5, :2] = False
    a, b = (np.where(mask, density_path.density[k], 0) for k in (0, -1))
    return so.dynamic.solve(a / a.sum(), b / b.sum(), 1, n_times=6, tol=0.5, mask=mask)


def test_densities_move(density_path, tmp_path):
    path = so.animation.save(density_path, tmp_path / "path.gif", frames=5)
    with Image.open(path) as film:
        assert film.n_frames == 5
    page = so.animation.save(density_path, tmp_path / "path.html", title="</script>").read_text()
    data = json.loads(re.search(r"const data = (.*);", page)[1])
    assert data["shape"] == [7, 12, 12]
    assert data["title"] == "</script>"
    levels = np.frombuffer(base64.b64decode(data["levels"]), "u1").reshape(7, 12, 12)
    shown = density_path.frames / density_path.frames.max()
    np.testing.assert_allclose(levels[:, ::-1].transpose(0, 2, 1) / 255, shown, atol=0.003)
    assert data["closed"] == ""
    with pytest.raises(ValueError, match="target"):
        so.animation.save(density_path, tmp_path / "path.gif", target=[[0, 0]])


def test_walls_are_drawn_in_pages(walled_path, tmp_path):
    page = so.animation.save(walled_path, tmp_path / "wall.html").read_text()
    data = json.loads(re.search(r"const data = (.*);", page)[1])
    closed = np.frombuffer(base64.b64decode(data["closed"]), "u1").reshape(12, 12)
    assert np.array_equal(closed[::-1].T == 0, walled_path.mask)


def test_densities_on_a_line_move(density_path, tmp_path):
    a, b = (density_path.density[k].sum(1) for k in (0, -1))
    line = so.dynamic.solve(a, b, 1, n_times=4, tol=0.1)
    with Image.open(so.animation.save(line, tmp_path / "line.gif")) as film:
        assert film.n_frames == 5


@pytest.fixture(scope="module")
def sphere_geodesic():
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(12, 3)), random.normal(size=(9, 3))
    return so.sphere.solve(*so.sphere.project(X), *so.sphere.project(Y, np.full(9, 0.3)), 2)


def test_a_geodesic_on_the_sphere_moves(sphere_geodesic, tmp_path):
    with Image.open(so.animation.save(sphere_geodesic, tmp_path / "path.gif", frames=5)) as film:
        assert film.n_frames == 5
    page = so.animation.save(sphere_geodesic, tmp_path / "path.html", frames=5).read_text()
    data = json.loads(re.search(r"const data = (.*);", page)[1])
    assert data["times"] == [0, 0.25, 0.5, 0.75, 1]
    points, radii = (np.frombuffer(base64.b64decode(data[name]), "<f4") for name in ("points", "radii"))
    start = 0
    states = [sphere_geodesic.geodesic(t) for t in data["times"]]
    largest = max(m.max() for _, m in states)
    for (dirs, masses), count in zip(states, data["counts"], strict=True):
        at = slice(start, start + count)
        np.testing.assert_allclose(points.reshape(-1, 2)[at], dirs[:, :2], atol=1e-6)
        np.testing.assert_allclose(radii[at] ** 2 * largest, masses, atol=1e-6)
        start += count
    with pytest.raises(ValueError, match="target"):
        so.animation.save(sphere_geodesic, tmp_path / "path.gif", target=[[0, 0, 0]])


MOVE_THE_SLIDER = """
<script>
const seen = () => pen.getImageData(0, 0, canvas.width, canvas.height).data.join("");
const before = seen();
slider.value = slider.max;
slider.dispatchEvent(new Event("input"));
const moved = seen() !== before;
slider.value = 0;
slider.dispatchEvent(new Event("input"));
document.title = JSON.stringify({max: slider.max, moved, back: seen() === before, label: label.textContent});
</script>
"""


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["trajectory", "density_path", "walled_path", "sphere_geodesic"])
def test_the_slider_moves_the_picture_in_a_browser(subject, request, tmp_path):
    browser = shutil.which("chromium")
    assert browser, "chromium is missing: scripts/setup.sh browser"
    path = so.animation.save(request.getfixturevalue(subject), tmp_path / "flow.html", frames=7)
    path.write_text(path.read_text().replace("</body>", MOVE_THE_SLIDER + "</body>"))
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (title,) = re.findall(r"<title>(.*?)</title>", run.stdout)
    answer = json.loads(title.replace("&quot;", '"'))
    assert answer["max"] == "6"
    assert answer["moved"]
    assert answer["back"]
    assert answer["label"].startswith("t = 0.00")
