#include "sphere/reduced_pair.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

/// A share of the mass so small that it moves the cost, which goes like its root, by less than rounding.
constexpr double negligible = 1e-36;

std::vector<Index> considerable_atoms(const Vector& masses) {
    std::vector<Index> atoms;
    const double total = masses.sum();
    for (Index i = 0; i < masses.size(); ++i)
        if (masses[i] > negligible * total) atoms.push_back(i);
    return atoms;
}

/// Potentials of the atoms that are not considerable: u_i = κ√(mass_b/mass_i), and v raised by κ√(mass_i/mass_b), make
/// u_i v_j ≥ κ² ≥ K_ij² at a cost of 2κ√(mass_i mass_b).
void add_negligible(const Vector& masses, double opposite, double kappa, Vector& u, Vector& v) {
    const double total = masses.sum();
    double raise = 0.0;
    for (Index i = 0; i < masses.size(); ++i) {
        if (!(masses[i] > 0.0) || masses[i] > negligible * total || !(opposite > 0.0)) continue;
        u[i] = kappa * (std::sqrt(opposite) / std::sqrt(masses[i]));
        raise = std::max(raise, kappa * (std::sqrt(masses[i]) / std::sqrt(opposite)));
    }
    v.array() += raise;
}

}  // namespace

ReducedPair::ReducedPair(const SphericalMeasure& nu0, const SphericalMeasure& nu1)
    : rows(considerable_atoms(nu0.masses)),
      cols(considerable_atoms(nu1.masses)),
      all_a(nu0.masses),
      all_b(nu1.masses),
      mass_a(all_a.sum()),
      mass_b(all_b.sum()),
      x(nu0.directions(rows, Eigen::all)),
      y(nu1.directions(cols, Eigen::all)),
      a(nu0.masses(rows) / mass_a),
      b(nu1.masses(cols) / mass_b) {}

GrowthPotentials ReducedPair::expand(const Vector& u, const Vector& v, double norm) const {
    GrowthPotentials all{Vector::Zero(all_a.size()), Vector::Zero(all_b.size())};
    const double unit = std::sqrt(mass_b) / std::sqrt(mass_a);
    for (Index i = 0; i < u.size(); ++i) all.u[rows[std::size_t(i)]] = unit * u[i];
    for (Index j = 0; j < v.size(); ++j) all.v[cols[std::size_t(j)]] = v[j] / unit;
    add_negligible(all_a, mass_b, norm, all.u, all.v);
    add_negligible(all_b, mass_a, norm, all.v, all.u);
    return all;
}

void ReducedPair::push(Coupling& coupling, Index i, Index j, double share_a, double share_b) const {
    constexpr double inside = 1.0 - 8.0 * epsilon;  // sums stay below the masses in spite of rounding
    coupling.row.push_back(int(rows[std::size_t(i)]));
    coupling.col.push_back(int(cols[std::size_t(j)]));
    coupling.a.push_back(inside * mass_a * (a[i] * share_a));
    coupling.b.push_back(inside * mass_b * (b[j] * share_b));
}

}  // namespace spectralot::sphere
