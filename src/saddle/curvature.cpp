#include "saddle/curvature.hpp"

namespace spectralot::saddle {

namespace {

constexpr Index packed_size(Index d) {
    return d * (d + 1) / 2;
}

/// v without its component along `along`, among the packed places of the diagonal.
template <class Packed, class Vector>
void project(Packed&& v, const Vector& along) {
    const auto diagonal = [](Index i) { return packed_size(i) + i; };
    typename Vector::Scalar component = 0;
    for (Index i = 0; i < along.size(); ++i) component += along(i) * v(diagonal(i));
    for (Index i = 0; i < along.size(); ++i) v(diagonal(i)) -= component * along(i);
}

}  // namespace

template <class Atoms>
void Curvature<Atoms>::add(LeafCurvature<Atoms> leaf) {
    n_columns_ += packed_size(leaf.turned.dimension());
    leaves_.push_back(std::move(leaf));
}

template <class Atoms>
RealVector<typename Atoms::Real> Curvature<Atoms>::times(const Vector& u) const {
    Vector product = Vector::Zero(n_atoms_);
    Index first = 0;
    for (const LeafCurvature<Atoms>& leaf : leaves_) {
        const Index size = packed_size(leaf.turned.dimension());
        Vector own = u.segment(first, size);
        project(own, leaf.along);
        product += leaf.turned.slopes(unpack<Real>(own, leaf.root_scale));
        first += size;
    }
    return product;
}

template <class Atoms>
RealVector<typename Atoms::Real> Curvature<Atoms>::transposed_times(const Vector& w) const {
    Vector product(n_columns_);
    Index first = 0;
    for (const LeafCurvature<Atoms>& leaf : leaves_) {
        const Index size = packed_size(leaf.turned.dimension());
        Vector own = pack<Real>(leaf.turned.combine(w), leaf.root_scale);
        project(own, leaf.along);
        product.segment(first, size) = own;
        first += size;
    }
    return product;
}

template <class Atoms>
void Curvature<Atoms>::write(RowMatrix<Real>& T) const {
    T.resize(n_atoms_, n_columns_);
    Index first = 0;
    for (const LeafCurvature<Atoms>& leaf : leaves_) {
        const Index size = packed_size(leaf.turned.dimension());
        auto own = T.middleCols(first, size);
        leaf.turned.pack_rows(leaf.root_scale, own);
        for (Index k = 0; k < n_atoms_; ++k) project(own.row(k), leaf.along);
        first += size;
    }
}

template class Curvature<PlanAtoms<double>>;
template class Curvature<PlanAtoms<long double>>;
template class Curvature<ArcAtoms<double>>;
template class Curvature<ArcAtoms<long double>>;

}  // namespace spectralot::saddle
