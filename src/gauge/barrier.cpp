#include "gauge/barrier.hpp"

#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

namespace spectralot::detail {

namespace {

using Kind = GaugeLeaf::Kind;

/// One-sided Jacobi: orthogonalises the columns of F in place and returns the rotation. Small columns keep their
/// relative accuracy, which an eigensolver of FᵀF would lose.
Matrix orthogonalise(Matrix& F) {
    const Index n = F.cols();
    Matrix rotation = Matrix::Identity(n, n);
    for (int sweep = 0; sweep < 30; ++sweep) {
        bool rotated = false;
        for (Index i = 0; i < n; ++i)
            for (Index j = i + 1; j < n; ++j) {
                const double a = F.col(i).squaredNorm();
                const double b = F.col(j).squaredNorm();
                const double c = F.col(i).dot(F.col(j));
                if (std::abs(c) <= epsilon * std::sqrt(a) * std::sqrt(b)) continue;
                rotated = true;
                const double zeta = (b - a) / (2.0 * c);
                const double t = std::copysign(1.0 / (std::abs(zeta) + std::hypot(1.0, zeta)), zeta);
                const double cosine = 1.0 / std::hypot(1.0, t);
                const Eigen::JacobiRotation<double> turn(cosine, cosine * t);
                F.applyOnTheRight(i, j, turn);
                rotation.applyOnTheRight(i, j, turn);
            }
        if (!rotated) break;
    }
    return rotation;
}

/// Eigenvalues (ascending) of diag(√v)·(I + Y)·diag(√v) and its eigenvectors, each eigenvalue to relative accuracy.
struct Update {
    Vector values;
    Matrix vectors;
};
Update congruence(const Vector& v, const Matrix& Y) {
    const Matrix L = (Matrix::Identity(v.size(), v.size()) + Y).llt().matrixL();
    Matrix F = L.transpose() * v.cwiseSqrt().asDiagonal();
    const Matrix rotation = orthogonalise(F);
    const Vector unsorted = F.colwise().squaredNorm();
    std::vector<Index> order(static_cast<size_t>(v.size()));
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::sort(order, {}, [&](Index i) { return unsorted[i]; });
    return {unsorted(order), rotation(Eigen::all, order)};
}

double smallest_eigenvalue(const Matrix& Y) {
    return Eigen::SelfAdjointEigenSolver<Matrix>(Y, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

}  // namespace

bool is_spectral(const GaugeProgram& program) {
    for (const GaugeLeaf& leaf : program.leaves) {
        if (static_cast<int>(leaf.block.size()) != program.dimension) return false;
        if (leaf.kind != Kind::Point) continue;
        const Matrix multiple = leaf.point(0, 0) * Matrix::Identity(leaf.point.rows(), leaf.point.cols());
        if (leaf.point != multiple) return false;
    }
    return true;
}

template <class Visit>
void CentralPath::for_each_pair(const Leaf& leaf, Visit visit) const {
    const Index n = leaf.values.size();
    Index unknown = leaf.first;
    for (Index i = 0; i < n; ++i) visit(unknown++, i, i);
    if (diagonal_) return;
    for (Index i = 0; i < n; ++i)
        for (Index j = i + 1; j < n; ++j) visit(unknown++, i, j);
}

// Unknowns: the branches, then per leaf its pairs (i, i), (i, j) and its slack.
CentralPath::CentralPath(const GaugeProgram& program, bool diagonal)
    : point_(program), diagonal_(diagonal), n_unknowns_(program.n_branches - 1) {
    for (const GaugeLeaf& form : program.leaves) {
        point_roots_.emplace_back();
        if (form.kind != Kind::Point) continue;
        const Spectrum s = spectrum(form.point);
        const Vector positive = form.weight * s.scale * s.values.cwiseMax(0.0);
        point_roots_.back() = s.vectors * positive.cwiseSqrt().asDiagonal();
    }
    for (Leaf& leaf : point_.leaves) {
        const Index n = leaf.values.size();
        leaf.first = n_unknowns_;
        n_unknowns_ += (diagonal ? n : n * (n + 1) / 2) + (leaf.has_slack() ? 1 : 0);
    }
}

Matrix CentralPath::branch_points(int branch) const {
    Matrix sum = Matrix::Zero(point_.program->dimension, point_.program->dimension);
    for (const GaugeLeaf& form : point_.program->leaves)
        if (form.kind == Kind::Point && form.branch == branch)
            sum(form.block, form.block) += form.weight * point_.tau[branch] * form.point;
    return sum;
}

Matrix CentralPath::root() const {
    std::vector<std::pair<double, Eigen::RowVectorXd>> rows;
    const auto add = [&](const std::vector<int>& block, const Vector& column) {
        Eigen::RowVectorXd row = Eigen::RowVectorXd::Zero(point_.program->dimension);
        row(block) = column.transpose();
        rows.emplace_back(row.norm(), std::move(row));
    };
    for (size_t k = 0; k < point_roots_.size(); ++k) {
        const GaugeLeaf& form = point_.program->leaves[k];
        for (Index i = 0; i < point_roots_[k].cols(); ++i)
            add(form.block, std::sqrt(point_.tau[form.branch]) * point_roots_[k].col(i));
    }
    for (const Leaf& leaf : point_.leaves)
        for (Index i = 0; i < leaf.values.size(); ++i)
            add(leaf.form->block, std::sqrt(leaf.form->weight * leaf.values[i]) * leaf.vectors.col(i));
    // Householder's QR is accurate row by row when the rows come in decreasing order.
    std::ranges::stable_sort(rows, std::greater<>(), [](const auto& row) { return row.first; });
    Matrix stacked(std::max<Index>(static_cast<Index>(rows.size()), point_.program->dimension),
                   point_.program->dimension);
    stacked.setZero();
    for (size_t i = 0; i < rows.size(); ++i) stacked.row(static_cast<Index>(i)) = rows[i].second;
    const Matrix packed = stacked.householderQr().matrixQR();
    return packed.topRows(point_.program->dimension).triangularView<Eigen::Upper>();
}

Index CentralPath::slack_unknown(const Leaf& leaf) const {
    const Index n = leaf.values.size();
    return leaf.first + (diagonal_ ? n : n * (n + 1) / 2);
}

/// Y with ΔQ = Q^½ Y Q^½ in the eigenbasis of the leaf.
Matrix CentralPath::scaled_step(const Leaf& leaf, const Vector& step) const {
    Matrix Y = Matrix::Zero(leaf.values.size(), leaf.values.size());
    for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
        Y(i, j) = Y(j, i) = i == j ? step[unknown] : step[unknown] / std::numbers::sqrt2;
    });
    return Y;
}

/// The same for the room R = τI - Q.
Matrix CentralPath::scaled_room_step(const Leaf& leaf, const Matrix& Y, const Vector& step) const {
    const int v = leaf.form->branch;
    const double tau_step = v == 0 ? 0.0 : point_.tau[v] * step[v - 1];
    const Vector ratio = leaf.values.cwiseQuotient(leaf.room).cwiseSqrt();
    Matrix Z = -(ratio.asDiagonal() * Y * ratio.asDiagonal());
    Z.diagonal() += tau_step * leaf.room.cwiseInverse();
    return Z;
}

CentralPath::Direction CentralPath::newton(const Objective& objective, double target_mu, double barrier_mu) const {
    const LocalModel f = objective(*this);
    const Index n_branch = point_.program->n_branches - 1;
    // Sum of squares ½‖Jz + r‖²: its gradient Jᵀr and Hessian JᵀJ are those of the objective and the barriers.
    const Index n_observed = diagonal_ ? std::min(f.residual.rows(), f.residual.cols()) : f.residual.size();
    const Index n_rows = n_observed + 3 * n_unknowns_;
    Matrix J = Matrix::Zero(n_rows, n_unknowns_);
    Vector r = Vector::Zero(n_rows);

    // The objective.
    const auto observe = [&](const Matrix& H) -> Vector {
        if (diagonal_) return H.diagonal();
        return H.reshaped();
    };
    r.head(n_observed) = observe(f.residual);
    for (Index v = 0; v < n_branch; ++v)
        J.col(v).head(n_observed) = observe(f.left * branch_points(static_cast<int>(v) + 1) * f.right.transpose());
    for (const Leaf& leaf : point_.leaves) {
        const Matrix U = leaf.vectors * (leaf.form->weight * leaf.values).cwiseSqrt().asDiagonal();
        const Matrix left = f.left(Eigen::all, leaf.form->block) * U;
        const Matrix right = f.right(Eigen::all, leaf.form->block) * U;
        for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
            const double factor =
                i == j ? 0.5 : 1.0 / std::numbers::sqrt2;  // the unit step is factor·(u_i u_jᵀ + u_j u_iᵀ)
            J.col(unknown).head(n_observed) =
                observe(factor * (left.col(i) * right.col(j).transpose() + left.col(j) * right.col(i).transpose()));
        });
    }

    // The barriers.
    const double root_mu = std::sqrt(barrier_mu);
    Index row = n_observed;
    const auto add_barrier = [&](Index unknown, bool has_slope) {
        J(row, unknown) = root_mu;
        if (has_slope) r[row] = -target_mu / root_mu;
        ++row;
    };
    for (Index v = 0; v < n_branch; ++v) add_barrier(v, true);
    for (const Leaf& leaf : point_.leaves) {
        const Vector& q = leaf.values;
        const Index v = leaf.form->branch - 1;
        for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
            add_barrier(unknown, i == j);
            if (!leaf.has_room()) return;
            const Vector& room = leaf.room;
            J(row, unknown) = -root_mu * std::sqrt((q[i] / room[i]) * (q[j] / room[j]));
            if (i == j) {
                if (v >= 0) J(row, v) = root_mu * point_.tau[v + 1] / room[i];
                r[row] = -target_mu / root_mu;
            }
            ++row;
        });
        if (!leaf.has_slack()) continue;
        // The curvature of ‖Q‖, with the multiplier μ/slack of τ - ‖Q‖ - slack = 0.
        add_barrier(slack_unknown(leaf), true);
        const double s = leaf.conjugate;
        const double norm = vector_norm(q, s);
        const Vector ratio = q / norm;
        const Vector g = ratio.array().pow(s - 1.0);
        const Vector share = g.cwiseProduct(ratio);  // sums to 1
        const double curvature = barrier_mu / leaf.slack * norm;
        for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
            if (i == j) {
                const double weight = std::sqrt(curvature * (s - 1.0) * share[i]);
                J.row(row).segment(leaf.first, q.size()) = -weight * share.transpose();
                J(row, unknown) += weight;
            } else {
                const double gap = ratio[i] - ratio[j];
                const double flat = (s - 1.0) * std::pow(0.5 * (ratio[i] + ratio[j]), s - 2.0);
                const double secant = std::abs(gap) > 1e-5 * (ratio[i] + ratio[j]) ? (g[i] - g[j]) / gap : flat;
                J(row, unknown) = std::sqrt(curvature * ratio[i] * ratio[j] * secant);
            }
            ++row;
        });
    }

    const Matrix basis = null_space();
    Direction direction{Vector::Zero(n_unknowns_), 0.0};
    if (basis.cols() == 0) return direction;
    // Householder's QR with pivoting is accurate row by row when the rows come in decreasing order: steps that only
    // the barrier sees keep their digits next to an objective 1/μ times as curved. The Hessian JᵀJ would lose them.
    const Matrix reduced = J.topRows(row) * basis;
    const Vector sizes = reduced.cwiseAbs().rowwise().maxCoeff();
    std::vector<Index> order(static_cast<size_t>(row));
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](Index i) { return sizes[i]; });
    const Eigen::ColPivHouseholderQR<Matrix> qr(reduced(order, Eigen::all));
    Vector image = r(order);
    image.applyOnTheLeft(qr.householderQ().adjoint());
    const Vector seen = image.head(basis.cols());
    const Vector solution = qr.matrixQR().topRows(basis.cols()).triangularView<Eigen::Upper>().solve(seen);
    direction.step = -(basis * (qr.colsPermutation() * solution));
    direction.decrement = direction.step.allFinite() ? seen.norm() / root_mu : infinity;
    return direction;
}

/// Columns that span the steps along which the equations of maxima and leaves hold. Each equation is solved for its
/// largest own unknown, which no earlier equation contains: small coefficients keep their relative accuracy.
Matrix CentralPath::null_space() const {
    Matrix basis = Matrix::Identity(n_unknowns_, n_unknowns_);
    std::vector<bool> is_free(static_cast<size_t>(n_unknowns_), true);
    const auto eliminate = [&](Vector equation, Index first, Index n) {
        Index pivot = 0;
        const double largest = equation.segment(first, n).maxCoeff(&pivot);
        pivot += first;
        equation[pivot] = 0.0;
        basis.row(pivot) = -(equation / largest).transpose() * basis;
        is_free[static_cast<size_t>(pivot)] = false;
    };
    for (const GaugeMaximum& maximum : point_.program->maxima) {
        Vector equation = Vector::Zero(n_unknowns_);
        equation.segment(maximum.first_branch - 1, maximum.n_branches) =
            point_.tau.segment(maximum.first_branch, maximum.n_branches);
        if (maximum.branch > 0) equation[maximum.branch - 1] = -maximum.weight * point_.tau[maximum.branch];
        eliminate(equation, maximum.first_branch - 1, maximum.n_branches);
    }
    for (const Leaf& leaf : point_.leaves) {
        const Index n = leaf.values.size();
        const int v = leaf.form->branch;
        Vector equation = Vector::Zero(n_unknowns_);
        if (leaf.has_slack()) {  // τ - ‖Q‖ - slack = 0
            const double norm = vector_norm(leaf.values, leaf.conjugate);
            equation.segment(leaf.first, n) = norm * (leaf.values / norm).array().pow(leaf.conjugate);
            equation[slack_unknown(leaf)] = leaf.slack;
        } else {
            equation.segment(leaf.first, n) = leaf.values;
        }
        if (v > 0) equation[v - 1] = -(leaf.has_slack() ? 1.0 : leaf.form->k) * point_.tau[v];
        eliminate(equation, leaf.first, n);
    }
    std::vector<Index> free;
    for (Index u = 0; u < n_unknowns_; ++u)
        if (is_free[static_cast<size_t>(u)]) free.push_back(u);
    return basis(Eigen::all, free);
}

double CentralPath::longest_step(const Vector& step) const {
    double largest_fall = 0.0;
    for (Index v = 0; v < point_.tau.size() - 1; ++v) largest_fall = std::max(largest_fall, -step[v]);
    for (const Leaf& leaf : point_.leaves) {
        const Matrix Y = scaled_step(leaf, step);
        const auto fall = [&](const Matrix& Z) {
            return diagonal_ ? -Z.diagonal().minCoeff() : -smallest_eigenvalue(Z);
        };
        largest_fall = std::max(largest_fall, fall(Y));
        if (leaf.has_room()) largest_fall = std::max(largest_fall, fall(scaled_room_step(leaf, Y, step)));
        if (leaf.has_slack()) largest_fall = std::max(largest_fall, -step[slack_unknown(leaf)]);
    }
    return largest_fall > 0.0 ? 0.95 / largest_fall : infinity;
}

void CentralPath::move(const Vector& step, double length) {
    for (Leaf& leaf : point_.leaves) {
        const Matrix Y = scaled_step(leaf, step);
        if (leaf.has_room()) {
            const Matrix Z = scaled_room_step(leaf, Y, step);
            if (diagonal_)
                leaf.room = leaf.room.cwiseProduct((1.0 + length * Z.diagonal().array()).matrix());
            else
                leaf.room = congruence(leaf.room, length * Z).values.reverse();
        }
        if (diagonal_) {
            leaf.values = leaf.values.cwiseProduct((1.0 + length * Y.diagonal().array()).matrix());
        } else {
            const Update update = congruence(leaf.values, length * Y);
            leaf.values = update.values;
            leaf.vectors = leaf.vectors * update.vectors;
        }
        if (leaf.has_slack()) leaf.slack *= 1.0 + length * step[slack_unknown(leaf)];
    }
    for (Index v = 1; v < point_.tau.size(); ++v) point_.tau[v] *= 1.0 + length * step[v - 1];
    point_.restore_equations();
}

void CentralPath::follow(const Objective& objective, const std::function<bool(const CentralPath&, double)>& at_centre) {
    const double far = 0.3;  // a decrement below which one full step centres quadratically
    int centring_steps = 0;
    const auto centre = [&](double mu, int max_steps) {
        for (centring_steps = 1; centring_steps <= max_steps; ++centring_steps) {
            const Direction newton_step = newton(objective, mu, mu);
            if (std::isinf(newton_step.decrement)) return false;
            const double damped = newton_step.decrement < far ? 1.0 : 1.0 / (1.0 + newton_step.decrement);
            move(newton_step.step, std::min(damped, longest_step(newton_step.step)));
            if (newton_step.decrement < far) break;
        }
        return true;
    };
    if (n_unknowns_ == 0) {  // K is one point
        at_centre(*this, 0.0);
        return;
    }
    const LocalModel start = objective(*this);
    double mu =
        std::abs(start.residual.cwiseProduct(start.left * metric() * start.right.transpose()).sum()) / point_.degree;
    if (mu == 0.0) mu = epsilon;
    if (!centre(mu, 100)) return;
    while (!at_centre(*this, mu * point_.degree)) {
        // Where one step was enough the path is nearly straight.
        const double target = (centring_steps == 1 ? 0.01 : 0.1) * mu;
        const Direction predictor = newton(objective, target, mu);
        if (std::isinf(predictor.decrement)) return;
        const double length = std::min(1.0, longest_step(predictor.step));
        move(predictor.step, length);
        mu += length * (target - mu);
        if (!centre(mu, 10)) return;
    }
}

}  // namespace spectralot::detail
