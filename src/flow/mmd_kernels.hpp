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

/// A radial function D of pairs, minus a positive definite kernel up to constants, with ∇_x D = scale·(x-y):
/// √(r²+ε²) (energy distance), -exp(-r²/2ε²) (Gaussian), -(1+r²/ε²)^{-1/2} (inverse multiquadric).
enum class Radial { EnergyDistance, Gaussian, InverseMultiquadric };
struct Shape {
    Radial radial;
    double eps;

    [[nodiscard]] double at_zero() const { return radial == Radial::EnergyDistance ? eps : -1.0; }
};

/// Points first ≤ i < last; both multiples of `padding`, or last = n.
struct Range {
    std::size_t first, last;
};

/// force(x_i) += Σ_j b_j ∇D(x_i-y_j) and potential_i += Σ_j b_j D(x_i-y_j) for i in `rows`, relative error of each
/// term a few eps. Needs |x|, |y| ≤ 2 and 1e-150 ≤ ε ≤ 2 (1e-75 but for the energy distance).
void add_cross(const Shape& shape, const Cloud& x, Range rows, const Cloud& y, std::size_t d, const Sums& sums);

/// The pairs (i, k), k > i, of i in `rows`, each visited once: force(x_i) -= a_k ∇D(x_i-x_k), force(x_k) +=
/// a_i ∇D(x_i-x_k), potential_i += a_k D(x_i-x_k).
void subtract_self(const Shape& shape, const Cloud& x, Range rows, std::size_t d, const Sums& sums);

}  // namespace spectralot::flow::kernels
