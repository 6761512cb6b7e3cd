#include "gauge/barrier.hpp"

#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
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

// Starts at the isotropic point of K. Unknowns: the branches, then per leaf its pairs (i, i), (i, j) and its slack.
CentralPath::CentralPath(const GaugeProgram& program, bool diagonal) : program_(program), diagonal_(diagonal) {
    tau_ = Vector::Ones(program.n_branches);
    for (const GaugeMaximum& maximum : program.maxima)
        tau_.segment(maximum.first_branch, maximum.n_branches)
            .setConstant(maximum.weight * tau_[maximum.branch] / maximum.n_branches);
    n_unknowns_ = program.n_branches - 1;
    degree_ = static_cast<double>(n_unknowns_);
    for (const GaugeLeaf& form : program.leaves) {
        point_roots_.emplace_back();
        if (form.kind == Kind::Point) {
            const Spectrum s = spectrum(form.point);
            const Vector positive = form.weight * s.scale * s.values.cwiseMax(0.0);
            point_roots_.back() = s.vectors * positive.cwiseSqrt().asDiagonal();
            continue;
        }
        const Index n = static_cast<Index>(form.block.size());
        const double size = static_cast<double>(n);
        const double tau = tau_[form.branch];
        Leaf leaf{.form = &form, .vectors = Matrix::Identity(n, n), .values = Vector::Constant(n, tau * form.k / size)};
        leaf.first = n_unknowns_;
        n_unknowns_ += diagonal ? n : n * (n + 1) / 2;
        degree_ += size;
        if (form.kind == Kind::KyFan && form.k > 1) {
            leaf.room = Vector::Constant(n, tau - tau * form.k / size);
            degree_ += size;
        }
        if (form.kind == Kind::Schatten) {
            leaf.conjugate = conjugate(form.p);
            leaf.slack = tau / (size + 1.0);
            leaf.values.setConstant((tau - leaf.slack) * std::pow(size, -1.0 / leaf.conjugate));
            ++n_unknowns_;
            degree_ += 1.0;
        }
        leaves_.push_back(std::move(leaf));
    }
}

Matrix CentralPath::branch_points(int branch) const {
    Matrix sum = Matrix::Zero(program_.dimension, program_.dimension);
    for (const GaugeLeaf& form : program_.leaves)
        if (form.kind == Kind::Point && form.branch == branch)
            sum(form.block, form.block) += form.weight * tau_[branch] * form.point;
    return sum;
}

Matrix CentralPath::metric() const {
    Matrix Q = Matrix::Zero(program_.dimension, program_.dimension);
    for (int v = 0; v < program_.n_branches; ++v) Q += branch_points(v);
    for (const Leaf& leaf : leaves_)
        Q(leaf.form->block, leaf.form->block) +=
            leaf.form->weight * leaf.vectors * leaf.values.asDiagonal() * leaf.vectors.transpose();
    return 0.5 * (Q + Q.transpose());
}

Matrix CentralPath::root() const {
    std::vector<std::pair<double, Eigen::RowVectorXd>> rows;
    const auto add = [&](const std::vector<int>& block, const Vector& column) {
        Eigen::RowVectorXd row = Eigen::RowVectorXd::Zero(program_.dimension);
        row(block) = column.transpose();
        rows.emplace_back(row.norm(), std::move(row));
    };
    for (size_t k = 0; k < point_roots_.size(); ++k) {
        const GaugeLeaf& form = program_.leaves[k];
        for (Index i = 0; i < point_roots_[k].cols(); ++i)
            add(form.block, std::sqrt(tau_[form.branch]) * point_roots_[k].col(i));
    }
    for (const Leaf& leaf : leaves_)
        for (Index i = 0; i < leaf.values.size(); ++i)
            add(leaf.form->block, std::sqrt(leaf.form->weight * leaf.values[i]) * leaf.vectors.col(i));
    // Householder's QR is accurate row by row when the rows come in decreasing order.
    std::ranges::stable_sort(rows, std::greater<>(), [](const auto& row) { return row.first; });
    Matrix stacked(std::max<Index>(static_cast<Index>(rows.size()), program_.dimension), program_.dimension);
    stacked.setZero();
    for (size_t i = 0; i < rows.size(); ++i) stacked.row(static_cast<Index>(i)) = rows[i].second;
    const Matrix packed = stacked.householderQr().matrixQR();
    return packed.topRows(program_.dimension).triangularView<Eigen::Upper>();
}

/// Y with ΔQ = Q^½ Y Q^½ in the eigenbasis of the leaf.
Matrix CentralPath::scaled_step(const Leaf& leaf, const Vector& step) const {
    Matrix Y = Matrix::Zero(leaf.values.size(), leaf.values.size());
    for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
        Y(i, j) = Y(j, i) = i == j ? step[unknown] : step[unknown] / std::sqrt(2.0);
    });
    return Y;
}

/// The same for the room R = τI - Q.
Matrix CentralPath::scaled_room_step(const Leaf& leaf, const Matrix& Y, const Vector& step) const {
    const int v = leaf.form->branch;
    const double tau_step = v == 0 ? 0.0 : tau_[v] * step[v - 1];
    const Vector ratio = leaf.values.cwiseQuotient(leaf.room).cwiseSqrt();
    Matrix Z = -(ratio.asDiagonal() * Y * ratio.asDiagonal());
    Z.diagonal() += tau_step * leaf.room.cwiseInverse();
    return Z;
}

CentralPath::Direction CentralPath::newton(const Objective& objective, double target_mu, double barrier_mu) const {
    const LocalModel f = objective(*this);
    const Index n_branch = program_.n_branches - 1;
    const Index N = n_unknowns_;
    Vector gradient = Vector::Zero(N);
    Matrix H = Matrix::Zero(N, N);

    // All leaves side by side: column u of U is √(weight·eigenvalue)·eigenvector.
    Index n_columns = 0;
    for (const Leaf& leaf : leaves_) n_columns += leaf.values.size();
    Matrix U = Matrix::Zero(program_.dimension, n_columns);
    struct Pair {
        Index unknown, i, j;
        double factor;  // the unit step is factor·(u_i u_jᵀ + u_j u_iᵀ)
    };
    std::vector<Pair> pairs;
    Index offset = 0;
    for (const Leaf& leaf : leaves_) {
        const Index n = leaf.values.size();
        const Vector scale = (leaf.form->weight * leaf.values).cwiseSqrt();
        U(leaf.form->block, Eigen::seqN(offset, n)) = leaf.vectors * scale.asDiagonal();
        for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
            pairs.push_back({unknown, offset + i, offset + j, i == j ? 0.5 : 1.0 / std::sqrt(2.0)});
        });
        offset += n;
    }
    const Matrix K = U.transpose() * f.K * U;
    const Matrix M = U.transpose() * f.M * U;
    const Matrix slope = U.transpose() * f.gradient * U;

    // The objective.
    for (const Pair& a : pairs) {
        gradient[a.unknown] += 2.0 * a.factor * slope(a.i, a.j);
        for (const Pair& b : pairs) {
            if (b.unknown > a.unknown) continue;
            const double sum = K(b.j, a.i) * M(a.j, b.i) + K(b.i, a.i) * M(a.j, b.j) + K(b.j, a.j) * M(a.i, b.i) +
                               K(b.i, a.j) * M(a.i, b.j);
            H(a.unknown, b.unknown) += 2.0 * a.factor * b.factor * sum;
        }
    }
    for (Index v = 0; v < n_branch; ++v) {
        const Matrix P = branch_points(static_cast<int>(v) + 1);
        const Matrix product = f.M * P * f.K;
        const Matrix seen = U.transpose() * product * U;
        gradient[v] += f.gradient.cwiseProduct(P).sum();
        for (const Pair& a : pairs) H(a.unknown, v) += 2.0 * a.factor * (seen(a.i, a.j) + seen(a.j, a.i));
        for (Index u = 0; u <= v; ++u)
            H(v, u) += 2.0 * product.cwiseProduct(branch_points(static_cast<int>(u) + 1)).sum();
    }

    // The barriers, and the equations that tie each leaf to its branch.
    Matrix equations = Matrix::Zero(static_cast<Index>(program_.maxima.size() + leaves_.size()), N);
    Index row = 0;
    for (const GaugeMaximum& maximum : program_.maxima) {
        for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v)
            equations(row, v - 1) = tau_[v];
        if (maximum.branch > 0) equations(row, maximum.branch - 1) = -maximum.weight * tau_[maximum.branch];
        ++row;
    }
    for (Index v = 0; v < n_branch; ++v) {
        gradient[v] -= target_mu;
        H(v, v) += barrier_mu;
    }
    for (const Leaf& leaf : leaves_) {
        const Vector& q = leaf.values;
        const Index n = q.size();
        const Index v = leaf.form->branch - 1;
        const double tau = tau_[leaf.form->branch];
        for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
            if (i == j) gradient[unknown] -= target_mu;
            H(unknown, unknown) += barrier_mu;
            if (!leaf.has_room()) return;
            const Vector& r = leaf.room;
            H(unknown, unknown) += barrier_mu * (q[i] / r[i]) * (q[j] / r[j]);
            if (i != j) return;
            gradient[unknown] += target_mu * q[i] / r[i];
            if (v < 0) return;
            gradient[v] -= target_mu * tau / r[i];
            H(v, v) += barrier_mu * (tau / r[i]) * (tau / r[i]);
            H(unknown, v) -= barrier_mu * (tau / r[i]) * (q[i] / r[i]);
        });
        if (leaf.has_slack()) {
            // τ - ‖Q‖ - slack = 0, with multiplier μ/slack and the curvature of the norm.
            const Index unknown_slack = leaf.first + (diagonal_ ? n : n * (n + 1) / 2);
            const double s = leaf.conjugate;
            const double norm = vector_norm(q, s);
            const Vector ratio = q / norm;
            const Vector g = ratio.array().pow(s - 1.0);
            const double multiplier = barrier_mu / leaf.slack;
            gradient[unknown_slack] -= target_mu;
            H(unknown_slack, unknown_slack) += barrier_mu;
            equations(row, unknown_slack) = leaf.slack;
            for_each_pair(leaf, [&](Index unknown, Index i, Index j) {
                const double gap = ratio[i] - ratio[j];
                const double flat = (s - 1.0) * std::pow(0.5 * (ratio[i] + ratio[j]), s - 2.0);
                const double secant = std::abs(gap) > 1e-5 * (ratio[i] + ratio[j]) ? (g[i] - g[j]) / gap : flat;
                H(unknown, unknown) += multiplier * norm * ratio[i] * ratio[j] * secant;
            });
            for (Index i = 0; i < n; ++i) {
                equations(row, leaf.first + i) = g[i] * q[i];
                for (Index j = 0; j <= i; ++j)
                    H(leaf.first + i, leaf.first + j) -=
                        multiplier * norm * (s - 1.0) * g[i] * ratio[i] * g[j] * ratio[j];
            }
            if (v >= 0) equations(row, v) = -tau;
        } else {
            equations.row(row).segment(leaf.first, n) = q.transpose();
            if (v >= 0) equations(row, v) = -leaf.form->k * tau;
        }
        ++row;
    }

    // Directions that change no leaf's share of Q have no curvature but the barrier's: a relative ridge keeps the
    // factorisation alive below its rounding.
    H.diagonal() *= 1.0 + 64.0 * epsilon;
    const Vector unit = H.diagonal().cwiseSqrt().cwiseInverse();
    H = unit.asDiagonal() * H * unit.asDiagonal();
    const Eigen::LLT<Matrix> factor(H);
    Direction direction{Vector::Zero(N), infinity};
    if (factor.info() != Eigen::Success) return direction;
    // Solve H z + Aᵀλ = -g, A z = 0 for the small difference g + Aᵀλ: the multipliers carry most of g, and the inverse
    // of H would turn their rounding into a step along the directions without curvature.
    const Vector g = unit.cwiseProduct(gradient);
    const Matrix A = equations * unit.asDiagonal();
    const Matrix lifted = factor.solve(Matrix(A.transpose()));
    const Eigen::LDLT<Matrix> schur(A * lifted);
    Vector step = Vector::Zero(N);
    Vector multipliers = A.rows() ? Vector(-A.transpose().colPivHouseholderQr().solve(g)) : Vector();
    for (int refinement = 0; refinement < 3; ++refinement) {
        const Vector residual = g + A.transpose() * multipliers + H.selfadjointView<Eigen::Lower>() * step;
        const Vector free = step - factor.solve(residual);
        const Vector correction = A.rows() ? Vector(schur.solve(Vector(A * free))) : Vector();
        step = free - lifted * correction;
        multipliers += correction;
    }
    if (!step.allFinite()) return direction;
    direction.decrement = std::sqrt(step.dot(H.selfadjointView<Eigen::Lower>() * step) / barrier_mu);
    direction.step = unit.cwiseProduct(step);
    return direction;
}

double CentralPath::longest_step(const Vector& step) const {
    double largest_fall = 0.0;
    for (Index v = 0; v < tau_.size() - 1; ++v) largest_fall = std::max(largest_fall, -step[v]);
    for (const Leaf& leaf : leaves_) {
        const Matrix Y = scaled_step(leaf, step);
        const auto fall = [&](const Matrix& Z) {
            return diagonal_ ? -Z.diagonal().minCoeff() : -smallest_eigenvalue(Z);
        };
        largest_fall = std::max(largest_fall, fall(Y));
        if (leaf.has_room()) largest_fall = std::max(largest_fall, fall(scaled_room_step(leaf, Y, step)));
        if (leaf.has_slack())
            largest_fall = std::max(largest_fall, -step[leaf.first + (diagonal_ ? Y.rows() : Y.rows() * (Y.rows() + 1) / 2)]);
    }
    return largest_fall > 0.0 ? 0.95 / largest_fall : infinity;
}

void CentralPath::move(const Vector& step, double length) {
    for (Leaf& leaf : leaves_) {
        const Matrix Y = scaled_step(leaf, step);
        const Index n = Y.rows();
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
        if (leaf.has_slack()) leaf.slack *= 1.0 + length * step[leaf.first + (diagonal_ ? n : n * (n + 1) / 2)];
    }
    for (Index v = 1; v < tau_.size(); ++v) tau_[v] *= 1.0 + length * step[v - 1];
    restore_equations();
}

/// Back to the equations that Newton's step only met to first order or to rounding.
void CentralPath::restore_equations() {
    for (const GaugeMaximum& maximum : program_.maxima) {
        auto share = tau_.segment(maximum.first_branch, maximum.n_branches);
        share *= maximum.weight * tau_[maximum.branch] / share.sum();
    }
    for (Leaf& leaf : leaves_) {
        const double tau = tau_[leaf.form->branch];
        if (leaf.has_slack()) {
            leaf.slack = std::min(leaf.slack, 0.5 * tau);
            leaf.values *= (tau - leaf.slack) / vector_norm(leaf.values, leaf.conjugate);
        } else {
            leaf.values *= leaf.form->k * tau / leaf.values.sum();
        }
        if (!leaf.has_room()) continue;
        for (Index i = 0; i < leaf.values.size(); ++i) {
            if (leaf.values[i] < leaf.room[i])
                leaf.room[i] = tau - leaf.values[i];
            else
                leaf.values[i] = tau - leaf.room[i];
        }
    }
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
    double mu = std::abs(objective(*this).gradient.cwiseProduct(metric()).sum()) / degree_;
    if (mu == 0.0) mu = epsilon;
    if (!centre(mu, 100)) return;
    while (!at_centre(*this, mu * degree_)) {
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
