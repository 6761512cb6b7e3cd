/// What the methods for barycenters share: the components, what metrics prove, the bracket so far and when to stop.
#pragma once

#include "gaussian/factor.hpp"
#include "spectralot/gauge/program.hpp"
#include "spectralot/gaussian/barycenter.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace spectralot::gaussian {

/// The components in the unit in which they have size one, with the origin at their mean.
struct Components {
    Components(const std::vector<Gaussian>& given, const Vector& given_weights);

    [[nodiscard]] Index dimension() const { return origin.size(); }
    [[nodiscard]] std::size_t size() const { return means.size(); }

    Vector weights, origin;
    std::vector<Vector> means;
    std::vector<Factor> factors;
    double unit = 1.0;
};

/// A measure N(mean, root·rootᵀ) and what the metrics prove with the couplings to it.
struct Inner {
    Vector mean;
    Matrix root;
    double lower = 0.0;
};

/// One step of ν → Q̄⁻¹ Σ λ_i Q_i T_i ν from N(·, root·rootᵀ), and the bound that its couplings prove.
Inner descend(const Components& components, const std::vector<Matrix>& metrics, const Matrix& root);

/// A root of Σ λ_i Σ_i, where to start.
Matrix mean_root(const Components& components);

/// Steps until the bound is worth the value, or stops growing.
Inner minimise(const Components& components, const std::vector<Matrix>& metrics, Matrix root, double tol);

/// In the unit of the components; progress is in the caller's.
class BarycenterSearch {
public:
    BarycenterSearch(const Components& components, const Gauge& gauge, const BarycenterOptions& options,
                     const Observer& observer);

    const Components& components;
    const Gauge& gauge;
    const BarycenterOptions& options;

    [[nodiscard]] const Certificate& bracket() const { return result_.certificate; }
    [[nodiscard]] const CancelToken& cancel() const { return observer_.cancel; }
    /// A measure and an upper bound of Σ λ_i W_γ²(·, N_i) there.
    void offer(const Vector& mean, const Matrix& root, double value);
    /// Metrics in K and what they prove.
    void offer(const std::vector<Matrix>& metrics, double bound);
    /// Counts and reports a step. True when the search is over, with the reason in the result.
    bool finished();
    void stall() { result_.status = Status::Stalled; }
    BarycenterResult take_result();

private:
    [[nodiscard]] double seconds() const;

    const Observer& observer_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double zero_level_;
    BarycenterResult result_;
};

/// Q_i → the metric best for W_γ(ν, N_i), ν the best measure for the Q_i, by Anderson's extrapolation.
void ascend_metrics(BarycenterSearch& search);

/// K = leaf.weight times one Schatten or Ky Fan ball: an interior point for the saddle in ν and Q.
void follow_saddle_path(BarycenterSearch& search, const GaugeLeaf& leaf);

}  // namespace spectralot::gaussian
