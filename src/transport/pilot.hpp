/// Which metric to try next: what coarse problems tell of it, so that the full problem starts almost solved.
#pragma once

#include "spectralot/saddle/master.hpp"

#include <optional>

namespace spectralot {

/// On the way down from coarse clusters it solves each level's saddle problem by fully corrective cutting planes. From
/// one level to the next all moments are taken to move by as much as that of the present metric's plan does: cuts that
/// are good, if not proved. At the points themselves the moment is first taken to vary linearly with the metric, which
/// for smooth gauges converges like a secant method; where that fails the cuts from above complete the proved ones, for
/// as long as they are of use.
class Pilot {
public:
    /// Levels are solved to the relative gap `tol`.
    Pilot(const Gauge& gauge, double tol) : gauge_(gauge), tol_(tol) {}

    /// The moment of the optimal plan for this metric between the clusters of a level. Returns a metric to solve the
    /// same level for, or nothing when it is time to refine.
    std::optional<Matrix> steer(const Matrix& metric, const Matrix& moment, Index n_clusters);
    /// The same at the points themselves: the first time, and whenever the metric was one proposed here.
    void arrive(const Matrix& metric, const Matrix& moment);
    void observe(const Matrix& metric, const Matrix& moment);

    /// The next metric for the points; nothing when the proved cuts, which are the moments of `master`, know better.
    /// The model's saddle is sought to the absolute gap `model_gap`, that of the cuts to `gap`.
    [[nodiscard]] std::optional<Matrix> propose(const Master& master, double gap, double model_gap) const;
    /// What was proposed has been of no use.
    void fall_back();

private:
    struct Sample {
        Matrix metric;
        Matrix moment;
    };

    void move_cuts(const Matrix& moment);
    [[nodiscard]] Matrix saddle_of_secants(double gap) const;

    const Gauge& gauge_;
    double tol_;
    Index n_clusters_ = 0;
    int n_solves_ = 0;             // on this level
    std::vector<Matrix> cuts_;     // moments; the last one is that of the present metric
    std::vector<Sample> samples_;  // at the points; the last one is the present one
};

}  // namespace spectralot
