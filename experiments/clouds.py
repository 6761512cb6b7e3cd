"""The clouds of the paper's figures, and those that tests and benchmarks share."""

import numpy as np

MIXTURE_CENTRES = np.array([(-3.4, -1.1), (-0.6, 3.0), (3.8, -2.5)])
MIXTURE_DEVIATIONS = np.array([(0.55, 0.30), (0.35, 0.65), (0.45, 0.35)])
MIXTURE_WEIGHTS = np.array([0.40, 0.35, 0.25])
SOURCE_MAP = np.array([[1.4, 0.8], [-0.3, 0.6]])
SOURCE_MEAN = np.array([2.8, 2.4])


def paper_clouds(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Source (a sheared Gaussian) and target (a mixture of three) of Figures 1 and 2: two (n, 2) arrays."""
    random = np.random.default_rng(seed)
    counts = np.floor(MIXTURE_WEIGHTS * n + 1e-9).astype(int)
    counts[-1] = n - counts[:-1].sum()
    component = np.repeat(np.arange(3), counts)
    target = MIXTURE_CENTRES[component] + MIXTURE_DEVIATIONS[component] * random.normal(size=(n, 2))
    random.shuffle(target)
    source = random.normal(size=(n, 2)) @ SOURCE_MAP.T + SOURCE_MEAN
    return source, target


def paper_clouds_3d(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The same in space: the source sheared in the third coordinate too, the components at three heights."""
    random = np.random.default_rng((seed, 3))  # independent of the draws of paper_clouds
    source, target = paper_clouds(n, seed)
    height = random.normal(size=(2, n))
    nearest = ((target[:, None] - MIXTURE_CENTRES) ** 2).sum(axis=2).argmin(axis=1)
    source_height = 0.8 * height[0] + 0.2 * source[:, 1] - 0.5
    target_height = np.array([0.5, -1.0, 0.8])[nearest] + 0.5 * height[1]
    return np.column_stack([source, source_height]), np.column_stack([target, target_height])


def gaussian_clouds(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A standard normal and its image under a random map near the identity, shifted by one in every coordinate."""
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(n, d)) @ (np.eye(d) + 0.3 * random.normal(size=(d, d))) + 1


def fragmented_hypercube(n: int, d: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Uniform on [-1, 1]^d; the target's first k coordinates pushed outwards by 2."""
    random = np.random.default_rng(seed)
    source, target = random.uniform(-1, 1, size=(2, n, d))
    target[:, :k] += 2 * np.sign(target[:, :k])
    return source, target


def disk_to_annulus(n: int, d: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The unit ball to the shell 2 < |y| < 3 in the first k coordinates, uniform on [0, 1] in the others."""
    random = np.random.default_rng(seed)

    def shell(inner: float, outer: float) -> np.ndarray:
        direction = random.normal(size=(n, k))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        radius = random.uniform(inner**k, outer**k, size=(n, 1)) ** (1 / k)
        return np.hstack([direction * radius, random.uniform(size=(n, d - k))])

    return shell(0, 1), shell(2, 3)


def two_bumps_to_one(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two normal bumps at (±1, 0) to one at the origin, all of deviation 0.3, in the plane."""
    random = np.random.default_rng(seed)
    sides = np.column_stack([random.choice([-1.0, 1.0], size=n), np.zeros(n)])
    return sides + 0.3 * random.normal(size=(n, 2)), 0.3 * random.normal(size=(n, 2))


def square_to_square(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Uniform on a square of side 2 to uniform on one of side 3, shifted by (1, 0.5)."""
    random = np.random.default_rng(seed)
    shift = np.array([1.0, 0.5])
    return random.uniform(-1, 1, size=(n, 2)), random.uniform(-1.5, 1.5, size=(n, 2)) + shift
