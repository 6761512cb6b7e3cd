#include "spectralot/gaussian/flow.hpp"

#include "gaussian/factor.hpp"
#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/ode/integrate.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

Vector slice(const Vector& y, Index d) {
    return y.head(d);
}

/// State of the integration: mean, root of the covariance (d×d), ∫𝒩².
Gaussian unpack(const Vector& y, Index d) {
    const Eigen::Map<const Matrix> root(y.data() + d, d, d);
    return {slice(y, d), root * root.transpose()};
}

/// Rows of the force: (HR)ᵀ and bᵀ, so that F = Σ g gᵀ.
Points force_rows(const AffineForce& force, const Matrix& root) {
    Points rows(root.cols() + 1, root.rows());
    rows.topRows(root.cols()) = (force.H * root).transpose();
    rows.bottomRows(1) = force.b.transpose();
    return rows;
}

Matrix root_of(const Gaussian& gaussian, const std::string& name) {
    const Index d = gaussian.dimension();
    check_gaussian(gaussian, "mean of " + name, "covariance of " + name);
    const Matrix covariance = symmetric_part(gaussian.covariance, d, "covariance of " + name);
    const double scale = covariance.cwiseAbs().maxCoeff();
    Matrix root = Matrix::Zero(d, d);
    if (scale == 0.0) return root;
    const int exponent = std::ilogb(scale) / 2;
    const double unit = std::ldexp(1.0, exponent);
    const Factor found = factor(covariance / unit / unit, "covariance of " + name);
    root.leftCols(found.root.cols()) = unit * found.root;
    return root;
}

void check_flow(const Gaussian& at, const Gauge& gauge) {
    if (!gauge.is_monotone()) throw_invalid("gauge", "must be monotone: others have no flow", gauge.repr());
    gauge.check_dimension(int(at.dimension()));
}

}  // namespace

KullbackLeibler::KullbackLeibler(const Gaussian& target) : target_(target) {
    check_gaussian(target, "target mean", "target covariance");
    const Eigen::LLT<Matrix> root(target.covariance);
    if (root.info() != Eigen::Success)
        throw_invalid("target covariance", "must be positive definite", "a singular matrix");
    const Matrix inverse = root.solve(Matrix::Identity(target.dimension(), target.dimension()));
    precision_ = 0.5 * (inverse + inverse.transpose());
    log_determinant_ = 2.0 * root.matrixLLT().diagonal().array().log().sum();
}

double KullbackLeibler::energy(const Gaussian& at) const {
    const Eigen::LLT<Matrix> root(at.covariance);
    if (root.info() != Eigen::Success) return infinity;
    const Vector shift = at.mean - target_.mean;
    const double log_determinant = 2.0 * root.matrixLLT().diagonal().array().log().sum();
    return 0.5 * (precision_.cwiseProduct(at.covariance).sum() - double(at.dimension()) +
                  shift.dot(precision_ * shift) + log_determinant_ - log_determinant);
}

AffineForce KullbackLeibler::force(const Gaussian& at) const {
    const Eigen::LLT<Matrix> root(at.covariance);
    const Index d = at.dimension();
    Matrix inverse = root.solve(Matrix::Identity(d, d));
    if (root.info() != Eigen::Success) inverse.setConstant(std::numeric_limits<double>::quiet_NaN());
    return {precision_ - 0.5 * (inverse + inverse.transpose()), precision_ * (at.mean - target_.mean)};
}

double kl(const Gaussian& gaussian, const Gaussian& target) {
    check_gaussian(gaussian, "mean", "covariance");
    if (gaussian.dimension() != target.dimension())
        throw_invalid("target mean", "must have the dimension of the mean, " + std::to_string(gaussian.dimension()),
                      std::to_string(target.dimension()));
    return KullbackLeibler(target).energy(gaussian);
}

LinearNetwork::LinearNetwork(Matrix teacher, Matrix inputs) : teacher_(std::move(teacher)), inputs_(std::move(inputs)) {
    if (teacher_.size() == 0 || !teacher_.allFinite()) throw_invalid("teacher", "must be a finite matrix", "none");
    const Index d = teacher_.cols();
    if (inputs_.size() == 0) inputs_ = Matrix::Identity(d, d);
    check_gaussian({Vector::Zero(d), inputs_}, "inputs", "inputs");
}

Matrix LinearNetwork::residual(const Gaussian& at) const {
    const Index rows = teacher_.rows(), cols = teacher_.cols();
    if (at.dimension() != rows + cols)
        throw_invalid("mean", "must have dimension " + std::to_string(rows + cols), std::to_string(at.dimension()));
    return at.covariance.topRightCorner(rows, cols) + at.mean.head(rows) * at.mean.tail(cols).transpose() - teacher_;
}

double LinearNetwork::energy(const Gaussian& at) const {
    const Matrix miss = residual(at);
    return 0.5 * (miss * inputs_).cwiseProduct(miss).sum();
}

AffineForce LinearNetwork::force(const Gaussian& at) const {
    const Matrix E = residual(at) * inputs_;
    const Index d = at.dimension();
    Matrix H = Matrix::Zero(d, d);
    H.topRightCorner(E.rows(), E.cols()) = E;
    H.bottomLeftCorner(E.cols(), E.rows()) = E.transpose();
    return {H, H * at.mean};
}

Velocity velocity(const Objective& objective, const Gaussian& at, const Gauge& gauge, double rank_tol) {
    const Matrix root = root_of(at, "the Gaussian");
    check_flow(at, gauge);
    const AffineForce force = objective.force(at);
    const GaugeModel::ForceMap found = gauge.model().force_map(force_rows(force, root), {}, rank_tol);
    const Matrix& P = found.map.velocity_map;
    const Matrix half = -P * force.H * at.covariance;
    return {-P * force.b, half + half.transpose(), found.map.dual_norm * found.map.dual_norm, found.rank};
}

Trajectory flow(const Objective& objective, const Gaussian& start, const Gauge& gauge, double t_max,
                const FlowOptions& options, const Observer& observer) {
    const Index d = start.dimension();
    const Matrix root = root_of(start, "the start");
    check_flow(start, gauge);
    if (!(t_max >= 0.0) || std::isinf(t_max)) throw_invalid("t_max", "must be finite and at least 0", to_text(t_max));
    if (!(options.rank_tol > 0.0 && options.rank_tol < 1.0))
        throw_invalid("rank_tol", "must lie in (0, 1)", to_text(options.rank_tol));
    if (options.max_steps < 1) throw_invalid("max_steps", "must be at least 1", std::to_string(options.max_steps));

    // Below this the error of the steps drives the selector, which is steep at zero, and not the flow.
    const double floor = options.rank_tol * force_rows(objective.force(start), root).norm();
    const auto force_map = [&](const Vector& y, AffineForce& force) {
        force = objective.force(unpack(y, d));
        const Eigen::Map<const Matrix> R(y.data() + d, d, d);
        const Points rows = force_rows(force, R);
        if (!rows.allFinite()) return GaugeModel::ForceMap{};
        const double norm = rows.norm();
        return gauge.model().force_map(rows, {}, norm > 0.0 ? std::min(1.0, floor / norm) : 1.0);
    };
    const auto slope = [&](double, const Vector& y, Vector& out) {
        AffineForce force;
        const GaugeModel::ForceMap found = force_map(y, force);
        const Matrix& P = found.map.velocity_map;
        if (P.size() == 0) {
            out.setConstant(std::numeric_limits<double>::quiet_NaN());
            return;
        }
        const Eigen::Map<const Matrix> R(y.data() + d, d, d);
        out.head(d) = -P * force.b;
        Eigen::Map<Matrix>(out.data() + d, d, d) = -P * (force.H * R);
        out[d + d * d] = found.map.dual_norm * found.map.dual_norm;
    };
    const auto rank_of = [&](const Vector& y) {
        AffineForce force;
        return force_map(y, force).rank;
    };

    Vector y(d + d * d + 1);
    y << start.mean, Eigen::Map<const Vector>(root.data(), d * d), 0.0;
    std::vector<double> times, energy, dissipation, residual, event_times;
    Trajectory result;
    const auto record = [&](double t, const Vector& at) {
        const Gaussian gaussian = unpack(at, d);
        AffineForce force;
        const double norm = force_map(at, force).map.dual_norm;
        times.push_back(t);
        energy.push_back(objective.energy(gaussian));
        dissipation.push_back(norm * norm);
        residual.push_back(std::abs(energy.front() - energy.back() - at[d + d * d]));
        result.gaussians.push_back(gaussian);
        observer.report({int(times.size()) - 1, energy.back(), energy.back(), 0.0});
    };
    record(0.0, y);

    const double size = y.head(d + d * d).cwiseAbs().maxCoeff();
    ode::IntegrateOptions integrate_options{
        .rtol = options.rtol, .atol = options.rtol * std::max(1e-3 * size, 1e-300), .max_steps = options.max_steps};
    int rank = rank_of(y);
    const std::optional<GaugeProgram> program = gauge.program(int(d));
    const bool linear =
        program && program->leaves.size() == 1 && program->leaves.front().kind == GaugeLeaf::Kind::Point;
    for (double t = 0.0; t < t_max;) {
        std::vector<ode::Event> events;
        if (!linear && rank > 0)
            events.emplace_back([&](double, const Vector& at) { return rank_of(at) < rank ? -1.0 : 1.0; });
        const ode::Outcome outcome =
            ode::integrate(slope, t, y, t_max, integrate_options, events, record, observer.cancel);
        integrate_options.max_steps -= outcome.n_steps + outcome.n_rejected;
        t = outcome.t;
        y = outcome.y;
        if (outcome.event >= 0) {
            rank = rank_of(y);
            event_times.push_back(t);
            result.event_ranks.push_back(rank);
        }
        if (outcome.status != Status::Solved || (outcome.event >= 0 && integrate_options.max_steps < 1)) {
            result.status = outcome.status == Status::Solved ? Status::IterationLimit : outcome.status;
            break;
        }
    }
    const auto to_vector = [](const std::vector<double>& v) {
        return Vector(Eigen::Map<const Vector>(v.data(), Index(v.size())));
    };
    result.times = to_vector(times);
    result.energy = to_vector(energy);
    result.dissipation = to_vector(dissipation);
    result.balance_residual = to_vector(residual);
    result.event_times = to_vector(event_times);
    return result;
}

}  // namespace spectralot::gaussian
