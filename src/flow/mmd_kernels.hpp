/// Wide kernels behind `Mmd`: sums over pairs of points, instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::flow::kernels {

/// Room that every array below needs after its n entries, so that whole vectors may be read and written.
inline constexpr std::size_t padding = 16;

/// Points as structure of arrays: coordinate c of point i is coordinates[c·stride + i], stride = n + padding.
/// The padding holds zeros.
struct Cloud {
    const double* coordinates;
    const double* weights;
    std::size_t n;
    std::size_t stride;
};

/// Where the sums go, laid out like the cloud of x. `potential` and `potential_error` (an unevaluated sum) may be null.
struct Sums {
    double* force;
    double* potential;
    double* potential_error;
};

/// force(x_i) += Σ_j b_j (x_i-y_j)/d_ij and potential_i += Σ_j b_j d_ij, d_ij = √(|x_i-y_j|²+ε²), relative error of
/// each term a few eps. Needs 1e-300 ≤ ε², d² ≤ 1e300.
void add_cross(const Cloud& x, const Cloud& y, std::size_t d, double eps_squared, const Sums& sums);

/// force(x_i) -= Σ_k a_k (x_i-x_k)/d_ik, each pair visited once, and potential_i += Σ_{k>i} a_k d_ik.
void subtract_self(const Cloud& x, std::size_t d, double eps_squared, const Sums& sums);

}  // namespace spectralot::flow::kernels
