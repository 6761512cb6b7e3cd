"""Torch tensors as input, where torch is installed."""

from __future__ import annotations

import numpy as np
import pytest
import spectralot as so

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64])
def test_tensors_are_converted_and_left_alone(dtype):
    X = torch.tensor([[0, 1], [2, 3], [5, 8]]).to(dtype)
    Y = (X * 2)[:2].requires_grad_() if dtype.is_floating_point else (X * 2)[:2]
    r = so.solve_sample(X, Y, a=torch.ones(3), b=torch.ones(2) * 1.5)
    s = so.solve_sample(np.array([[0, 1], [2, 3], [5, 8]]), np.array([[0, 2], [4, 6]]))
    assert (r.lower, r.upper) == (s.lower, s.upper)
    assert X.dtype == dtype


def test_complex_tensors_are_refused():
    with pytest.raises(ValueError, match="X_a: must be real"):
        so.solve_sample(torch.zeros(2, 2, dtype=torch.complex64), np.eye(2))
