/// Which metric to try next: what coarse problems tell of it, so that the full problem starts almost solved.
#pragma once

#include "spectralot/saddle/master.hpp"

#include <optional>

namespace spectralot {

/// On the way down from coarse clusters it solves each level's saddle problem by fully corrective cutting planes. From
/// one level to the next all moments are taken to move by as much as that of the present metric's plan does: cuts that
/// are good, if not proved. At the points themselves they complete the proved ones for as long as that works.
class Pilot {
public:
    /// Levels are solved to the relative gap `tol`.
    Pilot(const Gauge& gauge, double tol) : gauge_(gauge), tol_(tol) {}

    /// The moment of the optimal plan for this metric between the clusters of a level. Returns a metric to solve the
    /// same level for, or nothing when it is time to refine.
    std::optional<Matrix> steer(const Matrix& metric, const Matrix& moment, Index n_clusters);
    /// The same at the points themselves.
    void arrive(const Matrix& moment);

    /// The saddle metric of the cuts of `master` and its own, to an absolute gap.
    [[nodiscard]] Matrix propose(Master master, double gap) const;
    [[nodiscard]] bool has_cuts() const { return !cuts_.empty(); }
    void forget_cuts() { cuts_.clear(); }

private:
    void move_cuts(const Matrix& moment);

    const Gauge& gauge_;
    double tol_;
    Index n_clusters_ = 0;
    int n_solves_ = 0;          // on this level
    std::vector<Matrix> cuts_;  // moments; the last one is that of the present metric
};

}  // namespace spectralot
