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
    : program_(program), scale_(largest_entry(plan_moments)), atoms_(a, b), wide_atoms_(a, b) {
    x_ = x / std::sqrt(scale_);
    y_ = y / std::sqrt(scale_);
    std::vector<Matrix> moments;
    moments.reserve(plan_moments.size());
    for (const Matrix& moment : plan_moments) moments.emplace_back(moment / scale_);
    const PlanAtoms<double> plans(moments);
    InteriorPoint<PlanAtoms<double>> iterate(program, plans);
    constexpr int max_iterations = 100;
    for (int i = 0; i < max_iterations; ++i) {
        plan_path_.push_back({iterate.masses() / iterate.masses().sum(), iterate.metric(),
                              iterate.complementarity() / double(iterate.degree()), iterate.gauge_point()});
        if (iterate.complementarity() * scale_ <= tol || !iterate.advance()) break;
    }
}

bool ArcMaster::retreat() {
    const double wanted = 100.0 * plan_path_.back().mu;
    std::size_t kept = plan_path_.size();
    while (kept > 0 && plan_path_[kept - 1].mu < wanted) --kept;
    if (kept == 0) return false;
    plan_path_.erase(plan_path_.begin() + std::ptrdiff_t(kept), plan_path_.end());
    iterate_.reset();
    wide_.reset();
    return true;
}

Matrix ArcMaster::metric() const {
    if (wide_) return wide_->metric().cast<double>();
    return iterate_ ? iterate_->metric() : plan_path_.back().metric;
}

Vector ArcMaster::masses() const {
    return wide_ ? wide_->masses().cast<double>() : iterate_->masses();
}
Aim<double> ArcMaster::aim() const {
    Aim<double> aim;
    if (wide_) {
        const Aim<long double> wide = wide_->aim();
        aim = {wide.masses.cast<double>(), wide.multipliers.cast<double>(), wide.metric.cast<double>()};
    } else {
        aim = iterate_->aim();
    }
    aim.multipliers *= scale_;
    return aim;
}
Vector ArcMaster::multipliers() const {
    return wide_ ? wide_->multipliers().cast<double>() : iterate_->multipliers();
}
double ArcMaster::gap() const {
    return scale_ * (wide_ ? double(wide_->complementarity()) : iterate_->complementarity());
}
double ArcMaster::last_step() const {
    return wide_ ? double(wide_->last_step()) : iterate_->last_step();
}

Points ArcMaster::displacements(const std::vector<int>& row, const std::vector<int>& col) const {
    return y_(col, Eigen::all) - x_(row, Eigen::all);
}

void ArcMaster::start(ArcList arcs, const Vector& f, const Vector& g) {
    // Slacks a little above zero for all arcs, so that those of the plans come out central too.
    const auto& [weights, metric, mu, gauge] = plan_path_.back();
    const double shift = mu * 0.5 * double(atoms_.n_equations());
    const auto K = Index(arcs.row.size());
    Vector w(K), s(K);
    for (Index k = 0; k < K; ++k) {
        s(k) = std::max(arcs.slack[k] / scale_, 0.0) + shift;
        w(k) = arcs.mass[k] + mu / s(k);
    }
    w /= w.sum();
    Vector phi(atoms_.n_equations());
    phi << f / scale_, g / scale_;
    phi.array() -= 0.5 * shift;
    phi.head(f.size()).array() += phi(phi.size() - 1);
    phi.tail(g.size()).array() -= phi(phi.size() - 1);
    atoms_.assign(arcs.row, arcs.col, displacements(arcs.row, arcs.col));
    iterate_ = std::make_unique<Iterate<double>>(program_, atoms_, std::move(w), std::move(s), std::move(phi), gauge);
}

bool ArcMaster::advance() {
    if (!wide_) {
        if (iterate_->advance()) return true;
        if (!is_small()) return false;
        widen();
    }
    return wide_->advance();
}

bool ArcMaster::is_small() const {
    constexpr double most_work = 1e9;  // in an iteration of long double, about a second
    const double d = double(x_.cols()), curvature = 0.5 * d * (d + 1.0), size = double(y_.rows()) + curvature;
    return double(atoms_.size()) * curvature * curvature + size * size * size / 3.0 < most_work;
}

void ArcMaster::widen() {
    wide_atoms_.assign(rows(), cols(), displacements(rows(), cols()));
    wide_ = std::make_unique<Iterate<long double>>(
        program_, wide_atoms_, iterate_->masses().cast<long double>(), iterate_->slacks().cast<long double>(),
        iterate_->multipliers().cast<long double>(), iterate_->gauge_point().cast<long double>());
}

void ArcMaster::add(const ArcList& arcs) {
    if (wide_) grow(wide_atoms_, *wide_, arcs);
    grow(atoms_, *iterate_, arcs);  // the arcs are listed here, whoever iterates
}

template <class Real>
void ArcMaster::grow(ArcAtoms<Real>& atoms, Iterate<Real>& iterate, const ArcList& arcs) const {
    // Masses that spoil the marginals by less than the present gap; slacks far above the violation, so that the next
    // steps are not cut short.
    const RealVector<Real> old_w = iterate.masses(), old_s = iterate.slacks();
    const Index added = Index(arcs.row.size()), K = old_w.size() + added;
    const Real mu = iterate.complementarity() / Real(iterate.degree());
    const Real typical = Real(10) * Real(added) / Real(iterate.degree());
    std::vector<int> row, col;
    RealVector<Real> w(K), s(K);
    Index old = 0, fresh = 0;
    for (Index k = 0; k < K; ++k) {
        const bool take_old = fresh == added || (old < old_w.size() && std::pair(atoms.rows()[old], atoms.cols()[old]) <
                                                                           std::pair(arcs.row[fresh], arcs.col[fresh]));
        row.push_back(take_old ? atoms.rows()[old] : arcs.row[fresh]);
        col.push_back(take_old ? atoms.cols()[old] : arcs.col[fresh]);
        s(k) = take_old ? old_s(old) : std::max(Real(10.0 * std::abs(arcs.slack[fresh]) / scale_), typical);
        w(k) = take_old ? old_w(old) : mu / s(k);
        ++(take_old ? old : fresh);
    }
    atoms.assign(row, col, displacements(row, col));
    iterate.replace_atoms(std::move(w), std::move(s));
}

}  // namespace spectralot::saddle
