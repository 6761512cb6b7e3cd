#include "dynamic/slice_prox.hpp"

#include "dynamic/kernels.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::dynamic {

namespace {

constexpr double fenchel_tol = 1e-12;
constexpr int max_rounds = 40, max_halvings = 30;
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
    weights_ = {1.0};
    metric_ = atoms_[0];
    const ComparisonConstants bounds = gauge_.comparison_constants(d_);
    linear_ = d_ == 1 || bounds.lower == bounds.upper;
    if (const auto program = gauge_.program(d_))
        linear_ = linear_ || (program->maxima.empty() &&
                              std::all_of(program->leaves.begin(), program->leaves.end(),
                                          [](const GaugeLeaf& leaf) { return leaf.kind == GaugeLeaf::Kind::Point; }));
    isotropic_ = linear_ && metric_ == metric_(0, 0) * I;
}

void SliceProx::set_metric(const Matrix& Q) {
    if (linear_) return;
    atoms_ = {atoms_[0], Q};
    weights_ = {1e-3, 1.0 - 1e-3};
    mix();
}

void SliceProx::mix() {
    metric_.setZero();
    for (std::size_t k = 0; k < atoms_.size(); ++k) metric_ += weights_[k] * atoms_[k];
    metric_ = (1.0 - interior_share) * metric_ + interior_share * atoms_[0];
}

/// One pass over the cells with Q = metric_: `out` becomes the projection of w for that Q.
SliceProx::Pass SliceProx::pass(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out,
                                bool derivatives) {
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
    if (int(atoms_.size()) >= max_atoms) {  // the lightest one leaves; the first, isotropic, stays
        std::size_t lightest = 1;
        for (std::size_t k = 2; k < atoms_.size(); ++k)
            if (weights_[k] < weights_[lightest]) lightest = k;
        weights_[0] += weights_[lightest];
        atoms_.erase(atoms_.begin() + Index(lightest));
        weights_.erase(weights_.begin() + Index(lightest));
    }
    atoms_.push_back(A);
    weights_.push_back(0.0);
}

/// Atoms without weight go; the isotropic one stays.
void SliceProx::drop_idle() {
    std::size_t kept = 1;
    for (std::size_t k = 1; k < atoms_.size(); ++k) {
        if (weights_[k] <= 0.0) continue;
        atoms_[kept] = atoms_[k];
        weights_[kept++] = weights_[k];
    }
    atoms_.resize(kept);
    weights_.resize(kept);
}

/// Maximises slopes·x - ½xᵀHx over the simplex from the weights x, by an active-set method.
void SliceProx::improve_weights(const Small& H, const SmallVector& slopes) {
    const auto n = Index(atoms_.size());
    SmallVector x(n);
    std::array<bool, max_atoms> free{};
    for (Index k = 0; k < n; ++k) {
        x[k] = weights_[std::size_t(k)];
        free[std::size_t(k)] = x[k] > 0.0 || k + 1 == n;
    }
    for (int round = 0; round < 4 * max_atoms; ++round) {
        // The heaviest weight is one minus the others: a positive definite system for those that are free.
        Index heaviest = 0;
        x.maxCoeff(&heaviest);
        std::array<Index, max_atoms> set{};
        Index size = 0;
        for (Index k = 0; k < n; ++k)
            if (free[std::size_t(k)] && k != heaviest) set[std::size_t(size++)] = k;
        const SmallVector gradient = slopes - H * x;
        Small system(size, size);
        SmallVector rhs(size);
        for (Index i = 0; i < size; ++i) {
            const Index k = set[std::size_t(i)];
            rhs[i] = gradient[k] - gradient[heaviest];
            for (Index j = 0; j < size; ++j) {
                const Index l = set[std::size_t(j)];
                system(i, j) = H(k, l) - H(k, heaviest) - H(heaviest, l) + H(heaviest, heaviest);
            }
        }
        system.diagonal().array() += 1e-14 * (1e-300 + system.trace());
        SmallVector step = SmallVector::Zero(n);
        if (size > 0) {
            const SmallVector solution = system.ldlt().solve(rhs);
            for (Index i = 0; i < size; ++i) step[set[std::size_t(i)]] = solution[i];
            step[heaviest] = -solution.sum();
        }
        if (!step.allFinite()) break;
        double length = 1.0;
        Index blocking = -1;
        for (Index k = 0; k < n; ++k) {
            if (x[k] + length * step[k] < 0.0) {
                length = -x[k] / step[k];
                blocking = k;
            }
        }
        x = (x + length * step).cwiseMax(0.0);
        if (blocking >= 0) {
            x[blocking] = 0.0;
            free[std::size_t(blocking)] = false;
            continue;
        }
        const SmallVector now = slopes - H * x;
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
        free[std::size_t(best)] = true;
    }
    const double sum = x.sum();
    for (Index k = 0; k < n; ++k) weights_[std::size_t(k)] = x[k] / sum;
}

/// Maximises the quadratic model of g at the last pass over K, to a Fenchel defect of `tol`: no pass over the cells.
void SliceProx::improve(const Pass& at, double tol) {
    Vector origin = Vector::Zero(at.hessian.rows());
    for (std::size_t k = 0; k < atoms_.size(); ++k)
        origin += weights_[k] * entries(basis_.transpose() * atoms_[k] * basis_);
    const Matrix moment = basis_.transpose() * at.moment * basis_;
    double least = infinity;
    for (int round = 0, idle = 0; round < max_rounds && idle < 3; ++round) {
        const auto n = Index(atoms_.size());
        Matrix coordinates(at.hessian.rows(), n);
        Vector here = Vector::Zero(at.hessian.rows());
        for (Index k = 0; k < n; ++k) {
            coordinates.col(k) = entries(basis_.transpose() * atoms_[std::size_t(k)] * basis_);
            here += weights_[std::size_t(k)] * coordinates.col(k);
        }
        const Vector bend = at.hessian * (here - origin);
        Matrix gradient = moment;
        double slope_here = 0.0;
        for (Index i = 0, e = 0; i < d_; ++i) {
            for (Index j = i; j < d_; ++j, ++e) {
                gradient(i, j) += i == j ? bend[e] : 0.5 * bend[e];
                gradient(j, i) = gradient(i, j);
                slope_here += (i == j ? 1.0 : 2.0) * gradient(i, j) * here[e];
            }
        }
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(gradient);
        const Matrix legal =
            eigen.eigenvectors() * eigen.eigenvalues().cwiseMax(0.0).asDiagonal() * eigen.eigenvectors().transpose();
        const Matrix atom = gauge_.active(basis_ * legal * basis_.transpose());
        const double defect = (basis_.transpose() * atom * basis_).cwiseProduct(gradient).sum() - slope_here;
        if (!(defect > tol)) break;
        idle = defect < 0.5 * least ? 0 : idle + 1;
        least = std::min(least, defect);
        add_atom(atom);
        // The model in the weights: slopes at x = 0 and minus its second derivative.
        const auto size = Index(atoms_.size());
        Matrix all(at.hessian.rows(), size);
        SmallVector slopes(size);
        for (Index k = 0; k < size; ++k) {
            const Matrix A = basis_.transpose() * atoms_[std::size_t(k)] * basis_;
            all.col(k) = entries(A);
            slopes[k] = moment.cwiseProduct(A).sum() - all.col(k).dot(at.hessian * origin);
        }
        improve_weights(Small(-all.transpose() * at.hessian * all), slopes);
    }
}

void SliceProx::project(std::span<const double* const> w, std::span<double> rho, std::span<double* const> spare,
                        double share, std::span<double* const> out) {
    if (isotropic_) {
        kernels::project_isotropic(d_, metric_(0, 0), w.data(), rho.data(), share, out.data(), rho.size());
        return;
    }
    solve(w, rho, spare);
    for (std::size_t k = 0; k < out.size(); ++k)
        kernels::add_two(nullptr, out[k], 1.0 - share, spare[k], share, rho.size(), out[k]);
}

/// The projection for the best Q.
void SliceProx::solve(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out) {
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
        const Matrix before = metric_;
        const double value = at.value, relative = defect / support;
        improve(at, support * std::max(0.1 * fenchel_tol, 0.1 * relative * relative));
        mix();
        const Matrix after = metric_;
        at = pass(w, rho, out, true);
        double length = 1.0;
        for (int halving = 0; !(at.value >= value - 1e-14 * std::abs(value)) && halving < max_halvings; ++halving) {
            length *= 0.5;
            atoms_ = {atoms_[0], before, after};
            weights_ = {0.0, 1.0 - length, length};
            mix();
            at = pass(w, rho, out, true);
        }
        drop_idle();
    }
}

}  // namespace spectralot::dynamic
