#include "saddle/atoms.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <cmath>
#include <type_traits>

namespace spectralot::saddle {

template <class Real>
RowMatrix<Real> apply_right(const RowMatrix<Real>& X, const RealMatrix<Real>& B) {
    if constexpr (std::is_same_v<Real, double>) {
        Points turned(X.rows(), X.cols());
        linalg::apply_right(X, B, 1.0, turned);
        return turned;
    } else {
        return X * B;
    }
}

template <class Real>
RealMatrix<Real> gram(const RowMatrix<Real>& X, const RealVector<Real>& weights) {
    if constexpr (std::is_same_v<Real, double>) {
        return linalg::gram(X, weights);
    } else {
        RealMatrix<Real> product(X.cols(), X.cols());
        product.template triangularView<Eigen::Lower>() = X.transpose() * (weights.asDiagonal() * X);
        return product.template selfadjointView<Eigen::Lower>();
    }
}

template <class Real>
PlanAtoms<Real>::Part::Part(const std::vector<spectralot::Matrix>& moments, const std::vector<int>& block)
    : stacked_(Index(moments.size() * block.size()), Index(block.size())) {
    const Index d = dimension();
    for (Index k = 0; k < size(); ++k) {
        stacked_.middleRows(k * d, d) = moments[std::size_t(k)](block, block).template cast<Real>();
    }
}

template <class Real>
RealMatrix<Real> PlanAtoms<Real>::Part::combine(const Vector& w) const {
    const Vector sum = flat().transpose() * w;
    return sum.reshaped(dimension(), dimension());
}

template <class Real>
RealVector<Real> PlanAtoms<Real>::Part::slopes(const Matrix& Q) const {
    return flat() * Q.reshaped();
}

template <class Real>
typename PlanAtoms<Real>::Part PlanAtoms<Real>::Part::turned(const Matrix& B) const {
    RowMatrix<Real> half = apply_right<Real>(stacked_, B);
    for (Index k = 0; k < size(); ++k) half.middleRows(k * dimension(), dimension()).transposeInPlace();
    return Part(apply_right<Real>(half, B));
}

template <class Real>
void PlanAtoms<Real>::Part::pack_rows(const Matrix& root_scale, Eigen::Ref<RowMatrix<Real>> rows) const {
    const Index d = dimension();
    for (Index k = 0; k < size(); ++k) rows.row(k) = pack<Real>(stacked_.middleRows(k * d, d), root_scale);
}

template class PlanAtoms<double>;
template class PlanAtoms<long double>;

template <class Real>
RealMatrix<Real> ArcAtoms<Real>::Part::combine(const Vector& w) const {
    return gram<Real>(displacements_, w);
}

template <class Real>
RealVector<Real> ArcAtoms<Real>::Part::slopes(const Matrix& Q) const {
    return apply_right<Real>(displacements_, Q).cwiseProduct(displacements_).rowwise().sum();
}

template <class Real>
typename ArcAtoms<Real>::Part ArcAtoms<Real>::Part::turned(const Matrix& B) const {
    return Part(apply_right<Real>(displacements_, B));
}

template <class Real>
void ArcAtoms<Real>::Part::pack_rows(const Matrix& root_scale, Eigen::Ref<RowMatrix<Real>> rows) const {
    const Index d = dimension();
    Matrix scale = std::sqrt(Real(2)) * root_scale;
    scale.diagonal() = root_scale.diagonal();
    for (Index k = 0; k < displacements_.rows(); ++k) {
        const Real* const t = &displacements_(k, 0);
        Real* out = &rows(k, 0);
        for (Index j = 0; j < d; ++j) {
            const Real* const s = &scale(0, j);
            for (Index i = 0; i <= j; ++i) *out++ = t[i] * t[j] * s[i];
        }
    }
}

template <class Real>
void ArcAtoms<Real>::assign(std::vector<int> rows, std::vector<int> cols, const Points& displacements) {
    rows_ = std::move(rows);
    cols_ = std::move(cols);
    displacements_ = displacements.cast<Real>();
}

template <class Real>
RealVector<Real> ArcAtoms<Real>::marginals(const Vector& w) const {
    Vector sums = Vector::Zero(n_equations());
    for (Index k = 0; k < size(); ++k) {
        sums(rows_[std::size_t(k)]) += w(k);
        sums(n_rows() + cols_[std::size_t(k)]) += w(k);
    }
    return sums;
}

template <class Real>
RealVector<Real> ArcAtoms<Real>::defect(const Vector& w) const {
    Vector defect = -marginals(w);
    defect.head(n_rows()) += row_mass_;
    defect.tail(n_cols()) += col_mass_;
    return defect;
}

template <class Real>
RealVector<Real> ArcAtoms<Real>::pull_back(const Vector& phi) const {
    Vector values(size());
    for (Index k = 0; k < size(); ++k) values(k) = phi(rows_[std::size_t(k)]) + phi(n_rows() + cols_[std::size_t(k)]);
    return values;
}

template class ArcAtoms<double>;
template class ArcAtoms<long double>;
template RealMatrix<double> gram(const RowMatrix<double>&, const RealVector<double>&);
template RealMatrix<long double> gram(const RowMatrix<long double>&, const RealVector<long double>&);

}  // namespace spectralot::saddle
