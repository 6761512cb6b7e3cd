/// Couplings of spherical measures: moments, mixtures, and what they prove.
#pragma once

#include "spectralot/gauge/gauge.hpp"
#include "spectralot/sphere/solve.hpp"

namespace spectralot::sphere {

/// Throws InvalidArgument unless the gauge is convex, monotone and fits dimension d.
void check_gauge(const Gauge& gauge, int d);

/// Throws InvalidArgument unless indices, masses and lengths fit the measures.
void check_coupling(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling);

/// The coupling as it is meant: rows and columns whose sums exceed their mass scaled down to it, and what they leave
/// over.
struct CompletedCoupling {
    Coupling pairs;
    Vector left_over_0;  ///< ν0_i - Σ_j A_ij ≥ 0
    Vector left_over_1;  ///< ν1_j - Σ_i B_ij ≥ 0
};
CompletedCoupling complete(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling);

/// S as a sum of squares, Σ(√B ω' - √A ω)(·)ᵀ and the mass left over. Error at most 16·eps·(total masses) in trace
/// norm.
Matrix moment(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const CompletedCoupling& coupling);

/// A coupling whose moment is Σ w_k S_k: A and B averaged, then lowered until √(AB) is the average of C.
Coupling mix(const std::vector<const Coupling*>& couplings, const std::vector<double>& weights);

/// The coupling on at most n + m - 1 + d(d+1)/2 pairs (thin.hpp), whose moment is the same where A u = B v for every
/// pair, as it is for optimal potentials; near them, close to it. As it is where that would take too long.
Coupling thinned(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling,
                 const GrowthPotentials& potentials);

/// γ(S) with its rounding and that of S, for measures with these masses together.
double safe_upper(const Gauge& gauge, const Matrix& moment, double masses);

/// How far the products ω_iᵀQω'_j, or the square roots of u_i v_j compared with them, may be off.
double product_error(const Matrix& metric);

/// What Q and potentials with √(u_i v_j) ≥ (ω_iᵀQω'_j)_+ - product_error for all pairs prove, for the element
/// Q/(1+excess) of K.
double safe_lower(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Matrix& metric,
                  const GrowthPotentials& potentials, double excess);

}  // namespace spectralot::sphere
