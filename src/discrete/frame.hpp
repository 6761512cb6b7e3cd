/// From the cost (y-x)ᵀQ(y-x) to plain squared distances between two centred, scaled clouds.
#pragma once

#include "spectralot/discrete/measure.hpp"

namespace spectralot {

/// x_i = mean_a + 2^exponent·x.row(i), y_j likewise, and mean_b - mean_a = 2^exponent·shift. Subtracting the means
/// first keeps clouds far from the origin, or from each other, accurate to their own size.
struct CentredPair {
    Points x;
    Points y;
    Vector shift;
    int exponent = 0;
    double x_radius = 0.0;  ///< largest |x.row(i)|
    double y_radius = 0.0;

    CentredPair(const DiscreteMeasure& mu, const DiscreteMeasure& nu);
};

/// With Q = U diag(λ) Uᵀ (scaled by 2^metric_exponent): u = x U √|λ| and w = y U √|λ| sign(λ) turn the cost into
///   |u_i - w_j|² + row_offset_i + col_offset_j,
/// because -(u-v)² = (u-(-v))² - 2u² - 2v²: an indefinite metric is only a reflection of ν and separable terms. The
/// offsets carry the shift between the means as well. Directions with |λ| ≤ 4 eps |λ|_max are left out.
struct Frame {
    Matrix x_axes;  ///< U √|λ|: u = x·x_axes
    Matrix y_axes;  ///< U √|λ| sign(λ): w = y·y_axes
    Points u;
    Points w;
    Vector row_offset;
    Vector col_offset;
    Matrix metric;  ///< Q·2^-metric_exponent
    int metric_exponent = 0;
    double metric_norm = 0.0;  ///< bound on the spectral norm of `metric`
    double entry_norm = 0.0;   ///< its Frobenius norm
    double axes_norm = 0.0;    ///< bound on the spectral norm of |U √|λ||, entry by entry in absolute value
    double residual = 0.0;     ///< bound on the norm of metric - UΛUᵀ over the directions kept

    Frame(const CentredPair& pair, const Matrix& Q);
    [[nodiscard]] Index rank() const { return u.cols(); }
};

}  // namespace spectralot
