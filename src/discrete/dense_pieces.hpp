/// The pieces of an envelope in panels that a vector unit reads straight through, in single precision.
#pragma once

#include "spectralot/core/types.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace spectralot {

/// Panel by panel: 32 offsets, then 32 values of each coordinate. Places beyond the last piece have offset infinity.
/// The points must outlive this.
struct PackedPieces {
    static constexpr int panel = 32;

    const Points& points;
    const Vector& offset;
    Index n_panels;
    std::vector<float> values;
    std::vector<double> reach;  ///< of every panel, the largest |p|
    std::vector<double> size;   ///< and |offset|

    PackedPieces(const Points& points_, const Vector& offset_)
        : points(points_),
          offset(offset_),
          n_panels((points.rows() + panel - 1) / panel),
          values(static_cast<std::size_t>(n_panels * panel * (points.cols() + 1)), 0.0F) {
        for (Index p = 0; p < n_panels; ++p) {
            const Index first = p * panel, n = std::min<Index>(panel, points.rows() - first);
            reach.push_back(points.middleRows(first, n).rowwise().norm().maxCoeff());
            size.push_back(offset.segment(first, n).cwiseAbs().maxCoeff());
            float* const packed = &values[static_cast<std::size_t>(first * (points.cols() + 1))];
            std::fill_n(packed, panel, std::numeric_limits<float>::infinity());
            for (Index j = 0; j < n; ++j) {
                packed[j] = static_cast<float>(offset[first + j]);
                for (Index k = 0; k < points.cols(); ++k)
                    packed[(k + 1) * panel + j] = static_cast<float>(points(first + j, k));
            }
        }
    }

    /// The sum in single precision of any piece of the panel with <q, p> - offset > floor, |q| = `norm`, is no smaller.
    [[nodiscard]] float threshold(Index panel, double norm, double floor) const {
        constexpr double unit_roundoff = 0x1p-24, least_normal = 0x1p-126, safe = 0x1p60;
        const double n_terms = static_cast<double>(points.cols()) + 8.0;
        const double scale = size[panel] + norm * reach[panel];
        const double error = n_terms * (unit_roundoff * scale + least_normal * (1.0 + norm + reach[panel]));
        return scale < safe ? static_cast<float>(floor - error - 2.0 * unit_roundoff * std::abs(floor)) : -HUGE_VALF;
    }
};

/// Some queries, what they look for, and the same in single precision.
struct QueryBlock {
    Index begin;  ///< index of the first
    Index size;
    const double* exact;   ///< size × d
    const float* rounded;  ///< the same
    const double* norm;    ///< of every query
    double* floor;         ///< only values above it count; rises with what is found
};

}  // namespace spectralot
