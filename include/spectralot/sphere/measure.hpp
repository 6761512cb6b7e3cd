/// Measures on the unit sphere, and the reduction Π₂ of particle measures to them (math.md §8):
/// ∫ψ dΠ₂(μ) = ∫|x|² ψ(x/|x|) dμ. A two-homogeneous model depends on μ through Π₂(μ) only.
#pragma once

#include "spectralot/core/types.hpp"

#include <string>

namespace spectralot::sphere {

/// Σ_i masses[i] δ_{directions[i]}: unit rows, finite masses ≥ 0 whose sum is free (it may be zero).
struct SphericalMeasure {
    Points directions;  ///< n×d
    Vector masses;      ///< (n)

    [[nodiscard]] Index size() const { return directions.rows(); }
    [[nodiscard]] Index dimension() const { return directions.cols(); }
};

/// Throws InvalidArgument for no rows or columns, sizes that differ, NaN or infinity, negative masses, a total mass
/// that overflows, and for rows whose length differs from one by more than 1e-9.
void check_spherical(const SphericalMeasure& measure, const std::string& directions_name,
                     const std::string& masses_name);

/// Both measures (dirs_0, masses_0, dirs_1, masses_1 in messages), and that they share a dimension.
void check_pair(const SphericalMeasure& nu0, const SphericalMeasure& nu1);

/// Π₂ of Σ_i weights[i] δ_{x_i} (empty = uniform 1/n, else ≥ 0 and taken as they are): mass w_i|x_i|² in direction
/// x_i/|x_i|, one row per particle; x_i = 0 has mass 0 and the first basis vector as its direction. Relative accuracy
/// (d+4)·eps, for coordinates of any size as long as the mass itself is in range.
///
///     sphere::project(x, {}).masses.sum();  // the mean of |x_i|²
SphericalMeasure project(const Points& x, const Vector& weights);

/// The canonical (one-homogeneous) velocity v(rω) = r(bω + τ), τ ⊥ ω, taken apart.
struct SphericalFields {
    Vector growth;      ///< b (n): masses follow ṁ = 2bm
    Points tangential;  ///< τ (n×d)
};

/// b_i = <v_i, x_i>/|x_i|², τ_i = v_i/|x_i| - b_i ω_i. Zero where x_i = 0: the selector of a two-homogeneous objective
/// vanishes there. Throws InvalidArgument for shapes that differ, NaN or infinity.
SphericalFields fields(const Points& x, const Points& velocity);

}  // namespace spectralot::sphere
