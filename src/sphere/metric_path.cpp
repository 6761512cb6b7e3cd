#include "sphere/metric_path.hpp"

#include "linalg/decompositions.hpp"
#include "saddle/cone.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

using Kind = GaugeLeaf::Kind;

/// Of pack(whole), the entries that are those of the block.
std::vector<int> entries_of_block(const std::vector<int>& block) {
    std::vector<int> entries;
    for (std::size_t j = 0; j < block.size(); ++j)
        for (std::size_t i = 0; i <= j; ++i) entries.push_back(block[j] * (block[j] + 1) / 2 + block[i]);
    return entries;
}

/// How far M ≻ 0, or x > 0, may go along a change, at most 1, if it may lose this share of what it has.
double longest(const Matrix& M, const Matrix& change, double share) {
    return std::min(1.0, share * saddle::longest_step<double>(M, change));
}
double longest(double x, double change, double share) {
    return change < -share * x ? -share * x / change : 1.0;
}

}  // namespace

Vector pack(const Matrix& S) {
    return saddle::pack<double>(S, Matrix::Ones(S.rows(), S.cols()));
}
Matrix unpack(const Vector& packed, Index d) {
    return saddle::unpack<double>(packed, Matrix::Ones(d, d));
}
Matrix symmetric(const Matrix& M) {
    return saddle::symmetric<double>(M);
}

MetricPath::MetricPath(const GaugeProgram& program, double norm, const Matrix& size)
    : program_(program),
      unit_(norm),
      tau_(Vector::Ones(program.n_branches)),
      eta_(Vector::Zero(program.n_branches)),
      lambda_(Vector::Zero(Index(program.maxima.size()))) {
    for (const GaugeMaximum& maximum : program.maxima) {
        weights_.push_back(maximum.branch == 0 ? maximum.weight / norm : maximum.weight);
        tau_.segment(maximum.first_branch, maximum.n_branches)
            .setConstant(weights_.back() * tau_[maximum.branch] / maximum.n_branches);
    }
    points_.assign(std::size_t(program.n_branches), Matrix::Zero(program.dimension, program.dimension));
    for (const GaugeLeaf& leaf : program.leaves) {
        const double weight = leaf.branch == 0 ? leaf.weight / norm : leaf.weight;
        if (leaf.kind == Kind::Point) {
            points_[std::size_t(leaf.branch)](leaf.block, leaf.block) += weight * leaf.point;
            continue;
        }
        const auto n = Index(leaf.block.size());
        const double tau = tau_[leaf.branch];
        Ball ball{.form = &leaf,
                  .weight = weight,
                  .power = leaf.kind == Kind::Schatten ? leaf.p / (leaf.p - 1.0) : 1.0,
                  .trace = leaf.kind == Kind::KyFan ? leaf.k : 1.0,
                  .has_room = leaf.kind == Kind::KyFan && leaf.k > 1,
                  .entries = entries_of_block(leaf.block),
                  .first = n_metric_,
                  .Q = {},
                  .R = {},
                  .Z = Matrix::Zero(n, n),
                  .V = Matrix::Zero(n, n),
                  .Y = {}};
        const double level = std::pow(ball.trace / double(n), 1.0 / ball.power);
        ball.Q = level * tau * Matrix::Identity(n, n);
        ball.R = tau * Matrix::Identity(n, n) - ball.Q;
        if (ball.is_curved()) {
            const double y = 0.3 * weight * size(leaf.block, leaf.block).trace() / double(n);
            ball.Y = y * Matrix::Identity(n, n);
            ball.theta = y / std::pow(level, ball.power - 1.0);
        }
        n_metric_ += n * (n + 1) / 2;
        balls_.push_back(std::move(ball));
    }
    update();
}

Index MetricPath::n_unknowns(const GaugeProgram& program) {
    Index unknowns = program.n_branches - 1 + Index(program.maxima.size());
    for (const GaugeLeaf& leaf : program.leaves) {
        const auto n = Index(leaf.block.size());
        if (leaf.kind != Kind::Point) unknowns += n * (n + 1) / 2 + 1;
    }
    return unknowns;
}

void MetricPath::update() {
    Q_ = points_[0];
    for (int v = 1; v < program_.n_branches; ++v) Q_ += tau_[v] * points_[std::size_t(v)];
    for (const Ball& ball : balls_) Q_(ball.form->block, ball.form->block) += ball.weight * ball.Q;
}

Matrix MetricPath::metric_in_set() const {
    Vector tau = tau_;  // as they share the weights of the maxima exactly
    for (std::size_t k = 0; k < weights_.size(); ++k) {
        const GaugeMaximum& maximum = program_.maxima[k];
        auto branches = tau.segment(maximum.first_branch, maximum.n_branches);
        branches *= weights_[k] * tau[maximum.branch] / branches.sum();
    }
    Matrix Q = points_[0];
    for (int v = 1; v < program_.n_branches; ++v) Q += tau[v] * points_[std::size_t(v)];
    for (const Ball& ball : balls_) {
        const Matrix relative = ball.Q / tau_[ball.branch()];
        const Vector q = Eigen::SelfAdjointEigenSolver<Matrix>(relative, Eigen::EigenvaluesOnly).eigenvalues();
        const double level = ball.is_curved() ? std::pow(q.array().pow(ball.power).sum(), 1.0 / ball.power)
                                              : std::max({q.sum() / ball.trace, q[q.size() - 1], 1.0});
        Q(ball.form->block, ball.form->block) += ball.weight * tau[ball.branch()] / level * relative;
    }
    return unit_ * Q;
}

double MetricPath::degree() const {
    double degree = double(n_open());
    for (const Ball& ball : balls_) degree += double(ball.size()) * (ball.has_room ? 2.0 : 1.0);
    return degree;
}

double MetricPath::complementarity() const {
    double sum = n_open() > 0 ? tau_.tail(n_open()).dot(eta_.tail(n_open())) : 0.0;
    for (const Ball& ball : balls_)
        sum += saddle::inner(ball.Q, ball.Z) + (ball.has_room ? saddle::inner(ball.R, ball.V) : 0.0);
    return sum;
}

double MetricPath::complementarity_after(const Step& step, double dual, double primal) const {
    double sum = (tau_ + dual * step.tau).tail(n_open()).dot((eta_ + primal * step.eta).tail(n_open()));
    for (std::size_t l = 0; l < balls_.size(); ++l) {
        const Ball& ball = balls_[l];
        const BallStep& change = step.balls[l];
        sum += saddle::inner(ball.Q + dual * change.Q, ball.Z + primal * change.Z);
        if (ball.has_room) sum += saddle::inner(ball.R + dual * change.R, ball.V + primal * change.V);
    }
    return sum;
}

void MetricPath::centre(double mu) {
    eta_ = mu * tau_.cwiseInverse();
    for (Ball& ball : balls_) {
        ball.Z = mu * ball.Q.inverse();
        if (ball.has_room) ball.V = mu * ball.R.inverse();
    }
}

double MetricPath::longest_dual(const Step& step, double share) const {
    double length = 1.0;
    for (Index v = 1; v < tau_.size(); ++v) length = std::min(length, longest(tau_[v], step.tau[v], share));
    for (std::size_t l = 0; l < balls_.size(); ++l) {
        length = std::min(length, longest(balls_[l].Q, step.balls[l].Q, share));
        if (balls_[l].has_room) length = std::min(length, longest(balls_[l].R, step.balls[l].R, share));
    }
    return length;
}

double MetricPath::longest_primal(const Step& step, double share) const {
    double length = 1.0;
    for (Index v = 1; v < eta_.size(); ++v) length = std::min(length, longest(eta_[v], step.eta[v], share));
    for (std::size_t l = 0; l < balls_.size(); ++l) {
        const Ball& ball = balls_[l];
        const BallStep& change = step.balls[l];
        length = std::min(length, longest(ball.Z, change.Z, share));
        if (ball.has_room) length = std::min(length, longest(ball.V, change.V, share));
        if (!ball.is_curved()) continue;
        length = std::min({length, longest(ball.Y, change.Y, share), longest(ball.theta, change.theta, share)});
    }
    return length;
}

void MetricPath::move(const Step& step, double dual, double primal) {
    tau_ += dual * step.tau;
    eta_ += primal * step.eta;
    lambda_ += primal * step.lambda;
    for (std::size_t l = 0; l < balls_.size(); ++l) {
        Ball& ball = balls_[l];
        const BallStep& change = step.balls[l];
        ball.Q += dual * change.Q;
        ball.Z += primal * change.Z;
        ball.theta += primal * change.theta;
        if (ball.has_room) {
            ball.R += dual * change.R;
            ball.V += primal * change.V;
        }
        if (ball.is_curved()) ball.Y += primal * change.Y;
    }
    update();
}

MetricPath::Newton::Slopes MetricPath::Newton::slopes_of(const Ball& ball, double tau) {
    Slopes at;
    at.Q_inverse = ball.Q.inverse();
    if (ball.has_room) at.R_inverse = ball.R.inverse();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(ball.Q);
    at.axes = eigen.eigenvectors();
    at.q = eigen.eigenvalues() / tau;
    at.powers = at.q.array().pow(ball.power - 1.0);
    if (!ball.is_curved()) {
        at.y = Vector::Zero(ball.size());
        at.normal = at.of_theta = Matrix::Identity(ball.size(), ball.size());
        at.shortfall = tau * (ball.trace - at.q.sum());
        return at;
    }
    const double level = std::pow(at.q.dot(at.powers), 1.0 / ball.power);
    at.normal = at.along_axes(at.powers / std::pow(level, ball.power - 1.0));
    at.shortfall = tau * (1.0 - level);
    at.y = at.coordinates(ball.Y);
    at.of_theta = at.along_axes(at.y / ball.theta);
    // Divided differences of the power, in the ratio in which Y stands to it.
    const Vector ratio = at.y.cwiseQuotient(at.powers).cwiseSqrt();
    at.curvature = ratio * ratio.transpose() / tau;
    for (Index j = 0; j < at.q.size(); ++j)
        for (Index i = 0; i < at.q.size(); ++i) {
            const double difference = at.q[i] - at.q[j];
            at.curvature(i, j) *= std::abs(difference) <= 1e-6 * at.q[i] ? (ball.power - 1.0) * at.powers[i] / at.q[i]
                                                                         : (at.powers[i] - at.powers[j]) / difference;
        }
    return at;
}

/// What a change H of Q alone does to Y + V - Z.
Matrix MetricPath::Newton::slope(const Ball& ball, const Slopes& at, const Matrix& H) const {
    Matrix image = symmetric(at.Q_inverse * H * ball.Z);
    if (ball.has_room) image += symmetric(at.R_inverse * H * ball.V);
    if (ball.is_curved()) image += at.of_metric(H);
    return image;
}

/// What Y is after the step but for its slopes in Q, τ and (times the θ after it) θ: Y = θ(Q/τ)^{p'-1} to first order
/// in logarithms, with a share of the second order of a predictor if there is one.
Matrix MetricPath::Newton::pull_of_logarithms(std::size_t l, const Step* predictor, double share) const {
    const Ball& ball = at_.balls_[l];
    const Slopes& at = slopes_[l];
    Vector change = (ball.theta * at.powers).cwiseQuotient(at.y).array().log();
    if (predictor) {
        const BallStep& step = predictor->balls[l];
        const double tau = at_.tau_[ball.branch()], d_tau = predictor->tau[ball.branch()] / tau,
                     d_theta = step.theta / ball.theta;
        const Vector dq = at.coordinates(step.Q).cwiseQuotient(tau * at.q),
                     dy = at.coordinates(step.Y).cwiseQuotient(at.y);
        change.array() +=
            0.5 * share *
            (dy.array().square() - d_theta * d_theta - (ball.power - 1.0) * (dq.array().square() - d_tau * d_tau));
    }
    return at.along_axes(at.y.cwiseProduct(change));
}

MetricPath::Newton::Newton(const MetricPath& at, const Matrix& curvature) : at_(at) {
    const Index size = unknown_of_maximum(at.weights_.size());
    Matrix equations = Matrix::Zero(size, size);
    for (int v = 1; v < at.program_.n_branches; ++v) {
        const Index tau = unknown_of_branch(v);
        const Vector response = curvature * pack(at.points_[std::size_t(v)]);
        for (int w = 1; w < at.program_.n_branches; ++w)
            equations(unknown_of_branch(w), tau) += response.dot(pack(at.points_[std::size_t(w)]));
        for (const Ball& ball : at.balls_) {
            const Vector part = ball.weight * response(ball.entries);
            equations.col(tau).segment(ball.first, part.size()) += part;
            equations.row(tau).segment(ball.first, part.size()) += part;
        }
        equations(tau, tau) += at.eta_[v] / at.tau_[v];
    }
    for (std::size_t l = 0; l < at.balls_.size(); ++l) {
        const Ball& ball = at.balls_[l];
        const double tau = at.tau_[ball.branch()];
        slopes_.push_back(slopes_of(ball, tau));
        const Slopes& slopes = slopes_.back();
        const auto n_entries = Index(ball.entries.size()), d = ball.size();
        for (const Ball& other : at.balls_)
            equations.block(ball.first, other.first, n_entries, Index(other.entries.size())) +=
                ball.weight * other.weight * curvature(ball.entries, other.entries);
        for (Index k = 0; k < n_entries; ++k)
            equations.col(ball.first + k).segment(ball.first, n_entries) +=
                pack(slope(ball, slopes, unpack(Vector::Unit(n_entries, k), d)));
        const Index theta = unknown_of_theta(l);
        equations.col(theta).segment(ball.first, n_entries) = pack(slopes.of_theta);
        equations.row(theta).segment(ball.first, n_entries) = pack(slopes.normal);
        if (ball.branch() == 0) continue;
        const Index branch = unknown_of_branch(ball.branch());
        equations(theta, branch) = equations(branch, theta) = -ball.trace;
        Matrix pull = slopes.along_axes((ball.power - 1.0) / tau * slopes.y);
        if (ball.has_room) {
            const Matrix room = symmetric(slopes.R_inverse * ball.V);
            equations.row(branch).segment(ball.first, n_entries) -= pack(room);
            equations(branch, branch) += room.trace();
            pull += room;
        }
        equations.col(branch).segment(ball.first, n_entries) -= pack(pull);
    }
    for (std::size_t k = 0; k < at.weights_.size(); ++k) {
        const GaugeMaximum& maximum = at.program_.maxima[k];
        const Index lambda = unknown_of_maximum(k);
        for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v)
            equations(lambda, unknown_of_branch(v)) = equations(unknown_of_branch(v), lambda) = 1.0;
        if (maximum.branch == 0) continue;
        const Index parent = unknown_of_branch(maximum.branch);
        equations(lambda, parent) = equations(parent, lambda) = -at.weights_[k];
    }
    equations_.compute(equations);
}

MetricPath::Step MetricPath::Newton::step(const Matrix& moment, double target, const Step* predictor,
                                          double share) const {
    const std::size_t n_balls = at_.balls_.size();
    Vector right = Vector::Zero(equations_.rows());
    Step step;
    step.tau = step.eta = Vector::Zero(at_.tau_.size());
    for (int v = 1; v < at_.program_.n_branches; ++v) {
        step.eta[v] = target / at_.tau_[v];
        if (predictor) step.eta[v] -= share * predictor->tau[v] * predictor->eta[v] / at_.tau_[v];
        right[unknown_of_branch(v)] = saddle::inner(at_.points_[std::size_t(v)], moment) + step.eta[v];
    }
    // The multipliers after the step while Q and τ stay.
    for (std::size_t l = 0; l < n_balls; ++l) {
        const Ball& ball = at_.balls_[l];
        const Slopes& slopes = slopes_[l];
        BallStep pull;
        pull.Z = target * slopes.Q_inverse;
        pull.V = pull.Y = Matrix::Zero(ball.size(), ball.size());
        if (ball.has_room) pull.V = target * slopes.R_inverse;
        if (ball.is_curved()) pull.Y = pull_of_logarithms(l, predictor, share);
        if (predictor) {
            const BallStep& second = predictor->balls[l];
            pull.Z -= share * symmetric(slopes.Q_inverse * second.Q * second.Z);
            if (ball.has_room) pull.V -= share * symmetric(slopes.R_inverse * second.R * second.V);
        }
        const Matrix S = ball.weight * moment(ball.form->block, ball.form->block);
        right.segment(ball.first, Index(ball.entries.size())) = pack(S + pull.Z - pull.V - pull.Y);
        right[unknown_of_theta(l)] = slopes.shortfall;
        if (ball.branch() > 0) right[unknown_of_branch(ball.branch())] += pull.V.trace();
        step.balls.push_back(std::move(pull));
    }
    for (std::size_t k = 0; k < at_.weights_.size(); ++k) {
        const GaugeMaximum& maximum = at_.program_.maxima[k];
        right[unknown_of_maximum(k)] = at_.weights_[k] * at_.tau_[maximum.branch] -
                                       at_.tau_.segment(maximum.first_branch, maximum.n_branches).sum();
    }

    const Vector solution = equations_.solve(right);
    step.lambda = solution.tail(at_.lambda_.size()) - at_.lambda_;
    step.Q = Matrix::Zero(at_.Q_.rows(), at_.Q_.cols());
    for (int v = 1; v < at_.program_.n_branches; ++v) {
        step.tau[v] = solution[unknown_of_branch(v)];
        step.eta[v] -= at_.eta_[v] * (1.0 + step.tau[v] / at_.tau_[v]);
        step.Q += step.tau[v] * at_.points_[std::size_t(v)];
    }
    for (std::size_t l = 0; l < n_balls; ++l) {
        const Ball& ball = at_.balls_[l];
        const Slopes& slopes = slopes_[l];
        BallStep& change = step.balls[l];
        const Index d = ball.size();
        const double tau = at_.tau_[ball.branch()], d_tau = step.tau[ball.branch()],
                     theta = solution[unknown_of_theta(l)];
        change.Q = unpack(solution.segment(ball.first, Index(ball.entries.size())), d);
        change.R = d_tau * Matrix::Identity(d, d) - change.Q;
        change.theta = theta - ball.theta;
        change.Z -= ball.Z + symmetric(slopes.Q_inverse * change.Q * ball.Z);
        if (ball.has_room) change.V -= ball.V + symmetric(slopes.R_inverse * change.R * ball.V);
        if (ball.is_curved())
            change.Y += theta * slopes.of_theta - ball.Y + slopes.of_metric(change.Q) -
                        slopes.along_axes((ball.power - 1.0) * d_tau / tau * slopes.y);
        step.Q(ball.form->block, ball.form->block) += ball.weight * change.Q;
    }
    return step;
}

}  // namespace spectralot::sphere
