#include "spectralot/gaussian/barycenter.hpp"

#include "core/weights.hpp"
#include "gaussian/couple.hpp"
#include "gaussian/polar.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gaussian/solve.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace spectralot::gaussian {

namespace {

using linalg::product;

/// The components in the unit in which they have size one, with the origin at their mean.
struct Components {
    Vector weights, origin;
    std::vector<Vector> means;
    std::vector<Matrix> roots;
    double unit = 1.0;

    [[nodiscard]] Index dimension() const { return origin.size(); }
    [[nodiscard]] std::size_t size() const { return means.size(); }
};

Components components_of(const std::vector<Gaussian>& given, const Vector& weights) {
    check_components(given, given.empty() ? 0 : given.front().dimension());
    Components all;
    all.weights = normalised_weights(weights, Index(given.size()), "weights", "component");
    int exponent = std::numeric_limits<int>::min();
    for (const Gaussian& component : given) exponent = std::max(exponent, common_exponent(given.front(), component));
    all.unit = std::ldexp(1.0, exponent);
    for (const Gaussian& component : given) {
        const Pair pair(given.front(), component, exponent);
        all.means.emplace_back(pair.shift.col(0));
        all.roots.push_back(pair.target.root);
    }
    Vector mean = Vector::Zero(given.front().dimension());
    for (std::size_t i = 0; i < all.size(); ++i) mean += all.weights[Index(i)] * all.means[i];
    for (Vector& m : all.means) m -= mean;
    all.origin = given.front().mean / all.unit + mean;
    return all;
}

/// A measure N(mean, root·rootᵀ) and what the metrics prove with the couplings to it.
struct Inner {
    Vector mean;
    Matrix root;
    double lower = 0.0;
};

/// One step of ν → Q̄⁻¹ Σ λ_i Q_i T_i ν and the bound that its couplings prove.
Inner descend(const Components& components, const std::vector<Matrix>& metrics, const Matrix& root) {
    const Index d = components.dimension();
    Matrix total = Matrix::Zero(d, d), pulled = Matrix::Zero(d, root.cols()), balance = Matrix::Zero(d, d);
    Vector push = Vector::Zero(d);
    double constant = 0.0, traces = 0.0;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const double weight = components.weights[Index(i)];
        const Matrix& Q = metrics[i];
        const Matrix B = product(Q, components.roots[i]);
        total += weight * Q;
        push += weight * (Q * components.means[i]);
        constant +=
            weight * (components.roots[i].cwiseProduct(B).sum() + components.means[i].dot(Q * components.means[i]));
        const Polar polar_factors = polar(product(root.transpose(), B));
        if (polar_factors.s.size() == 0) continue;
        const Matrix BV = product(B, polar_factors.V);
        pulled += weight * product(BV, polar_factors.U.transpose());
        // W = V max(s, …) Vᵀ
        const Vector s = polar_factors.s.cwiseMax(1e-10 * std::max(polar_factors.s.maxCoeff(), 1e-100));
        traces += weight * s.sum();
        balance += weight * product(BV * s.cwiseInverse().asDiagonal(), BV.transpose());
        // W may be anything off the range of V, where B has no part to balance if V is square.
        if (BV.cols() < B.cols()) {
            const Matrix rest = B - product(BV, polar_factors.V.transpose());
            const double level = 1e-10 * std::max(s.maxCoeff(), 1e-100);
            traces += weight * level * double(B.cols() - BV.cols());
            balance += weight / level * product(rest, rest.transpose());
        }
    }
    const Eigen::LLT<Matrix> solver(total);
    if (solver.info() != Eigen::Success) return {Vector::Zero(d), root, 0.0};
    Inner next;
    next.mean = solver.solve(push);
    next.root = solver.solve(pulled);
    // The W_i are scaled by the largest eigenvalue of balance relative to total, so that the difference is PSD.
    const Matrix half = solver.matrixL().solve(balance);
    const Matrix relative = solver.matrixL().solve(half.transpose());
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(relative, Eigen::EigenvaluesOnly);
    const double scale = eigen.eigenvalues()[d - 1] * (1.0 + 64.0 * double(d) * epsilon);
    next.lower = constant - scale * traces - push.dot(next.mean) - 64.0 * double(d) * epsilon * constant;
    return next;
}

/// Until the bound is worth the value, or stops growing.
Inner minimise(const Components& components, const std::vector<Matrix>& metrics, Matrix root, double tol) {
    constexpr int max_steps = 100;
    Inner best{Vector::Zero(components.dimension()), root, -infinity};
    for (int step = 0; step < max_steps; ++step) {
        Inner next = descend(components, metrics, root);
        const double moved = (next.root * next.root.transpose() - root * root.transpose()).norm();
        const double size = next.root.squaredNorm();
        root = next.root;
        next.lower = std::max(next.lower, best.lower);
        best = std::move(next);
        if (moved <= tol * size) break;
    }
    return best;
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

double BarycenterResult::distance() const {
    return std::sqrt(value);
}

BarycenterResult barycenter(const std::vector<Gaussian>& given, const Vector& weights, const Gauge& gauge,
                            const BarycenterOptions& options, const Observer& observer) {
    const auto start = std::chrono::steady_clock::now();
    const Components components = components_of(given, weights);
    const Index d = components.dimension();
    const std::size_t k = components.size();
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    check_static(gauge, int(d));
    if (!gauge.is_monotone()) throw_invalid("gauge", "must be monotone: others have no barycenter", gauge.repr());

    std::vector<Gaussian> targets;
    Matrix mean_covariance = Matrix::Zero(d, d);
    for (std::size_t i = 0; i < k; ++i) {
        targets.push_back({components.means[i], product(components.roots[i], components.roots[i].transpose())});
        mean_covariance += components.weights[Index(i)] * targets.back().covariance;
    }
    const Matrix isotropic = gauge.active(Matrix::Identity(d, d));
    // A little of the isotropic metric keeps Σ λ_i Q_i invertible.
    const double share = 1e-2 * options.tol;
    const double inner_tol = std::max(1e-10, 1e-2 * options.tol);
    const double zero_level = 1e-24 * gauge.comparison_constants(int(d)).upper;

    BarycenterResult result;
    result.certificate = {.lower = 0.0, .upper = infinity};
    std::vector<Matrix> metrics(k, isotropic);
    Inner at = minimise(components, metrics, factor(mean_covariance, "covariances").root, inner_tol);
    double bound = at.lower;
    double length = 1.0;
    History history;
    while (true) {
        // The best metrics for the measure at hand, and the value there.
        const Gaussian here{at.mean, product(at.root, at.root.transpose())};
        double value = 0.0;
        std::vector<Matrix> answers;
        for (std::size_t i = 0; i < k; ++i) {
            const GaussianResult cost =
                solve(here, targets[i], gauge, {.tol = inner_tol}, {.on_progress = {}, .cancel = observer.cancel});
            value += components.weights[Index(i)] * cost.certificate.upper;
            const double level = 1.0 + gauge.membership_excess(cost.metric);
            answers.emplace_back((1.0 - share) / level * cost.metric + share * isotropic);
        }
        ++result.n_iter;
        if (value < result.certificate.upper) {
            result.certificate.upper = value;
            result.gaussian = here;
        }
        if (result.metrics.empty() || bound > result.certificate.lower) {
            result.certificate.lower = std::min(std::max(bound, 0.0), result.certificate.upper);
            result.metrics = metrics;
        }
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        const double squared = components.unit * components.unit;
        observer.report(
            {result.n_iter, squared * result.certificate.lower, squared * result.certificate.upper, seconds});
        if (result.certificate.upper <= zero_level)
            result.status = Status::ZeroToRounding;
        else if (result.certificate.relative_gap() <= options.tol)
            result.status = Status::Solved;
        else if (observer.cancel.requested())
            result.status = Status::Interrupted;
        if (result.status != Status::IterationLimit || result.n_iter >= options.max_iter) break;

        // First the extrapolation, then an ascent direction of the concave D with steps halved until D falls again; the
        // step length is kept from one step to the next.
        Inner next{{}, {}, bound};
        std::vector<Matrix> moved;
        const auto offer = [&](std::vector<Matrix> trial) {
            Inner found = minimise(components, trial, at.root, inner_tol);
            if (!(found.lower > next.lower)) return false;
            next = std::move(found);
            moved = std::move(trial);
            return true;
        };
        if (auto trial = history.extrapolate(metrics, answers)) {
            for (Matrix& Q : *trial) Q /= 1.0 + gauge.membership_excess(Q);
            offer(*std::move(trial));
        }
        length = std::min(1.0, 4.0 * length);
        const bool extrapolated = !moved.empty();
        for (double trial = length; trial >= 1e-4 && !extrapolated; trial *= 0.5) {
            std::vector<Matrix> mixed(k);
            for (std::size_t i = 0; i < k; ++i) mixed[i] = (1.0 - trial) * metrics[i] + trial * answers[i];
            if (offer(std::move(mixed)))
                length = trial;
            else if (!moved.empty())
                break;
        }
        if (moved.empty()) {
            result.status = Status::Stalled;
            break;
        }
        metrics = std::move(moved);
        at = std::move(next);
        bound = at.lower;
    }

    result.converged = result.status == Status::Solved || result.status == Status::ZeroToRounding;
    if (result.status == Status::ZeroToRounding) result.certificate.lower = 0.0;
    const auto scaled = [&](auto& x) { x = components.unit * (components.unit * x); };
    scaled(result.certificate.lower);
    scaled(result.certificate.upper);
    result.value = result.certificate.upper;
    result.gaussian.mean = components.unit * (result.gaussian.mean + components.origin);
    result.gaussian.covariance = components.unit * (components.unit * result.gaussian.covariance).eval();
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

}  // namespace spectralot::gaussian
