/// The curvature T of the leaves: row k belongs to atom k, and T Tᵀ adds up the second derivatives of all leaves.
#pragma once

#include "saddle/atoms.hpp"

#include <vector>

namespace spectralot::saddle {

/// One leaf's columns: row k is pack(S_k, root_scale) for its atoms in other coordinates, and loses the component of
/// its diagonal along the unit vector `along` (if there is one).
template <class Atoms>
struct LeafCurvature {
    typename Atoms::Part turned;
    RealMatrix<typename Atoms::Real> root_scale;
    RealVector<typename Atoms::Real> along{};
};

/// Kept by its factors: K·d² numbers are read for a product, not the K·d(d+1)/2 of all entries.
template <class Atoms>
class Curvature {
public:
    using Real = typename Atoms::Real;
    using Vector = RealVector<Real>;

    explicit Curvature(Index n_atoms = 0) : n_atoms_(n_atoms) {}
    void add(LeafCurvature<Atoms> leaf);

    [[nodiscard]] Index rows() const { return n_atoms_; }
    [[nodiscard]] Index cols() const { return n_columns_; }
    /// T u and Tᵀ w.
    [[nodiscard]] Vector times(const Vector& u) const;
    [[nodiscard]] Vector transposed_times(const Vector& w) const;
    /// All entries, into `T` (resized).
    void write(RowMatrix<Real>& T) const;

private:
    Index n_atoms_;
    Index n_columns_ = 0;
    std::vector<LeafCurvature<Atoms>> leaves_;
};

}  // namespace spectralot::saddle
