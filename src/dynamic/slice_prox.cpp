#include "dynamic/slice_prox.hpp"

#include "dynamic/kernels.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::dynamic {

namespace {

constexpr double fenchel_tol = 1e-12;
constexpr int max_rounds = 40, max_halvings = 30, max_atoms = 12;
constexpr double interior_share = 1e-12;  // of the isotropic atom: keeps Q invertible

/// Entries (i ≤ j) of a symmetric matrix, so that a linear function <S, H> of H is pack(S)·entries(H).
Vector entries(const Matrix& H) {
    const Index d = H.rows();
    Vector v(d * (d + 1) / 2);
    for (Index i = 0, k = 0; i < d; ++i)
        for (Index j = i; j < d; ++j) v[k++] = H(i, j);
    return v;
}

}  // namespace

SliceProx::SliceProx(const Gauge& gauge, int dimension) : gauge_(gauge), d_(dimension) {
    const Matrix I = Matrix::Identity(d_, d_);
    atoms_.push_back(gauge_.active(I));
    weights_ = Vector::Ones(1);
    metric_ = atoms_[0];
    const ComparisonConstants bounds = gauge_.comparison_constants(d_);
    linear_ = d_ == 1 || bounds.lower == bounds.upper;
    if (const auto program = gauge_.program(d_))
        linear_ = linear_ || (program->maxima.empty() &&
                              std::all_of(program->leaves.begin(), program->leaves.end(),
                                          [](const GaugeLeaf& leaf) { return leaf.kind == GaugeLeaf::Kind::Point; }));
}

void SliceProx::set_metric(const Matrix& Q) {
    if (linear_) return;
    atoms_.resize(1);
    atoms_.push_back(Q);
    weights_.resize(2);
    weights_ << 1e-3, 1.0 - 1e-3;
    mix();
}

void SliceProx::mix() {
    metric_.setZero();
    for (std::size_t k = 0; k < atoms_.size(); ++k) metric_ += weights_[Index(k)] * atoms_[k];
    metric_ = (1.0 - interior_share) * metric_ + interior_share * atoms_[0];
}

/// One pass over the cells with Q = metric_: `out` becomes the projection of w for that Q.
SliceProx::Pass SliceProx::pass(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out,
                                bool derivatives) {
    ++passes_;
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(metric_);
    const Matrix& V = eigen.eigenvectors();
    const Vector q = eigen.eigenvalues().cwiseMax(0.0);
    const Points U = V;  // row-major
    kernels::ProxSums sums;
    kernels::project_cells(d_, q.data(), U.data(), w.data(), rho.data(), out.data(), rho.size(),
                           derivatives ? &sums : nullptr);
    Pass found;
    if (!derivatives) return found;
    // In the eigenbasis: quadratic form Σ cross·H·H - 4 Σ_l Σ_ik H_il H_kl spread_l(i,k).
    const int N = d_ * (d_ + 1) / 2;
    const auto entry = [this](int i, int j) {
        if (i > j) std::swap(i, j);
        return i * d_ - i * (i - 1) / 2 + j - i;
    };
    Matrix hessian(N, N), moment(d_, d_);
    for (int e = 0, at = 0; e < N; ++e)
        for (int g = e; g < N; ++g, ++at) hessian(e, g) = hessian(g, e) = sums.cross[at];
    for (int l = 0; l < d_; ++l)
        for (int i = 0; i < d_; ++i)
            for (int k = 0; k < d_; ++k) hessian(entry(i, l), entry(k, l)) -= 4.0 * sums.spread[l * N + entry(i, k)];
    for (int i = 0; i < d_; ++i)
        for (int j = 0; j < d_; ++j) moment(i, j) = sums.moment[entry(i, j)];
    found.value = sums.value;
    found.moment = V * moment * V.transpose();
    found.hessian = hessian;
    basis_ = V;
    return found;
}

void SliceProx::add_atom(const Matrix& A) {
    for (const Matrix& known : atoms_)
        if ((known - A).norm() <= 1e-14 * A.norm()) return;
    if (int(atoms_.size()) >= max_atoms) {  // the lightest one leaves; the first, isotropic, stays
        Index lightest = 1;
        for (Index k = 2; k < weights_.size(); ++k)
            if (weights_[k] < weights_[lightest]) lightest = k;
        const double lost = weights_[lightest];
        atoms_.erase(atoms_.begin() + lightest);
        Vector kept(weights_.size() - 1);
        kept << weights_.head(lightest), weights_.tail(weights_.size() - 1 - lightest);
        weights_ = kept;
        weights_[0] += lost;
    }
    atoms_.push_back(A);
    weights_.conservativeResize(weights_.size() + 1);
    weights_[weights_.size() - 1] = 0.0;
}

/// Maximises the quadratic model of g over the simplex of the atoms' weights by an active-set method.
void SliceProx::improve_weights(const Pass& at) {
    const auto n = Index(atoms_.size());
    Vector slopes(n);
    Matrix coordinates(at.hessian.rows(), n);
    for (Index k = 0; k < n; ++k) {
        const Matrix& A = atoms_[std::size_t(k)];
        slopes[k] = at.moment.cwiseProduct(A).sum();
        coordinates.col(k) = entries(basis_.transpose() * A * basis_);
    }
    Matrix H = -coordinates.transpose() * at.hessian * coordinates;  // ⪰ 0
    H.diagonal().array() += 1e-13 * (1e-300 + H.trace());
    Vector x = weights_;
    std::vector<char> free(std::size_t(n), 0);
    for (Index k = 0; k < n; ++k) free[std::size_t(k)] = x[k] > 0.0 ? 1 : 0;
    for (int round = 0; round < 4 * max_atoms; ++round) {
        std::vector<Index> set;
        for (Index k = 0; k < n; ++k)
            if (free[std::size_t(k)]) set.push_back(k);
        const auto size = Index(set.size());
        const Vector gradient = slopes - H * (x - weights_);
        Matrix system = Matrix::Zero(size + 1, size + 1);
        system.topLeftCorner(size, size) = H(set, set);
        const double scale = std::max(system.diagonal().maxCoeff(), 1e-300);
        system.row(size).head(size).setConstant(scale);
        system.col(size).head(size).setConstant(scale);
        Vector rhs = Vector::Zero(size + 1);
        rhs.head(size) = gradient(set);
        const Vector step = Eigen::FullPivLU<Matrix>(system).solve(rhs);
        double length = 1.0;
        Index blocking = -1;
        for (Index k = 0; k < size; ++k) {
            if (x[set[std::size_t(k)]] + length * step[k] < 0.0) {
                length = -x[set[std::size_t(k)]] / step[k];
                blocking = set[std::size_t(k)];
            }
        }
        for (Index k = 0; k < size; ++k)
            x[set[std::size_t(k)]] = std::max(x[set[std::size_t(k)]] + length * step[k], 0.0);
        if (blocking >= 0) {
            x[blocking] = 0.0;
            free[std::size_t(blocking)] = 0;
            continue;
        }
        const Vector now = slopes - H * (x - weights_);
        const double level = now.dot(x);
        Index best = -1;
        double excess = 1e-15 * std::abs(level);
        for (Index k = 0; k < n; ++k) {
            if (!free[std::size_t(k)] && now[k] - level > excess) {
                excess = now[k] - level;
                best = k;
            }
        }
        if (best < 0) break;
        free[std::size_t(best)] = 1;
    }
    weights_ = x / x.sum();
}

void SliceProx::project(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out) {
    if (linear_) {
        pass(w, rho, out, false);
        return;
    }
    Pass at = pass(w, rho, out, true);
    double least = infinity;
    for (int round = 0, idle = 0; round < max_rounds; ++round) {
        const double support = gauge_.value(at.moment);
        const double defect = support - at.moment.cwiseProduct(metric_).sum();
        if (!(defect > fenchel_tol * support)) break;
        idle = defect < 0.5 * least ? 0 : idle + 1;
        least = std::min(least, defect);
        if (idle > 8) break;
        add_atom(gauge_.active(at.moment));
        const Vector before = weights_;
        improve_weights(at);
        const Vector after = weights_;
        const double value = at.value;
        double length = 1.0;
        for (int halving = 0;; ++halving) {
            mix();
            at = pass(w, rho, out, true);
            if (at.value >= value - 1e-14 * std::abs(value) || halving == max_halvings) break;
            length *= 0.5;
            weights_ = (1.0 - length) * before + length * after;
        }
    }
    // Atoms without weight go; the isotropic one stays.
    std::size_t kept = 1;
    for (std::size_t k = 1; k < atoms_.size(); ++k) {
        if (weights_[Index(k)] <= 0.0) continue;
        atoms_[kept] = atoms_[k];
        weights_[Index(kept)] = weights_[Index(k)];
        ++kept;
    }
    atoms_.resize(kept);
    weights_.conservativeResize(Index(kept));
}

}  // namespace spectralot::dynamic
