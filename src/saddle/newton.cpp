#include "saddle/newton.hpp"

#include <limits>

namespace spectralot::saddle {

namespace {

constexpr int n_refinements = 1;

template <class Real>
bool is_finite(const NewtonVector<Real>& x) {
    return x.w.allFinite() && x.phi.allFinite() && x.z.allFinite();
}

}  // namespace

template <class Real>
void PlanNewton<Real>::factor(const PlanAtoms<Real>& atoms, System matrix) {
    matrix_ = std::move(matrix);
    n_atoms_ = atoms.size();
    n_corner_ = matrix_.corner.rows();
    const Index size = n_atoms_ + n_corner_ + 1;
    RowMatrix<Real> T;
    matrix_.T.write(T);
    const RealMatrix<Real> coupling = matrix_.coupling + T * matrix_.row_coupling;
    system_ = RealMatrix<Real>::Zero(size, size);
    system_.topLeftCorner(n_atoms_, n_atoms_).noalias() = T * T.transpose();
    system_.diagonal().head(n_atoms_) += matrix_.stiffness;
    system_.block(0, n_atoms_, n_atoms_, n_corner_) = coupling;
    system_.block(n_atoms_, 0, n_corner_, n_atoms_) = coupling.transpose();
    system_.block(n_atoms_, n_atoms_, n_corner_, n_corner_) =
        matrix_.corner + matrix_.row_coupling.transpose() * matrix_.row_coupling;
    system_.col(size - 1).head(n_atoms_).setConstant(-1);
    system_.row(size - 1).head(n_atoms_).setConstant(-1);
    factor_.compute(system_);
}

template <class Real>
bool PlanNewton<Real>::solve(const NewtonVector<Real>& rhs, NewtonVector<Real>& solution) const {
    RealVector<Real> b(system_.rows());
    b << rhs.w, rhs.z, rhs.phi;
    RealVector<Real> x = factor_.solve(b);
    for (int i = 0; i < n_refinements; ++i) x += factor_.solve(b - system_ * x);
    solution = {.w = x.head(n_atoms_), .phi = x.tail(1), .z = x.segment(n_atoms_, n_corner_), .u = {}};
    solution.u = matrix_.T.transposed_times(solution.w) + matrix_.row_coupling * solution.z;
    return is_finite(solution);
}

template class PlanNewton<double>;
template class PlanNewton<long double>;

template <class Real>
typename ArcNewton<Real>::Reduced ArcNewton<Real>::collect(const RealVector<Real>& y) const {
    const RealVector<Real> sums = atoms_->marginals(y);
    Reduced v{.row = sums.head(atoms_->n_rows()), .rest = RealVector<Real>(n_free_cols() + matrix_.T.cols())};
    v.rest << sums.segment(atoms_->n_rows(), n_free_cols()), -matrix_.T.transposed_times(y);
    return v;
}

template <class Real>
RealVector<Real> ArcNewton<Real>::spread(const Reduced& v) const {
    RealVector<Real> phi = RealVector<Real>::Zero(atoms_->n_equations());
    phi.head(atoms_->n_rows()) = v.row;
    phi.segment(atoms_->n_rows(), n_free_cols()) = v.rest.head(n_free_cols());
    return atoms_->pull_back(phi) - matrix_.T.times(v.rest.tail(matrix_.T.cols()));
}

template <class Real>
void ArcNewton<Real>::factor(const ArcAtoms<Real>& atoms, System matrix) {
    atoms_ = &atoms;
    matrix_ = std::move(matrix);
    theta_ = matrix_.stiffness.cwiseInverse();
    const Index n = atoms.n_rows(), free = n_free_cols(), D = matrix_.T.cols(), K = atoms.size();
    const std::vector<int>&row = atoms.rows(), &col = atoms.cols();

    RowMatrix<Real>& T = scratch_;
    matrix_.T.write(T);
    row_sum_ = RealVector<Real>::Zero(n);
    row_mean_ = RowMatrix<Real>::Zero(n, D);
    for (Index k = 0; k < K; ++k) {
        row_sum_(row[k]) += theta_(k);
        row_mean_.row(row[k]) += theta_(k) * T.row(k);
    }
    row_mean_ = row_sum_.cwiseInverse().asDiagonal() * row_mean_;

    // Eliminating a row potential centres the rows of T, and couples the columns that the row has arcs to.
    RealMatrix<Real> system = RealMatrix<Real>::Zero(free + D, free + D);
    RowMatrix<Real> coupling = RowMatrix<Real>::Zero(free, D);
    for (Index begin = 0, end = 0; begin < K; begin = end) {
        const int i = row[begin];
        for (end = begin; end < K && row[end] == i; ++end) {
            T.row(end) -= row_mean_.row(i);
            if (col[end] < free) coupling.row(col[end]) -= theta_(end) * T.row(end);
        }
        // Sums of positive terms only: a row with one dominant arc would lose all its digits in θ - θ²/Σθ.
        for (Index k = begin; k < end; ++k) {
            if (col[k] == free) continue;
            for (Index l = begin; l < end; ++l) {
                if (l == k) continue;
                const Real conductance = theta_(k) * theta_(l) / row_sum_(i);
                system(col[k], col[k]) += conductance;
                if (col[l] < free) system(col[k], col[l]) -= conductance;
            }
        }
    }
    system.bottomLeftCorner(D, free) = coupling.transpose();
    if (D > 0) system.bottomRightCorner(D, D) = gram<Real>(T, theta_);
    system.bottomRightCorner(D, D).diagonal().array() += 1.0;
    constexpr Real roundoff = std::numeric_limits<Real>::epsilon();
    system.diagonal() *= 1 + 4 * roundoff;
    factor_.compute(system);
    for (Real regularisation = 4 * roundoff; factor_.info() != Eigen::Success && regularisation < 1;
         regularisation *= 10) {
        system.diagonal().array() += regularisation * system.diagonal().maxCoeff();
        factor_.compute(system);
    }

    const Index n_corner = matrix_.corner.rows();
    corner_columns_.clear();
    RealMatrix<Real> corner = matrix_.corner;
    for (Index c = 0; c < n_corner; ++c) {
        const RealVector<Real> scaled = theta_.cwiseProduct(matrix_.coupling.col(c));
        Reduced column = collect(scaled);
        column.rest.tail(D) += matrix_.row_coupling.col(c);
        column = solve_reduced(column);
        corner.col(c) += matrix_.coupling.transpose() * (theta_.cwiseProduct(spread(column)) - scaled) +
                         matrix_.row_coupling.transpose() * column.rest.tail(D);
        corner_columns_.push_back(std::move(column));
    }
    if (n_corner > 0) corner_.compute(corner);
}

template <class Real>
typename ArcNewton<Real>::Reduced ArcNewton<Real>::solve_reduced(const Reduced& rhs) const {
    const Index n = atoms_->n_rows(), free = n_free_cols(), D = matrix_.T.cols();
    const std::vector<int>&row = atoms_->rows(), &col = atoms_->cols();
    Reduced v{.row = rhs.row.cwiseQuotient(row_sum_), .rest = rhs.rest};
    for (Index k = 0; k < atoms_->size(); ++k) {
        if (col[k] < free) v.rest(col[k]) -= theta_(k) * v.row(row[k]);
    }
    v.rest.tail(D) += row_mean_.transpose() * rhs.row;
    factor_.solveInPlace(v.rest);
    v.row += row_mean_ * v.rest.tail(D);
    RealVector<Real> coupled = RealVector<Real>::Zero(n);
    for (Index k = 0; k < atoms_->size(); ++k) {
        if (col[k] < free) coupled(row[k]) += theta_(k) * v.rest(col[k]);
    }
    v.row -= coupled.cwiseQuotient(row_sum_);
    return v;
}

template <class Real>
NewtonVector<Real> ArcNewton<Real>::solve_once(const NewtonVector<Real>& rhs) const {
    const Index n = atoms_->n_rows(), free = n_free_cols(), D = matrix_.T.cols();
    Reduced v = collect(-theta_.cwiseProduct(rhs.w));
    v.row -= rhs.phi.head(n);
    v.rest.head(free) -= rhs.phi.segment(n, free);
    v.rest.tail(D) -= rhs.u;
    v = solve_reduced(v);

    NewtonVector<Real> x{
        .w = {}, .phi = RealVector<Real>::Zero(n + free + 1), .z = RealVector<Real>::Zero(rhs.z.size()), .u = {}};
    if (rhs.z.size() > 0) {
        x.z = corner_.solve(rhs.z - matrix_.coupling.transpose() * theta_.cwiseProduct(rhs.w + spread(v)) -
                            matrix_.row_coupling.transpose() * v.rest.tail(D));
        for (Index c = 0; c < x.z.size(); ++c) {
            v.row += x.z(c) * corner_columns_[std::size_t(c)].row;
            v.rest += x.z(c) * corner_columns_[std::size_t(c)].rest;
        }
    }
    x.w = theta_.cwiseProduct(rhs.w - matrix_.coupling * x.z + spread(v));
    x.phi.head(n) = v.row;
    x.phi.segment(n, free) = v.rest.head(free);
    x.u = v.rest.tail(D);
    return x;
}

template <class Real>
NewtonVector<Real> ArcNewton<Real>::residual(const NewtonVector<Real>& rhs, const NewtonVector<Real>& x) const {
    return {
        .w = rhs.w - matrix_.stiffness.cwiseProduct(x.w) - matrix_.slope_change(*atoms_, x),
        .phi = rhs.phi + atoms_->marginals(x.w),
        .z = rhs.z - matrix_.coupling.transpose() * x.w - matrix_.row_coupling.transpose() * x.u - matrix_.corner * x.z,
        .u = rhs.u - matrix_.T.transposed_times(x.w) - matrix_.row_coupling * x.z + x.u};
}

template <class Real>
bool ArcNewton<Real>::solve(const NewtonVector<Real>& rhs, NewtonVector<Real>& solution) const {
    if (factor_.info() != Eigen::Success) return false;
    solution = solve_once(rhs);
    for (int i = 0; i < n_refinements; ++i) {
        const NewtonVector<Real> correction = solve_once(residual(rhs, solution));
        solution.w += correction.w;
        solution.phi += correction.phi;
        solution.z += correction.z;
        solution.u += correction.u;
    }
    return is_finite(solution);
}

template class ArcNewton<double>;
template class ArcNewton<long double>;

}  // namespace spectralot::saddle
