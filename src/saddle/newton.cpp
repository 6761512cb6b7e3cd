#include "saddle/newton.hpp"

#include "spectralot/linalg/tall_svd.hpp"

namespace spectralot::saddle {

namespace {

constexpr int n_refinements = 3;

template <class Real>
bool is_finite(const NewtonVector<Real>& x) {
    return x.w.allFinite() && x.phi.allFinite() && x.z.allFinite();
}

}  // namespace

template <class Real>
void PlanNewton<Real>::factor(const PlanAtoms<Real>& atoms, NewtonMatrix<Real> matrix) {
    matrix_ = std::move(matrix);
    n_atoms_ = atoms.size();
    n_corner_ = matrix_.corner.rows();
    const Index size = n_atoms_ + n_corner_ + 1;
    const RealMatrix<Real> coupling = matrix_.coupling + matrix_.T * matrix_.row_coupling;
    system_ = RealMatrix<Real>::Zero(size, size);
    system_.topLeftCorner(n_atoms_, n_atoms_).noalias() = matrix_.T * matrix_.T.transpose();
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
    solution.u = matrix_.T.transpose() * solution.w + matrix_.row_coupling * solution.z;
    return is_finite(solution);
}

template class PlanNewton<double>;
template class PlanNewton<long double>;

ArcNewton::Reduced ArcNewton::collect(const Vector& y) const {
    const Vector sums = atoms_->marginals(y);
    Reduced v{.row = sums.head(atoms_->n_rows()), .rest = Vector(n_free_cols() + matrix_.T.cols())};
    v.rest << sums.segment(atoms_->n_rows(), n_free_cols()), -(matrix_.T.transpose() * y);
    return v;
}

Vector ArcNewton::spread(const Reduced& v) const {
    Vector phi = Vector::Zero(atoms_->n_equations());
    phi.head(atoms_->n_rows()) = v.row;
    phi.segment(atoms_->n_rows(), n_free_cols()) = v.rest.head(n_free_cols());
    return atoms_->pull_back(phi) - matrix_.T * v.rest.tail(matrix_.T.cols());
}

void ArcNewton::factor(const ArcAtoms& atoms, NewtonMatrix<double> matrix) {
    atoms_ = &atoms;
    matrix_ = std::move(matrix);
    theta_ = matrix_.stiffness.cwiseInverse();
    const Index n = atoms.n_rows(), free = n_free_cols(), D = matrix_.T.cols(), K = atoms.size();
    const std::vector<int>&row = atoms.rows(), &col = atoms.cols();

    row_sum_ = Vector::Zero(n);
    row_mean_ = RowMatrix<double>::Zero(n, D);
    for (Index k = 0; k < K; ++k) {
        row_sum_(row[k]) += theta_(k);
        row_mean_.row(row[k]) += theta_(k) * matrix_.T.row(k);
    }
    row_mean_ = row_sum_.cwiseInverse().asDiagonal() * row_mean_;

    // Eliminating a row potential centres the rows of T, and couples the columns that the row has arcs to.
    Matrix system = Matrix::Zero(free + D, free + D);
    RowMatrix<double> centred(K, D);
    RowMatrix<double> coupling = RowMatrix<double>::Zero(free, D);
    for (Index begin = 0, end; begin < K; begin = end) {
        const int i = row[begin];
        for (end = begin; end < K && row[end] == i; ++end) {
            centred.row(end) = matrix_.T.row(end) - row_mean_.row(i);
            if (col[end] == free) continue;
            system(col[end], col[end]) += theta_(end);
            coupling.row(col[end]) -= theta_(end) * centred.row(end);
        }
        for (Index k = begin; k < end; ++k) {
            for (Index l = begin; l < end; ++l) {
                if (col[k] < free && col[l] < free) system(col[k], col[l]) -= theta_(k) * theta_(l) / row_sum_(i);
            }
        }
    }
    system.bottomLeftCorner(D, free) = coupling.transpose();
    if (D > 0) system.bottomRightCorner(D, D) = linalg::gram(centred, theta_);
    system.bottomRightCorner(D, D).diagonal().array() += 1.0;
    system.diagonal() *= 1.0 + 1e-15;
    factor_.compute(system);
    for (double regularisation = 1e-15; factor_.info() != Eigen::Success && regularisation < 1.0;
         regularisation *= 10.0) {
        system.diagonal().array() += regularisation * system.diagonal().maxCoeff();
        factor_.compute(system);
    }

    const Index n_corner = matrix_.corner.rows();
    corner_columns_.clear();
    Matrix corner = matrix_.corner;
    for (Index c = 0; c < n_corner; ++c) {
        const Vector scaled = theta_.cwiseProduct(matrix_.coupling.col(c));
        Reduced column = collect(scaled);
        column.rest.tail(D) += matrix_.row_coupling.col(c);
        column = solve_reduced(column);
        corner.col(c) += matrix_.coupling.transpose() * (theta_.cwiseProduct(spread(column)) - scaled) +
                         matrix_.row_coupling.transpose() * column.rest.tail(D);
        corner_columns_.push_back(std::move(column));
    }
    if (n_corner > 0) corner_.compute(corner);
}

ArcNewton::Reduced ArcNewton::solve_reduced(const Reduced& rhs) const {
    const Index n = atoms_->n_rows(), free = n_free_cols(), D = matrix_.T.cols();
    const std::vector<int>&row = atoms_->rows(), &col = atoms_->cols();
    Reduced v{.row = rhs.row.cwiseQuotient(row_sum_), .rest = rhs.rest};
    for (Index k = 0; k < atoms_->size(); ++k) {
        if (col[k] < free) v.rest(col[k]) -= theta_(k) * v.row(row[k]);
    }
    v.rest.tail(D) += row_mean_.transpose() * rhs.row;
    factor_.solveInPlace(v.rest);
    v.row += row_mean_ * v.rest.tail(D);
    Vector coupled = Vector::Zero(n);
    for (Index k = 0; k < atoms_->size(); ++k) {
        if (col[k] < free) coupled(row[k]) += theta_(k) * v.rest(col[k]);
    }
    v.row -= coupled.cwiseQuotient(row_sum_);
    return v;
}

NewtonVector<double> ArcNewton::solve_once(const NewtonVector<double>& rhs) const {
    const Index n = atoms_->n_rows(), free = n_free_cols(), D = matrix_.T.cols();
    Reduced v = collect(-theta_.cwiseProduct(rhs.w));
    v.row -= rhs.phi.head(n);
    v.rest.head(free) -= rhs.phi.segment(n, free);
    v.rest.tail(D) -= rhs.u;
    v = solve_reduced(v);

    NewtonVector<double> x{.w = {}, .phi = Vector::Zero(n + free + 1), .z = Vector::Zero(rhs.z.size()), .u = {}};
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

NewtonVector<double> ArcNewton::residual(const NewtonVector<double>& rhs, const NewtonVector<double>& x) const {
    return {
        .w = rhs.w - matrix_.stiffness.cwiseProduct(x.w) - matrix_.slope_change(*atoms_, x),
        .phi = rhs.phi + atoms_->marginals(x.w),
        .z = rhs.z - matrix_.coupling.transpose() * x.w - matrix_.row_coupling.transpose() * x.u - matrix_.corner * x.z,
        .u = rhs.u - matrix_.T.transpose() * x.w - matrix_.row_coupling * x.z + x.u};
}

bool ArcNewton::solve(const NewtonVector<double>& rhs, NewtonVector<double>& solution) const {
    if (factor_.info() != Eigen::Success) return false;
    solution = solve_once(rhs);
    for (int i = 0; i < n_refinements; ++i) {
        const NewtonVector<double> correction = solve_once(residual(rhs, solution));
        solution.w += correction.w;
        solution.phi += correction.phi;
        solution.z += correction.z;
        solution.u += correction.u;
    }
    return is_finite(solution);
}

}  // namespace spectralot::saddle
