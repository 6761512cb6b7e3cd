"""Certified spectral Wasserstein distances, their plans and geodesics, and spectral gradient flows.

    >>> import spectralot as so
    >>> r = so.solve_sample([[-1, 0], [1, 0]], [[0, -1], [0, 1]], gauge=so.Schatten(2))
    >>> round(r.value, 6), r.converged  # the squared distance: √2 where W2² is 2
    (1.414214, True)

Source: G. Peyré, "Muon Dynamics as a Spectral Wasserstein Flow", 2026. Costs are squared, distances are not.
"""

from math import inf

from . import animation, dynamic, flow, gaussian, plot, sphere
from ._core import __version__
from ._errors import Interrupted, NotSolved
from .gauges import (
    BlockMax,
    BlockSum,
    ConicSum,
    CustomGauge,
    Entrywise,
    Gauge,
    KyFan,
    Operator,
    Polyhedral,
    Schatten,
    SelectorDiagnostics,
    Trace,
    WeightedTrace,
    polar,
)
from .pairwise import PairwiseResult, pairwise_distances
from .storage import load
from .transport import Progress, TransportResult, Verification, distance, emd_sample, solve_sample, verify

__all__ = [
    "BlockMax",
    "BlockSum",
    "ConicSum",
    "CustomGauge",
    "Entrywise",
    "Gauge",
    "Interrupted",
    "KyFan",
    "NotSolved",
    "Operator",
    "PairwiseResult",
    "Polyhedral",
    "Progress",
    "Schatten",
    "SelectorDiagnostics",
    "Trace",
    "TransportResult",
    "Verification",
    "WeightedTrace",
    "__version__",
    "animation",
    "distance",
    "dynamic",
    "emd_sample",
    "flow",
    "gaussian",
    "inf",
    "load",
    "pairwise_distances",
    "plot",
    "polar",
    "solve_sample",
    "sphere",
    "verify",
]
