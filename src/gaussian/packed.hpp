/// Symmetric d×d matrices as vectors of their d(d+1)/2 entries, isometrically: off the diagonal times √2.
#pragma once

#include "spectralot/core/types.hpp"

#include <numbers>

namespace spectralot::gaussian {

inline Index packed_size(Index d) {
    return d * (d + 1) / 2;
}

inline Vector packed(const Matrix& H) {
    Vector x(packed_size(H.rows()));
    for (Index j = 0, k = 0; j < H.cols(); ++j)
        for (Index i = 0; i <= j; ++i) x[k++] = (i == j ? 1.0 : std::numbers::sqrt2) * H(i, j);
    return x;
}

inline Matrix unpacked(const Vector& x, Index d) {
    Matrix H(d, d);
    for (Index j = 0, k = 0; j < d; ++j)
        for (Index i = 0; i <= j; ++i) H(i, j) = H(j, i) = x[k++] / (i == j ? 1.0 : std::numbers::sqrt2);
    return H;
}

}  // namespace spectralot::gaussian
