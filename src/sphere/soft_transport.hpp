/// Where a restricted transport starts: smoothed potentials, and a few pairs for every atom.
#pragma once

#include "spectralot/core/observer.hpp"
#include "sphere/pairs.hpp"

namespace spectralot::sphere {

struct SoftTransport {
    Vector alpha, beta;  ///< log u and log v; -infinity: no partner
    PairList pairs;      ///< for every atom its `partners` with the largest share of P, sorted
    Vector flow;         ///< P of the pairs
};

/// The transport of growth_transport.hpp with its constraints softened: P_ij proportional to ((x_i·z_j)_+ / √(u_i
/// v_j))^s and a_i u_i = Σ_j P_ij, b_j v_j = Σ_i P_ij, roughly, by Sinkhorn iterations whose exponent doubles until a
/// row shares its mass among `partners`, or until cancelled. Atoms whose products are all at most `floor` have no
/// partner. Some dozens of passes over all products at most, O(n+m) memory.
SoftTransport soft_transport(const Points& x, const Vector& a, const Points& z, const Vector& b, int partners,
                             double floor, const CancelToken& cancel = {});

}  // namespace spectralot::sphere
