#include "gaussian/barycenter_search.hpp"

#include "core/ending.hpp"
#include "core/weights.hpp"
#include "gaussian/couple.hpp"
#include "gaussian/polar.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <cmath>
#include <limits>

namespace spectralot::gaussian {

using linalg::product;

Components::Components(const std::vector<Gaussian>& given, const Vector& given_weights) {
    check_components(given, given.empty() ? 0 : given.front().dimension());
    weights = normalised_weights(given_weights, Index(given.size()), "weights", "component");
    int exponent = std::numeric_limits<int>::min();
    for (const Gaussian& component : given) exponent = std::max(exponent, common_exponent(given.front(), component));
    unit = std::ldexp(1.0, exponent);
    Vector mean = Vector::Zero(given.front().dimension());
    for (std::size_t i = 0; i < given.size(); ++i) {
        Pair pair(given.front(), given[i], exponent);
        means.emplace_back(pair.shift.col(0));
        factors.push_back(std::move(pair.target));
        mean += weights[Index(i)] * means.back();
    }
    for (Vector& m : means) m -= mean;
    origin = given.front().mean / unit + mean;
}

namespace {

/// What the couplings to N(·, root·rootᵀ) say for given metrics. For any W ≻ 0
///
///     2‖S^{1/2}QF‖_* ≤ tr SQFW⁻¹FᵀQ + tr W,   W = V diag(s) Vᵀ here, rootᵀQF = U diag(s) Vᵀ,
///
/// so that κ with κ Σλ_iQ_i ⪰ Σλ_iQ_iF_iW_i⁻¹F_iᵀQ_i =: balance makes Σλ_i(tr Q_iΣ_i - κ tr W_i) a lower bound for
/// every S.
struct Balance {
    explicit Balance(const Components& components)
        : total(Matrix::Zero(components.dimension(), components.dimension())), balance(total) {}
    void add(double weight, const Matrix& Q, const Factor& factor, const Polar& at, const Matrix& B);
    /// Proved, the rounding of its evaluation included.
    [[nodiscard]] double lower_bound() const;

    Matrix total, balance;       ///< Σλ_iQ_i
    double balance_error = 0.0;  ///< spectral norm
    double constant = 0.0;       ///< Σλ_i tr Q_iΣ_i
    double constant_error = 0.0;
    double traces = 0.0;  ///< Σλ_i tr W_i
};

void Balance::add(double weight, const Matrix& Q, const Factor& factor, const Polar& at, const Matrix& B) {
    constexpr double least_ratio = 1e-10;
    const auto d = double(Q.rows());
    const double q = Q.norm(), rounding = 8.0 * d * epsilon * q * factor.root.norm();  // that of B
    total += weight * Q;
    constant += weight * factor.root.cwiseProduct(B).sum();
    constant_error += weight * q * factor.error * (2.0 * factor.root.norm() + factor.error);
    // The part of the exact root that F misses, with W = error·I.
    balance_error += weight * q * q * factor.error;
    traces += weight * double(B.cols()) * factor.error;
    if (at.s.size() == 0) return;

    const double level = least_ratio * std::max(at.s.maxCoeff(), 1e-100);
    const Vector s = at.s.cwiseMax(level);
    const Matrix BV = product(B, at.V);
    balance += weight * product(BV * s.cwiseInverse().asDiagonal(), BV.transpose());
    traces += weight * s.sum();
    for (Index j = 0; j < s.size(); ++j)
        balance_error += weight * rounding * (2.0 * BV.col(j).norm() + rounding) / s[j];
    // Off the range of V, where B has no part to balance if V is square.
    if (BV.cols() == B.cols()) return;
    const Matrix rest = B - product(BV, at.V.transpose());
    balance += weight / level * product(rest, rest.transpose());
    traces += weight * level * double(B.cols() - BV.cols());
    balance_error += weight * rounding * (2.0 * rest.norm() + rounding) / level;
}

double Balance::lower_bound() const {
    const auto d = double(total.rows());
    const Eigen::LLT<Matrix> root(total);
    if (root.info() != Eigen::Success) return 0.0;
    const Matrix half = root.matrixL().solve(balance);
    const Matrix relative = root.matrixL().solve(half.transpose());
    const double least =
        Eigen::SelfAdjointEigenSolver<Matrix>(relative, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
    // The least κ to rounding: Cholesky proves one that is hardly larger.
    for (double margin = 16.0 * d * epsilon; margin < 1.0; margin *= 2.0) {
        const double kappa = (1.0 + margin) * least;
        Matrix rest = kappa * total - balance;
        rest.diagonal().array() -= balance_error + 8.0 * d * epsilon * (kappa * total.norm() + balance.norm());
        if (Eigen::LLT<Matrix>(rest).info() != Eigen::Success) continue;
        return constant - constant_error - kappa * traces - 32.0 * d * epsilon * (constant + kappa * traces);
    }
    return 0.0;
}

/// A lower bound of the least Σλ_i(m-m_i)ᵀQ_i(m-m_i), which m reaches to rounding: what m misses is gᵀ(Σλ_iQ_i)⁻¹g, g
/// half the gradient.
double mean_part(const Components& components, const std::vector<Matrix>& metrics, const Matrix& total,
                 const Vector& m) {
    const auto d = double(m.size());
    double value = 0.0, size = 0.0;
    Vector gradient = Vector::Zero(m.size());
    for (std::size_t i = 0; i < components.size(); ++i) {
        const double weight = components.weights[Index(i)];
        const Vector shift = m - components.means[i], pull = metrics[i] * shift;
        gradient += weight * pull;
        value += weight * shift.dot(pull);
        size += weight * metrics[i].norm() * (m.norm() + components.means[i].norm());
    }
    const double flattest = Eigen::SelfAdjointEigenSolver<Matrix>(total, Eigen::EigenvaluesOnly).eigenvalues()[0] -
                            8.0 * d * epsilon * total.norm();
    if (!(flattest > 0.0)) return 0.0;
    const double miss = gradient.norm() + 8.0 * d * epsilon * size;
    return std::max(0.0, value * (1.0 - 16.0 * d * epsilon) - miss * (miss / flattest));
}

}  // namespace

Inner descend(const Components& components, const std::vector<Matrix>& metrics, const Matrix& root) {
    const Index d = components.dimension();
    Balance sums(components);
    Matrix pulled = Matrix::Zero(d, root.cols());
    Vector push = Vector::Zero(d);
    for (std::size_t i = 0; i < components.size(); ++i) {
        const double weight = components.weights[Index(i)];
        const Matrix& Q = metrics[i];
        const Matrix B = product(Q, components.factors[i].root);
        const Polar at = polar(product(root.transpose(), B));
        sums.add(weight, Q, components.factors[i], at, B);
        push += weight * (Q * components.means[i]);
        if (at.s.size() > 0) pulled += weight * product(product(B, at.V), at.U.transpose());
    }
    const Eigen::LLT<Matrix> solver(sums.total);
    if (solver.info() != Eigen::Success) return {Vector::Zero(d), root, 0.0};
    // Diracs have roots without columns, which Eigen's solve reads an entry of.
    Inner next{solver.solve(push), pulled.size() > 0 ? Matrix(solver.solve(pulled)) : pulled, 0.0};
    next.lower = sums.lower_bound() + mean_part(components, metrics, sums.total, next.mean);
    return next;
}

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

Matrix mean_root(const Components& components) {
    const Index d = components.dimension();
    Matrix mean = Matrix::Zero(d, d);
    for (std::size_t i = 0; i < components.size(); ++i)
        mean +=
            components.weights[Index(i)] * product(components.factors[i].root, components.factors[i].root.transpose());
    return factor(mean, "covariances").root;
}

BarycenterSearch::BarycenterSearch(const Components& components_, const Gauge& gauge_,
                                   const BarycenterOptions& options_, const Observer& observer)
    : components(components_), gauge(gauge_), options(options_), observer_(observer) {
    const auto d = int(components.dimension());
    double error = 0.0;
    for (std::size_t i = 0; i < components.size(); ++i)
        error = std::max(error, 32.0 * d * epsilon * (components.factors[i].root.norm() + components.means[i].norm()) +
                                    4.0 * components.factors[i].error);
    zero_level_ = 4.0 * gauge.comparison_constants(d).upper * error * error;
    result_.certificate = {.lower = 0.0, .upper = infinity};
}

double BarycenterSearch::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void BarycenterSearch::offer(const Vector& mean, const Matrix& root, double value) {
    if (!(value < bracket().upper)) return;
    result_.certificate.upper = value;
    result_.gaussian = {mean, product(root, root.transpose())};
}

void BarycenterSearch::offer(const std::vector<Matrix>& metrics, double bound) {
    if (!result_.metrics.empty() && !(bound > bracket().lower)) return;
    result_.certificate.lower = std::max(bound, 0.0);
    result_.metrics = metrics;
}

bool BarycenterSearch::finished() {
    ++result_.n_iter;
    const double unit = components.unit;
    observer_.report({result_.n_iter, unit * (unit * bracket().lower), unit * (unit * bracket().upper), seconds()});
    const std::optional<Status> end = ending(bracket(), result_.n_iter, {zero_level_, options.tol, options.max_iter},
                                             {.interrupted = observer_.cancel.requested()});
    result_.status = end.value_or(result_.status);
    return end.has_value();
}

BarycenterResult BarycenterSearch::take_result() {
    result_.converged = is_converged(result_.status);
    if (result_.status == Status::ZeroToRounding) result_.certificate.lower = 0.0;
    const double unit = components.unit;
    result_.certificate.upper = unit * (unit * bracket().upper);
    result_.certificate.lower = std::min(unit * (unit * bracket().lower), bracket().upper);
    result_.value = bracket().upper;
    result_.gaussian.mean = unit * (result_.gaussian.mean + components.origin);
    result_.gaussian.covariance = unit * (unit * result_.gaussian.covariance).eval();
    result_.seconds = seconds();
    return std::move(result_);
}

}  // namespace spectralot::gaussian
