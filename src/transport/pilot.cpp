#include "transport/pilot.hpp"

#include <algorithm>

namespace spectralot {

std::optional<Matrix> Pilot::steer(const Matrix& metric, const Matrix& moment, Index n_clusters) {
    constexpr int solves_per_level = 10;
    if (n_clusters != n_clusters_) {
        move_cuts(moment);
        n_clusters_ = n_clusters;
        n_solves_ = 0;
    }
    cuts_.push_back(moment);
    if (++n_solves_ == solves_per_level) return std::nullopt;

    Master master(gauge_, int(moment.rows()));
    for (const Matrix& cut : cuts_) master.add(cut);
    const MasterSolution saddle = master.solve(0.01 * tol_ * gauge_.value(moment));
    if (metric.cwiseProduct(moment).sum() >= (1.0 - tol_) * saddle.upper) return std::nullopt;
    return saddle.metric;
}

void Pilot::arrive(const Matrix& moment) {
    move_cuts(moment);
}

void Pilot::move_cuts(const Matrix& moment) {
    if (cuts_.empty()) return;
    constexpr std::size_t kept = 7;
    const Matrix change = moment - cuts_.back();
    cuts_.pop_back();  // `moment` takes its place
    if (cuts_.size() > kept) cuts_.erase(cuts_.begin(), cuts_.end() - kept);
    for (Matrix& cut : cuts_) cut += change;
}

Matrix Pilot::propose(Master master, double gap) const {
    for (const Matrix& cut : cuts_) master.add(cut);
    return master.solve(gap).metric;
}

}  // namespace spectralot
