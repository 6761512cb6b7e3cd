/// Barycenters for smooth gauges. The metrics move towards those that are best for the measure at hand, an ascent
/// direction of the concave D; Anderson's extrapolation makes the linear convergence fast.
#include "gaussian/barycenter_search.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"
#include "spectralot/gaussian/solve.hpp"

#include <optional>

namespace spectralot::gaussian {

namespace {

using linalg::product;

/// A positive definite element of K: active at the identity, or where that is singular (maxima over blocks) also at
/// every axis.
Matrix interior_metric(const Gauge& gauge, Index d) {
    constexpr double regular = 1e-3;
    Matrix Q = gauge.active(Matrix::Identity(d, d));
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(Q, Eigen::EigenvaluesOnly);
    if (eigen.eigenvalues()[0] > regular * eigen.eigenvalues()[d - 1]) return Q;
    Q *= 0.5;
    for (Index i = 0; i < d; ++i)
        Q += 0.5 / double(d) * gauge.active(Vector::Unit(d, i) * Vector::Unit(d, i).transpose());
    return Q;
}

/// The best metrics for a measure, and the value there.
struct Answer {
    std::vector<Matrix> metrics;
    double value = 0.0;
};

Answer answer(const BarycenterSearch& search, const Matrix& interior, const Inner& at, double tol) {
    const Components& components = search.components;
    const double share = 1e-2 * search.options.tol;  // of the interior metric: keeps Σ λ_i Q_i invertible
    Answer result;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const Matrix& root = components.factors[i].root;
        const GaussianResult cost = solve({at.mean, product(at.root, at.root.transpose())},
                                          {components.means[i], product(root, root.transpose())}, search.gauge,
                                          {.tol = tol}, {.on_progress = {}, .cancel = search.cancel()});
        result.value += components.weights[Index(i)] * cost.certificate.upper;
        const double level = 1.0 + search.gauge.membership_excess(cost.metric);
        result.metrics.emplace_back((1.0 - share) / level * cost.metric + share * interior);
    }
    return result;
}

/// Anderson's acceleration of the fixed point metrics = answers(metrics).
class History {
public:
    /// Where the last few steps, combined linearly, leave the least residual; nothing on the first call.
    std::optional<std::vector<Matrix>> extrapolate(const std::vector<Matrix>& metrics,
                                                   const std::vector<Matrix>& answers) {
        constexpr std::size_t memory = 8;
        const Vector x = joined(metrics), f = joined(answers) - x;
        if (last_x_.size() > 0) {
            steps_.emplace_back(x - last_x_);
            changes_.emplace_back(f - last_f_);
            if (steps_.size() > memory) {
                steps_.erase(steps_.begin());
                changes_.erase(changes_.begin());
            }
        }
        last_x_ = x;
        last_f_ = f;
        if (steps_.empty()) return std::nullopt;
        Matrix steps(x.size(), Index(steps_.size())), changes = steps;
        for (Index j = 0; j < steps.cols(); ++j) {
            steps.col(j) = steps_[std::size_t(j)];
            changes.col(j) = changes_[std::size_t(j)];
        }
        const Vector shares = Eigen::ColPivHouseholderQR<Matrix>(changes).solve(f);
        const Vector next = x + f - (steps + changes) * shares;
        std::vector<Matrix> all;
        const Index d = metrics.front().rows();
        for (Index i = 0; i < Index(metrics.size()); ++i) {
            const Matrix Q = Eigen::Map<const Matrix>(next.data() + i * d * d, d, d);
            all.emplace_back(0.5 * (Q + Q.transpose()));
        }
        return all;
    }

private:
    static Vector joined(const std::vector<Matrix>& matrices) {
        const Index size = matrices.front().size();
        Vector all(size * Index(matrices.size()));
        for (Index i = 0; i < Index(matrices.size()); ++i)
            all.segment(i * size, size) = matrices[std::size_t(i)].reshaped();
        return all;
    }

    std::vector<Vector> steps_, changes_;
    Vector last_x_, last_f_;
};

}  // namespace

void ascend_metrics(BarycenterSearch& search) {
    const Components& components = search.components;
    const double tol = std::max(1e-10, 1e-2 * search.options.tol);
    const Matrix interior = interior_metric(search.gauge, components.dimension());
    std::vector<Matrix> metrics(components.size(), interior);
    Inner at = minimise(components, metrics, mean_root(components), tol);
    double length = 1.0;
    History history;
    while (true) {
        const Answer best = answer(search, interior, at, tol);
        search.offer(at.mean, at.root, best.value);
        search.offer(metrics, at.lower);
        if (search.finished()) return;

        Inner next{{}, {}, at.lower};
        std::vector<Matrix> moved;
        const auto climbs = [&](std::vector<Matrix> trial) {
            Inner found = minimise(components, trial, at.root, tol);
            if (!(found.lower > next.lower)) return false;
            next = std::move(found);
            moved = std::move(trial);
            return true;
        };
        if (auto trial = history.extrapolate(metrics, best.metrics)) {
            for (Matrix& Q : *trial) Q /= 1.0 + search.gauge.membership_excess(Q);
            climbs(*std::move(trial));
        }
        // Else towards the answers, with steps halved until D falls again; the length is kept for the next step.
        length = std::min(1.0, 4.0 * length);
        const bool extrapolated = !moved.empty();
        for (double trial = length; trial >= 1e-4 && !extrapolated; trial *= 0.5) {
            std::vector<Matrix> mixed;
            mixed.reserve(components.size());
            for (std::size_t i = 0; i < components.size(); ++i)
                mixed.emplace_back((1.0 - trial) * metrics[i] + trial * best.metrics[i]);
            if (climbs(std::move(mixed)))
                length = trial;
            else if (!moved.empty())
                break;
        }
        if (moved.empty()) return search.stall();
        metrics = std::move(moved);
        at = std::move(next);
    }
}

}  // namespace spectralot::gaussian
