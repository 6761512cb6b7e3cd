/// Spectral distance between mixtures of Gaussians that moves whole components: max over Q in K of the discrete
/// transport between components with ground cost W_Q²(N_k, N_l) = min over plans P and couplings C_kl of γ(Σ P_kl
/// S_kl).
///
/// p = 1: the mixture-Wasserstein distance of Delon and Desolneux (2020). For other gauges the ground cost is not the
/// pairwise W_γ²: one metric serves all pairs.
#pragma once

#include "spectralot/gaussian/solve.hpp"

#include <vector>

namespace spectralot {

/// Σ_k weights[k]·N(mean_k, covariance_k); weights non-negative with a positive sum, empty = uniform.
struct GaussianMixture {
    Vector weights;
    std::vector<gaussian::Gaussian> components;
};

struct MixtureOptions {
    double tol = 1e-6;   ///< certified relative gap of the squared cost at which to stop
    int max_iter = 500;  ///< metrics tried, each one small transport problem and k·l decompositions
};

template <class Visitor>
void visit_fields(MixtureOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "certified relative gap of the squared cost at which to stop");
    visit("max_iter", o.max_iter, "metrics tried, each one small transport problem");
}

struct MixtureResult {
    double value = 0.0;  ///< the squared cost: the upper end of the certificate
    Certificate certificate;
    bool converged = false;
    Status status = Status::IterationLimit;
    int n_iter = 0;
    double seconds = 0.0;
    Matrix plan;    ///< k×l masses between components
    Matrix metric;  ///< Q in K that proves `lower`
    Matrix moment;  ///< Σ P_kl S_kl

    [[nodiscard]] double distance() const;  ///< √value
};

/// Cutting planes over plans and couplings, with the master of the static problem. Meant for up to about a hundred
/// components. The marginals are kept to rounding, so that the upper end holds back some 16(k+l)·eps of the largest
/// squared cost between components: a mixture distance far below that of the components keeps a gap. Throws
/// InvalidArgument for bad Gaussians, weights or gauges.
///
///     const auto r = solve_mixture({{}, {n0, n1}}, {{}, {n2, n3}}, trace_gauge());
MixtureResult solve_mixture(const GaussianMixture& mu, const GaussianMixture& nu, const Gauge& gauge,
                            const MixtureOptions& options = {}, const Observer& observer = {});

}  // namespace spectralot
