#include "saddle/atoms.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <cmath>

namespace spectralot::saddle {

template <class Real>
PlanAtoms<Real>::Part::Part(const std::vector<spectralot::Matrix>& moments, const std::vector<int>& block) {
    moments_.reserve(moments.size());
    for (const spectralot::Matrix& moment : moments) moments_.push_back(moment(block, block).template cast<Real>());
}

template <class Real>
RealMatrix<Real> PlanAtoms<Real>::Part::combine(const Vector& w) const {
    Matrix sum = Matrix::Zero(dimension(), dimension());
    for (std::size_t k = 0; k < moments_.size(); ++k) sum += w(Index(k)) * moments_[k];
    return sum;
}

template <class Real>
RealVector<Real> PlanAtoms<Real>::Part::slopes(const Matrix& Q) const {
    Vector slopes(Index(moments_.size()));
    for (std::size_t k = 0; k < moments_.size(); ++k) slopes(Index(k)) = inner(Q, moments_[k]);
    return slopes;
}

template <class Real>
void PlanAtoms<Real>::Part::pack_rows(const Matrix& B, const Matrix& root_scale,
                                      Eigen::Ref<RowMatrix<Real>> rows) const {
    for (std::size_t k = 0; k < moments_.size(); ++k) {
        rows.row(Index(k)) = pack<Real>(B.transpose() * moments_[k] * B, root_scale);
    }
}

template class PlanAtoms<double>;
template class PlanAtoms<long double>;

ArcAtoms::Part::Part(const Points& displacements, const std::vector<int>& block)
    : displacements_(displacements(Eigen::all, block)) {}

Matrix ArcAtoms::Part::combine(const Vector& w) const {
    return symmetric<double>(displacements_.transpose() * (w.asDiagonal() * displacements_));
}

Vector ArcAtoms::Part::slopes(const Matrix& Q) const {
    Points turned(displacements_.rows(), displacements_.cols());
    linalg::apply_right(displacements_, Q, 1.0, turned);
    return turned.cwiseProduct(displacements_).rowwise().sum();
}

void ArcAtoms::Part::pack_rows(const Matrix& B, const Matrix& root_scale, Eigen::Ref<RowMatrix<double>> rows) const {
    const Index d = dimension();
    Points turned(displacements_.rows(), d);
    linalg::apply_right(displacements_, B, 1.0, turned);
    Matrix scale = std::sqrt(2.0) * root_scale;
    scale.diagonal() = root_scale.diagonal();
    for (Index k = 0; k < turned.rows(); ++k) {
        const double* const t = &turned(k, 0);
        double* out = &rows(k, 0);
        for (Index j = 0; j < d; ++j) {
            const double* const s = &scale(0, j);
            for (Index i = 0; i <= j; ++i) *out++ = t[i] * t[j] * s[i];
        }
    }
}

void ArcAtoms::assign(std::vector<int> rows, std::vector<int> cols, Points displacements) {
    rows_ = std::move(rows);
    cols_ = std::move(cols);
    displacements_ = std::move(displacements);
}

Vector ArcAtoms::marginals(const Vector& w) const {
    Vector sums = Vector::Zero(n_equations());
    for (Index k = 0; k < size(); ++k) {
        sums(rows_[std::size_t(k)]) += w(k);
        sums(n_rows() + cols_[std::size_t(k)]) += w(k);
    }
    return sums;
}

Vector ArcAtoms::defect(const Vector& w) const {
    Vector defect = -marginals(w);
    defect.head(n_rows()) += row_mass_;
    defect.tail(n_cols()) += col_mass_;
    return defect;
}

Vector ArcAtoms::pull_back(const Vector& phi) const {
    Vector values(size());
    for (Index k = 0; k < size(); ++k) values(k) = phi(rows_[std::size_t(k)]) + phi(n_rows() + cols_[std::size_t(k)]);
    return values;
}

}  // namespace spectralot::saddle
