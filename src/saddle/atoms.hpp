/// What the restricted problem mixes: symmetric moments S_k with weights w ≥ 0 that satisfy linear equations N w = r.
///
/// Two kinds: whole plans, few, with weights in the simplex; and single arcs of the bipartite graph, many, of rank
/// one, with the marginals as equations. Each comes with the parts that a leaf of the gauge's program sees.
#pragma once

#include "saddle/cone.hpp"

#include <utility>
#include <vector>

namespace spectralot::saddle {

/// Moments of plans; N w = Σ w_k = 1.
template <class Real_>
class PlanAtoms {
public:
    using Real = Real_;
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    /// The principal submatrices on one block of coordinates.
    class Part {
    public:
        Part(const std::vector<spectralot::Matrix>& moments, const std::vector<int>& block);
        explicit Part(RowMatrix<Real> stacked) : stacked_(std::move(stacked)) {}
        [[nodiscard]] Index dimension() const { return stacked_.cols(); }
        /// Σ w_k S_k.
        [[nodiscard]] Matrix combine(const Vector& w) const;
        /// tr(Q S_k) for every k.
        [[nodiscard]] Vector slopes(const Matrix& Q) const;
        /// BᵀS_kB for every k.
        [[nodiscard]] Part turned(const Matrix& B) const;
        /// Row k: pack(S_k, root_scale).
        void pack_rows(const Matrix& root_scale, Eigen::Ref<RowMatrix<Real>> rows) const;

    private:
        [[nodiscard]] Index size() const { return stacked_.rows() / dimension(); }
        /// Every S_k as one row.
        [[nodiscard]] Eigen::Map<const RowMatrix<Real>> flat() const {
            return {stacked_.data(), size(), dimension() * dimension()};
        }

        RowMatrix<Real> stacked_;  // the S_k, one below the other
    };

    explicit PlanAtoms(const std::vector<spectralot::Matrix>& moments) : moments_(&moments) {}
    [[nodiscard]] Index size() const { return Index(moments_->size()); }
    [[nodiscard]] Index n_equations() const { return 1; }
    [[nodiscard]] Part part(const std::vector<int>& block) const { return {*moments_, block}; }
    /// r - N w.
    [[nodiscard]] Vector defect(const Vector& w) const { return Vector::Constant(1, 1 - w.sum()); }
    /// Nᵀφ.
    [[nodiscard]] Vector pull_back(const Vector& phi) const { return Vector::Constant(size(), phi(0)); }

private:
    const std::vector<spectralot::Matrix>* moments_;
};

/// Arcs i → j with S_k = D_k D_kᵀ; N w are the marginals. The last multiplier stays zero: marginals share their sum.
template <class Real_>
class ArcAtoms {
public:
    using Real = Real_;
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    class Part {
    public:
        Part(const RowMatrix<Real>& displacements, const std::vector<int>& block)
            : displacements_(displacements(Eigen::all, block)) {}
        explicit Part(RowMatrix<Real> displacements) : displacements_(std::move(displacements)) {}
        [[nodiscard]] Index dimension() const { return displacements_.cols(); }
        [[nodiscard]] Matrix combine(const Vector& w) const;
        [[nodiscard]] Vector slopes(const Matrix& Q) const;
        [[nodiscard]] Part turned(const Matrix& B) const;
        void pack_rows(const Matrix& root_scale, Eigen::Ref<RowMatrix<Real>> rows) const;

    private:
        RowMatrix<Real> displacements_;
    };

    ArcAtoms(const spectralot::Vector& row_mass, const spectralot::Vector& col_mass)
        : row_mass_(row_mass.cast<Real>()), col_mass_(col_mass.cast<Real>()) {}

    /// Arcs sorted by row; displacements has one row for each.
    void assign(std::vector<int> rows, std::vector<int> cols, const Points& displacements);

    [[nodiscard]] Index size() const { return Index(rows_.size()); }
    [[nodiscard]] Index n_rows() const { return row_mass_.size(); }
    [[nodiscard]] Index n_cols() const { return col_mass_.size(); }
    [[nodiscard]] Index n_equations() const { return n_rows() + n_cols(); }
    [[nodiscard]] const std::vector<int>& rows() const { return rows_; }
    [[nodiscard]] const std::vector<int>& cols() const { return cols_; }
    [[nodiscard]] Part part(const std::vector<int>& block) const { return {displacements_, block}; }
    [[nodiscard]] Vector marginals(const Vector& w) const;
    [[nodiscard]] Vector defect(const Vector& w) const;
    [[nodiscard]] Vector pull_back(const Vector& phi) const;

private:
    Vector row_mass_, col_mass_;
    std::vector<int> rows_, cols_;
    RowMatrix<Real> displacements_;
};

/// X·B and Xᵀ diag(weights) X, by the wide kernels where there are some.
template <class Real>
RowMatrix<Real> apply_right(const RowMatrix<Real>& X, const RealMatrix<Real>& B);
template <class Real>
RealMatrix<Real> gram(const RowMatrix<Real>& X, const RealVector<Real>& weights);

}  // namespace spectralot::saddle
