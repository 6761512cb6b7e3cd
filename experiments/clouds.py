"""The clouds of the paper's figures."""

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
