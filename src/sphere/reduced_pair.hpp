/// Two spherical measures as a transport sees them: atoms whose mass matters, in the units in which both sums are one.
#pragma once

#include "spectralot/sphere/solve.hpp"

namespace spectralot::sphere {

struct ReducedPair {
    ReducedPair(const SphericalMeasure& nu0, const SphericalMeasure& nu1);

    /// Of all atoms from those of the pair, u and v being scaled for a/mass_a and b/mass_b; `norm`: no K is larger.
    [[nodiscard]] GrowthPotentials expand(const Vector& u, const Vector& v, double norm) const;
    /// The pair (i, j) with shares of the masses of its atoms joins a coupling of the given measures.
    void push(Coupling& coupling, Index i, Index j, double share_a, double share_b) const;

    std::vector<Index> rows, cols;  ///< the atoms, of those given
    Vector all_a, all_b;            ///< masses as given
    double mass_a, mass_b;          ///< their sums
    Points x, y;                    ///< directions
    Vector a, b;                    ///< masses, in the unit of the sums
};

}  // namespace spectralot::sphere
