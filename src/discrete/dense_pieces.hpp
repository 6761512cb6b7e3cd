/// The pieces of an envelope in panels that a vector unit reads straight through.
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot {

/// Panel by panel: 16 offsets, then 16 values of each coordinate. Places beyond the last piece have offset infinity.
struct PackedPieces {
    static constexpr int panel = 16;

    Index dimension;
    Index n_panels;
    std::vector<double> values;

    PackedPieces(const Points& points, const Vector& offset)
        : dimension(points.cols()),
          n_panels((points.rows() + panel - 1) / panel),
          values(static_cast<std::size_t>(n_panels * panel * (dimension + 1)), 0.0) {
        for (Index j = 0; j < n_panels * panel; ++j) {
            double* const place = &values[static_cast<std::size_t>((j / panel) * panel * (dimension + 1) + j % panel)];
            place[0] = j < points.rows() ? offset[j] : infinity;
            for (Index k = 0; k < dimension && j < points.rows(); ++k) place[(k + 1) * panel] = points(j, k);
        }
    }
};

}  // namespace spectralot
