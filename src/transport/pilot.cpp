#include "transport/pilot.hpp"

#include <Eigen/QR>

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

void Pilot::arrive(const Matrix& metric, const Matrix& moment) {
    move_cuts(moment);
    samples_.push_back({metric, moment});
}

void Pilot::observe(const Matrix& metric, const Matrix& moment) {
    if (!samples_.empty()) samples_.push_back({metric, moment});
}

void Pilot::move_cuts(const Matrix& moment) {
    if (cuts_.empty()) return;
    constexpr std::size_t kept = 7;
    const Matrix change = moment - cuts_.back();
    cuts_.pop_back();  // `moment` takes its place
    if (cuts_.size() > kept) cuts_.erase(cuts_.begin(), cuts_.end() - kept);
    for (Matrix& cut : cuts_) cut += change;
}

std::optional<Matrix> Pilot::propose(const Master& master, double gap, double model_gap) const {
    if (!samples_.empty()) return saddle_of_secants(model_gap);
    if (cuts_.empty()) return std::nullopt;
    Master all = master;
    for (const Matrix& cut : cuts_) all.add(cut);
    return all.solve(gap).metric;
}

void Pilot::fall_back() {
    if (samples_.empty()) cuts_.clear();
    samples_.clear();
}

/// The moment S(Q) is modelled by the last sample and the differences of the others from it, in the least squares that
/// weigh all directions alike. S falls where Q grows, so that a full step overshoots: the first is shortened.
Matrix Pilot::saddle_of_secants(double gap) const {
    constexpr double first_step = 0.6;
    constexpr double nearest = 1e-3;   // relative change of the metric below which moments tell little of the slope
    constexpr double dependent = 0.1;  // of directions
    constexpr std::size_t most_cuts = 12;
    const Sample& here = samples_.back();
    const Index d = here.metric.rows(), n = Index(samples_.size()) - 1;

    Matrix steps(d * d, n), changes(d * d, n);
    for (Index k = 0; k < n; ++k) {
        const Sample& there = samples_[std::size_t(k)];
        const Matrix step = there.metric - here.metric;
        const double scale = 1.0 / (step.norm() + nearest * here.metric.norm());
        steps.col(k) = scale * step.reshaped();
        changes.col(k) = scale * (there.moment - here.moment).reshaped();
    }
    Eigen::CompleteOrthogonalDecomposition<Matrix> secants;
    secants.setThreshold(dependent);
    if (n > 0) secants.compute(steps);
    const auto moment = [&](const Matrix& metric) -> Matrix {
        const Vector step = (metric - here.metric).reshaped();
        const Vector change = changes * secants.solve(step);
        return here.moment + change.reshaped(d, d);
    };

    Master master(gauge_, int(d));
    master.add(here.moment);
    while (true) {
        const MasterSolution saddle = master.solve(gap);
        if (n == 0) return here.metric + first_step * (saddle.metric - here.metric);
        const Matrix cut = moment(saddle.metric);
        const bool solved = saddle.metric.cwiseProduct(cut).sum() >= saddle.upper - 2.0 * gap;
        if (solved || master.moments().size() == most_cuts) return saddle.metric;
        master.add(cut);
    }
}

}  // namespace spectralot
