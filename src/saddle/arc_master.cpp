#include "saddle/arc_master.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

namespace {

double largest_entry(const std::vector<Matrix>& moments) {
    double largest = 0.0;
    for (const Matrix& moment : moments) largest = std::max(largest, moment.cwiseAbs().maxCoeff());
    return largest > 0.0 ? largest : 1.0;
}

}  // namespace

ArcMaster::ArcMaster(const GaugeProgram& program, const Points& x, const Points& y, const Vector& a, const Vector& b,
                     const std::vector<Matrix>& plan_moments, double tol)
    : program_(program), scale_(largest_entry(plan_moments)), atoms_(a, b) {
    x_ = x / std::sqrt(scale_);
    y_ = y / std::sqrt(scale_);
    std::vector<Matrix> moments;
    for (const Matrix& moment : plan_moments) moments.push_back(moment / scale_);
    const PlanAtoms<double> plans(moments);
    InteriorPoint<PlanAtoms<double>> iterate(program, plans);
    constexpr int max_iterations = 100;
    for (int i = 0; i < max_iterations && iterate.complementarity() * scale_ > tol; ++i) {
        if (!iterate.advance()) break;
    }
    plan_weights_ = iterate.masses() / iterate.masses().sum();
    plan_metric_ = iterate.metric();
    plan_mu_ = iterate.complementarity() / double(iterate.degree());
    plan_point_ = iterate.gauge_point();
}

Matrix ArcMaster::metric() const {
    return iterate_ ? iterate_->metric() : plan_metric_;
}

void ArcMaster::set_arcs(const std::vector<int>& row, const std::vector<int>& col) {
    Points displacements(Index(row.size()), x_.cols());
    for (std::size_t k = 0; k < row.size(); ++k) displacements.row(Index(k)) = y_.row(col[k]) - x_.row(row[k]);
    atoms_.assign(row, col, std::move(displacements));
}

void ArcMaster::start(ArcList arcs, const Vector& f, const Vector& g) {
    // Slacks a little above zero for all arcs, so that those of the plans come out central too.
    const double shift = plan_mu_ * 0.5 * double(atoms_.n_equations());
    const Index K = Index(arcs.row.size());
    Vector w(K), s(K);
    for (Index k = 0; k < K; ++k) {
        s(k) = std::max(arcs.slack[k] / scale_, 0.0) + shift;
        w(k) = arcs.mass[k] + plan_mu_ / s(k);
    }
    w /= w.sum();
    Vector phi(atoms_.n_equations());
    phi << f / scale_, g / scale_;
    phi.array() -= 0.5 * shift;
    phi.head(f.size()).array() += phi(phi.size() - 1);
    phi.tail(g.size()).array() -= phi(phi.size() - 1);
    set_arcs(arcs.row, arcs.col);
    iterate_.emplace(program_, atoms_, std::move(w), std::move(s), std::move(phi), plan_point_);
}

bool ArcMaster::advance() {
    return iterate_->advance();
}

void ArcMaster::add(const ArcList& arcs) {
    const Vector &old_w = iterate_->masses(), &old_s = iterate_->slacks();
    // Masses that spoil the marginals by less than the present gap; slacks far above the violation, so that the next
    // steps are not cut short.
    const Index added = Index(arcs.row.size()), K = old_w.size() + added;
    const double mu = iterate_->complementarity() / double(iterate_->degree());
    const double typical = 10.0 * double(added) / double(iterate_->degree());
    Vector new_s(added);
    for (Index k = 0; k < added; ++k) new_s(k) = std::max(10.0 * std::abs(arcs.slack[k]) / scale_, typical);
    const Vector new_w = mu * new_s.cwiseInverse();

    std::vector<int> row, col;
    Vector w(K), s(K);
    Index old = 0, fresh = 0;
    for (Index k = 0; k < K; ++k) {
        const bool take_old = fresh == added || (old < old_w.size() && std::pair(rows()[old], cols()[old]) <
                                                                           std::pair(arcs.row[fresh], arcs.col[fresh]));
        row.push_back(take_old ? rows()[old] : arcs.row[fresh]);
        col.push_back(take_old ? cols()[old] : arcs.col[fresh]);
        w(k) = take_old ? old_w(old) : new_w(fresh);
        s(k) = take_old ? old_s(old) : new_s(fresh);
        ++(take_old ? old : fresh);
    }
    set_arcs(row, col);
    iterate_->replace_atoms(std::move(w), std::move(s));
}

Vector ArcMaster::row_potentials() const {
    return scale_ * iterate_->multipliers().head(atoms_.n_rows());
}
Vector ArcMaster::col_potentials() const {
    return scale_ * iterate_->multipliers().tail(atoms_.n_cols());
}

}  // namespace spectralot::saddle
