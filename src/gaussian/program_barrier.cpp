#include "gaussian/program_barrier.hpp"

#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spectralot::gaussian {

namespace {

using detail::LeafPoint;
using linalg::product;
using Triplets = std::vector<Eigen::Triplet<double>>;

constexpr double least_ratio = 1e-15;  // eigenvalues kept above this part of their bound

/// (‖q‖_s, q/‖q‖_s, and the gradient of the norm), s = p'.
struct Norm {
    explicit Norm(const LeafPoint& leaf)
        : value(detail::vector_norm(leaf.values, leaf.conjugate)),
          ratio(leaf.values / value),
          gradient(ratio.array().pow(leaf.conjugate - 1.0)) {}
    double value;
    Vector ratio, gradient;
};

/// Calls visit(unknown, i, j) for the pairs i < j.
template <class Visit>
void for_each_pair(Index n, Index first, Visit visit) {
    for (Index i = 0; i < n; ++i)
        for (Index j = i + 1; j < n; ++j) visit(first++, i, j);
}

}  // namespace

ProgramBarrier::ProgramBarrier(const GaugeProgram& program) : point_(program), n_diagonal_(program.n_branches - 1) {
    for (LeafPoint& leaf : point_.leaves) {
        leaf.first = n_diagonal_;
        n_diagonal_ += leaf.values.size() + leaf.room.size() + (leaf.has_slack() ? 1 : 0);
    }
    n_unknowns_ = n_diagonal_;
    for (const LeafPoint& leaf : point_.leaves) {
        off_diagonal_.push_back(n_unknowns_);
        n_unknowns_ += leaf.values.size() * (leaf.values.size() - 1) / 2;
    }
    differentiate();
}

double ProgramBarrier::excess(double lower) const {
    double size = 0.0;     // of everything that is added up to the metric
    double overrun = 0.0;  // by how much the leaves miss their equations, in trace
    for (const GaugeLeaf& form : point_.program->leaves)
        if (form.kind == GaugeLeaf::Kind::Point) size += form.weight * point_.tau[form.branch] * form.point.norm();
    for (const LeafPoint& leaf : point_.leaves) {
        const double trace = leaf.values.sum(), bound = point_.tau[leaf.form->branch];
        const double level = leaf.has_slack() ? detail::vector_norm(leaf.values, leaf.conjugate)
                                              : std::max(trace / leaf.form->k, leaf.values.maxCoeff());
        size += leaf.form->weight * trace;
        overrun += leaf.form->weight * trace * std::max(0.0, level / bound - 1.0);
    }
    return (16.0 * double(point_.program->dimension) * epsilon * size + overrun) / lower;
}

double ProgramBarrier::value() const {
    double sum = point_.tau.array().log().sum();
    for (const LeafPoint& leaf : point_.leaves) {
        sum += leaf.values.array().log().sum();
        if (leaf.has_room()) sum += leaf.room.array().log().sum();
        if (leaf.has_slack()) sum += std::log(leaf.slack);
    }
    return -sum;
}

Vector ProgramBarrier::slope() const {
    Vector slope = Vector::Zero(n_unknowns_);
    for (Index v = 1; v < point_.tau.size(); ++v) slope[v - 1] = -1.0 / point_.tau[v];
    for (const LeafPoint& leaf : point_.leaves) {
        const Index n = leaf.values.size();
        slope.segment(leaf.first, n) = -leaf.values.cwiseInverse();
        if (leaf.has_room()) slope.segment(leaf.first + n, n) = -leaf.room.cwiseInverse();
        if (leaf.has_slack()) slope[leaf.first + n] = -1.0 / leaf.slack;
    }
    return slope;
}

Matrix ProgramBarrier::step_of(const LeafPoint& leaf, const Vector& x) const {
    const Index n = leaf.values.size();
    Matrix X = x.segment(leaf.first, n).asDiagonal();
    for_each_pair(n, off_diagonal_[size_t(&leaf - point_.leaves.data())],
                  [&](Index unknown, Index i, Index j) { X(i, j) = X(j, i) = x[unknown] / std::numbers::sqrt2; });
    return X;
}

Matrix ProgramBarrier::spread(const Vector& x) const {
    Matrix H = Matrix::Zero(point_.program->dimension, point_.program->dimension);
    for (const GaugeLeaf& form : point_.program->leaves)
        if (form.kind == GaugeLeaf::Kind::Point && form.branch > 0)
            H(form.block, form.block) += form.weight * x[form.branch - 1] * form.point;
    for (const LeafPoint& leaf : point_.leaves)
        H(leaf.form->block, leaf.form->block) +=
            leaf.form->weight * product(leaf.vectors, product(step_of(leaf, x), leaf.vectors.transpose()));
    return H;
}

Vector ProgramBarrier::collect(const Matrix& S) const {
    Vector x = Vector::Zero(n_unknowns_);
    for (const GaugeLeaf& form : point_.program->leaves)
        if (form.kind == GaugeLeaf::Kind::Point && form.branch > 0)
            x[form.branch - 1] += form.weight * S(form.block, form.block).cwiseProduct(form.point).sum();
    for (size_t l = 0; l < point_.leaves.size(); ++l) {
        const LeafPoint& leaf = point_.leaves[l];
        const Matrix seen = S(leaf.form->block, leaf.form->block);
        const Matrix turned = leaf.form->weight * product(leaf.vectors.transpose(), product(seen, leaf.vectors));
        x.segment(leaf.first, leaf.values.size()) = turned.diagonal();
        for_each_pair(leaf.values.size(), off_diagonal_[l], [&](Index unknown, Index i, Index j) {
            x[unknown] = (turned(i, j) + turned(j, i)) / std::numbers::sqrt2;
        });
    }
    return x;
}

void ProgramBarrier::write_equations() {
    Triplets entries;
    int row = 0;
    const auto add = [&](Index unknown, double value) { entries.emplace_back(row, int(unknown), value); };
    for (const GaugeMaximum& maximum : point_.program->maxima) {
        for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v) add(v - 1, 1.0);
        if (maximum.branch > 0) add(maximum.branch - 1, -maximum.weight);
        ++row;
    }
    for (const LeafPoint& leaf : point_.leaves) {
        const Index n = leaf.values.size(), branch = leaf.form->branch - 1;
        const Vector gradient = leaf.has_slack() ? Norm(leaf).gradient : Vector::Ones(n);
        for (Index i = 0; i < n; ++i) add(leaf.first + i, gradient[i]);
        if (leaf.has_slack()) add(leaf.first + n, 1.0);
        if (branch >= 0) add(branch, leaf.has_slack() ? -1.0 : -double(leaf.form->k));
        ++row;
        for (Index i = 0; i < leaf.room.size(); ++i, ++row) {
            add(leaf.first + i, 1.0);
            add(leaf.first + n + i, 1.0);
            if (branch >= 0) add(branch, -1.0);
        }
    }
    equations_.resize(row, n_diagonal_);
    equations_.setFromTriplets(entries.begin(), entries.end());
}

void ProgramBarrier::differentiate() {
    Triplets entries, inverse;
    off_weights_.resize(n_unknowns_ - n_diagonal_);
    const auto add = [&](Index unknown, double quantity) {
        entries.emplace_back(int(unknown), int(unknown), 1.0 / (quantity * quantity));
        inverse.emplace_back(int(unknown), int(unknown), quantity * quantity);
    };
    for (Index v = 1; v < point_.tau.size(); ++v) add(v - 1, point_.tau[v]);
    for (size_t l = 0; l < point_.leaves.size(); ++l) {
        const LeafPoint& leaf = point_.leaves[l];
        const Vector& q = leaf.values;
        const Index n = q.size(), first = off_diagonal_[l] - n_diagonal_;
        for_each_pair(n, first, [&](Index k, Index i, Index j) { off_weights_[k] = 1.0 / (q[i] * q[j]); });
        if (leaf.has_room()) {
            const Vector& room = leaf.room;
            for_each_pair(n, first, [&](Index k, Index i, Index j) { off_weights_[k] += 1.0 / (room[i] * room[j]); });
            for (Index i = 0; i < n; ++i) add(leaf.first + n + i, room[i]);
        }
        if (!leaf.has_slack()) {
            for (Index i = 0; i < n; ++i) add(leaf.first + i, q[i]);
            continue;
        }
        // The curvature of the norm, with the multiplier 1/slack of its equation.
        add(leaf.first + n, leaf.slack);
        const double s = leaf.conjugate;
        const auto [norm, ratio, gradient] = Norm(leaf);
        const Vector share = gradient.cwiseProduct(ratio);
        // Relative to the eigenvalues.
        Matrix scaled = -((s - 1.0) * norm / leaf.slack) * share * share.transpose();
        scaled.diagonal() += Vector::Ones(n) + ((s - 1.0) * norm / leaf.slack) * share;
        const Matrix scaled_inverse = Eigen::LLT<Matrix>(scaled).solve(Matrix::Identity(n, n));
        for (Index j = 0; j < n; ++j) {
            for (Index i = 0; i < n; ++i) {
                entries.emplace_back(int(leaf.first + i), int(leaf.first + j), scaled(i, j) / (q[i] * q[j]));
                inverse.emplace_back(int(leaf.first + i), int(leaf.first + j), scaled_inverse(i, j) * q[i] * q[j]);
            }
        }
        for_each_pair(n, first, [&](Index k, Index i, Index j) {
            const double gap = ratio[i] - ratio[j];
            const double flat = (s - 1.0) * std::pow(0.5 * (ratio[i] + ratio[j]), s - 2.0);
            const double secant =
                std::abs(gap) > 1e-5 * (ratio[i] + ratio[j]) ? (gradient[i] - gradient[j]) / gap : flat;
            off_weights_[k] += secant / (norm * leaf.slack);
        });
    }
    core_.resize(n_diagonal_, n_diagonal_);
    core_inverse_.resize(n_diagonal_, n_diagonal_);
    core_.setFromTriplets(entries.begin(), entries.end());
    core_inverse_.setFromTriplets(inverse.begin(), inverse.end());
    write_equations();
    const Sparse schur = equations_ * core_inverse_ * Sparse(equations_.transpose());
    schur_ = std::make_shared<const Eigen::SimplicialLLT<Sparse>>(schur);
}

Vector ProgramBarrier::times(const Vector& x) const {
    Vector image(n_unknowns_);
    image.head(n_diagonal_) = core_ * x.head(n_diagonal_);
    image.tail(off_weights_.size()) = off_weights_.cwiseProduct(x.tail(off_weights_.size()));
    return image;
}

Vector ProgramBarrier::solve(Vector& r) const {
    Vector x(n_unknowns_);
    x.tail(off_weights_.size()) = r.tail(off_weights_.size()).cwiseQuotient(off_weights_);
    x.head(n_diagonal_) = core_inverse_ * r.head(n_diagonal_);
    if (equations_.rows() == 0) return x;
    // The multipliers leave the residual itself, not only x: they are of the size of S however small the rest. What
    // rounding leaves of them in x goes with a second pass.
    for (int pass = 0; pass < 2; ++pass) {
        const Vector multipliers = schur_->solve(equations_ * x.head(n_diagonal_));
        r.head(n_diagonal_) -= equations_.transpose() * multipliers;
        x.head(n_diagonal_) = core_inverse_ * r.head(n_diagonal_);
    }
    return x;
}

double ProgramBarrier::longest_step(const Vector& x) const {
    double fall = 0.0;
    for (Index v = 1; v < point_.tau.size(); ++v) fall = std::max(fall, -x[v - 1] / point_.tau[v]);
    const auto least_relative = [&](const Matrix& X, const Vector& scale) {
        const Vector root = scale.cwiseSqrt().cwiseInverse();
        const Matrix scaled = root.asDiagonal() * X * root.asDiagonal();
        fall = std::max(fall, -Eigen::SelfAdjointEigenSolver<Matrix>(scaled, Eigen::EigenvaluesOnly).eigenvalues()[0]);
    };
    for (const LeafPoint& leaf : point_.leaves) {
        Matrix X = step_of(leaf, x);
        least_relative(X, leaf.values);
        if (leaf.has_slack()) fall = std::max(fall, -x[leaf.first + leaf.values.size()] / leaf.slack);
        if (!leaf.has_room()) continue;
        X = -X;
        X.diagonal() = x.segment(leaf.first + leaf.values.size(), leaf.values.size());
        least_relative(X, leaf.room);
    }
    return fall > 0.0 ? 1.0 / fall : infinity;
}

std::optional<ProgramBarrier> ProgramBarrier::moved(const Vector& x, double length) const {
    ProgramBarrier next(*this);
    detail::ProgramPoint& point = next.point_;
    for (Index v = 1; v < point.tau.size(); ++v) point.tau[v] += length * x[v - 1];
    for (LeafPoint& leaf : point.leaves) {
        const double bound = point.tau[leaf.form->branch];
        Matrix inner = length * step_of(point_.leaves[size_t(&leaf - point.leaves.data())], x);
        inner.diagonal() += leaf.values;
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(
            product(leaf.vectors, product(inner, leaf.vectors.transpose())));
        leaf.vectors = eigen.eigenvectors();
        leaf.values = eigen.eigenvalues().cwiseMax(least_ratio * bound);
        // A step meets the trace only to rounding; the room must not keep what it misses.
        if (!leaf.has_slack()) leaf.values *= leaf.form->k * bound / leaf.values.sum();
        if (leaf.has_room()) leaf.room = (bound - leaf.values.array()).cwiseMax(least_ratio * bound);
        if (!leaf.has_slack()) continue;
        leaf.slack = bound - detail::vector_norm(leaf.values, leaf.conjugate);
        if (!(leaf.slack > 0.0)) return std::nullopt;
    }
    point.restore_equations();
    next.differentiate();
    return next;
}

}  // namespace spectralot::gaussian
