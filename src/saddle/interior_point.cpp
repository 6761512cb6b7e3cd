#include "saddle/interior_point.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectralot::saddle {

namespace {

template <class Real>
constexpr Real unit_roundoff = std::numeric_limits<Real>::epsilon();

}  // namespace

template <class Atoms>
InteriorPoint<Atoms>::InteriorPoint(const GaugeProgram& program, const Atoms& atoms)
    : program_(program), atoms_(atoms), n_branches_(program.n_branches - 1), n_maxima_(Index(program.maxima.size())) {
    make_leaves();
    start();
}

template <class Atoms>
InteriorPoint<Atoms>::InteriorPoint(const GaugeProgram& program, const Atoms& atoms, Vector w, Vector s, Vector phi,
                                    GaugePoint<Real> gauge)
    : program_(program),
      atoms_(atoms),
      n_branches_(program.n_branches - 1),
      n_maxima_(Index(program.maxima.size())),
      w_(std::move(w)),
      s_(std::move(s)),
      phi_(std::move(phi)),
      tau_(std::move(gauge.tau)),
      u_(std::move(gauge.u)),
      maxima_(std::move(gauge.maxima)) {
    make_leaves();
    for (std::size_t l = 0; l < spectral_.size(); ++l) {
        static_cast<SpectralPoint<Real>&>(spectral_[l]) = std::move(gauge.spectral[l]);
    }
    for (auto& leaf : smooth_) leaf.update(w_);
}

template <class Atoms>
void InteriorPoint<Atoms>::make_leaves() {
    for (const GaugeLeaf& leaf : program_.leaves) {
        if (leaf.kind == GaugeLeaf::Kind::KyFan) {
            spectral_.emplace_back(leaf, atoms_.part(leaf.block));
        } else {
            smooth_.emplace_back(leaf, atoms_.part(leaf.block));
            curved_ = curved_ || leaf.kind == GaugeLeaf::Kind::Schatten;
        }
    }
}

template <class Atoms>
void InteriorPoint<Atoms>::replace_atoms(Vector w, Vector s) {
    w_ = std::move(w);
    s_ = std::move(s);
    for (auto& leaf : spectral_) leaf.atoms = atoms_.part(leaf.spec->block);
    for (auto& leaf : smooth_) {
        leaf.atoms = atoms_.part(leaf.spec->block);
        leaf.update(w_);
    }
}

template <class Atoms>
bool InteriorPoint<Atoms>::advance() {
    for (auto& leaf : spectral_) {
        if (!leaf.rescale()) return false;
    }
    factor();
    const Real mu = complementarity() / Real(degree());
    if (!(mu > unit_roundoff<Real> / 10)) return false;

    // Predictor: straight to the boundary.
    second_w_ = Vector::Zero(w_.size());
    second_branch_ = Vector::Zero(n_branches_);
    if (!solve_direction(0)) return false;
    const auto [primal, dual] = step_lengths();
    const Real reached = complementarity_after(primal, dual) / Real(degree()) / mu;

    // Corrector: towards a target on the central path, the nearer the harder the last steps were.
    if (curved_) {
        const Real share = std::clamp(Real(std::pow(reached, 3)), Real(1e-2), Real(0.9));
        const Real target = (last_step_ < Real(0.3) ? Real(1) : share) * mu;
        if (!solve_direction(target)) return false;
        move_curved(target);
        primal_step_ = dual_step_ = last_step_;
    } else {
        const Real least = last_step_ < Real(0.2) ? 0.6 : last_step_ < Real(0.5) ? 0.25 : 0.05;
        const Real target = std::clamp(Real(reached * reached), least, Real(0.9)) * mu;
        const Real order = last_step_ < Real(0.2) ? Real(0) : Real(std::pow(std::min(primal, dual), 2));
        second_w_ = order * dw_.cwiseProduct(ds_);
        second_branch_ = order * dtau_.cwiseProduct(du_);
        for (auto& leaf : spectral_) leaf.correct(order);
        if (!solve_direction(target) || !correct_centrality(target)) return false;
        const auto [p, d] = step_lengths();
        if (spoils_equations(p)) return false;
        last_step_ = std::min(p, d);
        primal_step_ = p;
        dual_step_ = d;
        move(p, d);
    }
    return w_.allFinite() && tau_.allFinite();
}

/// Would the step, for want of digits, leave the equations worse than the gap allows?
template <class Atoms>
bool InteriorPoint<Atoms>::spoils_equations(Real step) const {
    const Real before = atoms_.defect(w_).template lpNorm<1>(),
               after = atoms_.defect(w_ + step * dw_).template lpNorm<1>();
    return after > std::max(2 * before, complementarity() / 100);
}

/// Gondzio's corrections: aims past the present step, at products of linear pairs within a factor ten of the target.
template <class Atoms>
bool InteriorPoint<Atoms>::correct_centrality(Real target) {
    constexpr int max_corrections = 2;
    auto [primal, dual] = step_lengths();
    for (int correction = 0; correction < max_corrections && primal + dual < 2; ++correction) {
        const Real p = std::min(Real(1), Real(1.3) * primal + Real(0.1)),
                   d = std::min(Real(1), Real(1.3) * dual + Real(0.1));
        const auto excess = [target](const Vector& x, const Vector& y) -> Vector {
            const Vector product = x.cwiseProduct(y);
            return (product - product.cwiseMax(target / 10).cwiseMin(target * 10)).cwiseMin(10 * target);
        };
        const Vector old_w = second_w_, old_branch = second_branch_;
        second_w_ += excess(w_ + p * dw_, s_ + d * ds_);
        second_branch_ += excess(tau_ + d * dtau_, u_ + p * du_);
        if (!solve_direction(target)) return false;
        const auto [longer_primal, longer_dual] = step_lengths();
        if (longer_primal + longer_dual < primal + dual + Real(0.02)) {
            second_w_ = old_w;
            second_branch_ = old_branch;
            return solve_direction(target);
        }
        primal = longer_primal;
        dual = longer_dual;
    }
    return true;
}

template <class Atoms>
GaugePoint<typename Atoms::Real> InteriorPoint<Atoms>::gauge_point() const {
    return {.tau = tau_, .u = u_, .maxima = maxima_, .spectral = {spectral_.begin(), spectral_.end()}};
}

template <class Atoms>
template <class Gradient, class Part>
RealMatrix<typename Atoms::Real> InteriorPoint<Atoms>::assemble_metric(const Vector& free_tau, Gradient gradient,
                                                                       Part part_of) const {
    const Vector tau = feasible_branch_weights(free_tau);
    Matrix sum = Matrix::Zero(program_.dimension, program_.dimension);
    const auto add = [&](const GaugeLeaf& leaf, const Matrix& part) {
        for (std::size_t i = 0; i < leaf.block.size(); ++i) {
            for (std::size_t j = 0; j < leaf.block.size(); ++j) {
                sum(leaf.block[i], leaf.block[j]) += part(Index(i), Index(j));
            }
        }
    };
    for (const auto& leaf : smooth_) add(*leaf.spec, Real(leaf.spec->weight) * tau(leaf.spec->branch) * gradient(leaf));
    for (const auto& leaf : spectral_) {
        add(*leaf.spec, part_of(leaf, Real(leaf.spec->weight) * tau(leaf.spec->branch)));
    }
    return symmetric<Real>(sum);
}

template <class Atoms>
RealMatrix<typename Atoms::Real> InteriorPoint<Atoms>::metric() const {
    return assemble_metric(
        tau_, [](const auto& leaf) { return leaf.gradient; },
        [](const auto& leaf, Real t) { return leaf.feasible_metric(t); });
}

template <class Atoms>
Aim<typename Atoms::Real> InteriorPoint<Atoms>::aim() const {
    const Real primal = 1 - primal_step_, dual = 1 - dual_step_;  // what is left of the step
    Aim<Real> aim{.masses = (w_ + primal * dw_).cwiseMax(Real(0)), .multipliers = phi_ + dual * dphi_, .metric = {}};
    aim.metric = assemble_metric(
        tau_ + dual * dtau_,
        [&](const SmoothLeaf<Atoms>& leaf) {
            SmoothGauge<Real> there = static_cast<const SmoothGauge<Real>&>(leaf);
            if (!leaf.is_linear()) there.differentiate(leaf.atoms.combine(aim.masses));
            return there.gradient;
        },
        [&](const SpectralLeaf<Atoms>& leaf, Real t) {
            SpectralGauge<Real> there = static_cast<const SpectralGauge<Real>&>(leaf);
            there.Q += dual * leaf.dQ;
            return there.feasible_metric(t);
        });
    return aim;
}

template <class Atoms>
void InteriorPoint<Atoms>::start() {
    w_ = Vector::Constant(atoms_.size(), 1 / Real(atoms_.size()));
    tau_ = Vector::Ones(n_branches_);
    for (const GaugeMaximum& maximum : program_.maxima) {
        for (int v = 0; v < maximum.n_branches; ++v) {
            tau_(maximum.first_branch + v - 1) =
                Real(maximum.weight) * branch_weight(maximum.branch) / Real(maximum.n_branches);
        }
    }
    for (auto& leaf : smooth_) leaf.update(w_);
    for (auto& leaf : spectral_) leaf.start(w_, Real(leaf.spec->weight) * branch_weight(leaf.spec->branch));
    maxima_ = Vector::Zero(n_maxima_);
    u_ = Vector::Ones(n_branches_);
    for (Index n = n_maxima_ - 1; n >= 0; --n) {  // children come after their parents
        const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
        const Vector h = branch_values();
        const Vector own = h.segment(maximum.first_branch, maximum.n_branches);
        maxima_(n) = own.maxCoeff() + std::max(Real(1e-3), own.cwiseAbs().maxCoeff()) / 10;
        u_.segment(maximum.first_branch - 1, maximum.n_branches) = maxima_(n) - own.array();
    }
    const Vector slope = atom_slopes();
    const Real spread = std::max(slope.maxCoeff() - slope.minCoeff(), slope.cwiseAbs().maxCoeff() / 10);
    phi_ = Vector::Constant(1, slope.minCoeff() - std::max(spread, Real(1e-6)) / 10);
    s_ = slope - atoms_.pull_back(phi_);
}

template <class Atoms>
RealVector<typename Atoms::Real> InteriorPoint<Atoms>::branch_values() const {
    Vector h = Vector::Zero(n_branches_ + 1);
    for (const auto& leaf : smooth_) h(leaf.spec->branch) += Real(leaf.spec->weight) * leaf.value;
    for (const auto& leaf : spectral_) h(leaf.spec->branch) += Real(leaf.spec->weight) * leaf.value();
    for (Index n = 0; n < n_maxima_; ++n) {
        h(program_.maxima[std::size_t(n)].branch) += Real(program_.maxima[std::size_t(n)].weight) * maxima_(n);
    }
    return h;
}

template <class Atoms>
RealVector<typename Atoms::Real> InteriorPoint<Atoms>::atom_slopes() const {
    Vector slope = Vector::Zero(atoms_.size());
    for (const auto& leaf : smooth_) slope += Real(leaf.spec->weight) * branch_weight(leaf.spec->branch) * leaf.slopes;
    for (const auto& leaf : spectral_) slope += leaf.atoms.slopes(leaf.Q);
    return slope;
}

template <class Atoms>
Index InteriorPoint<Atoms>::degree() const {
    Index degree = atoms_.size() + n_branches_;
    for (const auto& leaf : spectral_) degree += leaf.degree();
    return degree;
}

template <class Atoms>
typename Atoms::Real InteriorPoint<Atoms>::complementarity() const {
    Real sum = w_.dot(s_) + tau_.dot(u_);
    for (const auto& leaf : spectral_) sum += leaf.complementarity();
    return sum;
}

template <class Atoms>
typename Atoms::Real InteriorPoint<Atoms>::complementarity_after(Real primal, Real dual) const {
    Real sum = (w_ + primal * dw_).dot(s_ + dual * ds_) + (tau_ + dual * dtau_).dot(u_ + primal * du_);
    for (const auto& leaf : spectral_) {
        sum += inner(leaf.Q + dual * leaf.dQ, leaf.Z + primal * leaf.dZ);
        if (leaf.bounded) sum += inner(leaf.R + dual * leaf.dR, leaf.V + primal * leaf.dV);
    }
    return sum;
}

template <class Atoms>
void InteriorPoint<Atoms>::factor() {
    NewtonMatrix<Atoms> matrix{.stiffness = s_.cwiseQuotient(w_),
                               .T = Curvature<Atoms>(atoms_.size()),
                               .coupling = Matrix::Zero(atoms_.size(), n_corner()),
                               .row_coupling = {},
                               .corner = Matrix::Zero(n_corner(), n_corner())};
    Matrix& corner = matrix.corner;
    for (const auto& leaf : smooth_) {
        const int branch = leaf.spec->branch;
        if (auto curvature = leaf.curvature()) {
            curvature->root_scale *= std::sqrt(Real(leaf.spec->weight) * branch_weight(branch));
            matrix.T.add(*std::move(curvature));
        }
        if (branch > 0) matrix.coupling.col(at_branch(branch)) += Real(leaf.spec->weight) * leaf.slopes;
    }
    first_spectral_ = matrix.T.cols();
    for (const auto& leaf : spectral_) matrix.T.add(leaf.curvature());
    matrix.row_coupling = Matrix::Zero(matrix.T.cols(), n_corner());
    Index first = first_spectral_;
    for (std::size_t l = 0; l < spectral_.size(); ++l) {
        const SpectralLeaf<Atoms>& leaf = spectral_[l];
        const Real c = Real(leaf.spec->weight);
        const int branch = leaf.spec->branch;
        const Index size = leaf.curvature_size();
        matrix.row_coupling.col(at_theta(l)).segment(first, size) = leaf.theta_coupling();
        if (branch > 0) {
            const Matrix weighted = leaf.F.cwiseProduct(leaf.C);
            matrix.coupling.col(at_branch(branch)) += c * leaf.turned_slopes(weighted);
            corner(at_branch(branch), at_theta(l)) = c * (leaf.spec->k - inner(leaf.G, weighted));
            corner(at_branch(branch), at_branch(branch)) -= c * c * inner(leaf.C, weighted);
        }
        first += size;
    }
    if (n_branches_ > 0) corner.diagonal().head(n_branches_) -= u_.cwiseQuotient(tau_);
    for (Index n = 0; n < n_maxima_; ++n) {
        const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
        for (int v = 0; v < maximum.n_branches; ++v) corner(at_branch(maximum.first_branch + v), at_maximum(n)) = -1;
        if (maximum.branch > 0) corner(at_branch(maximum.branch), at_maximum(n)) = Real(maximum.weight);
    }
    corner.template triangularView<Eigen::StrictlyLower>() = corner.transpose();
    newton_.factor(atoms_, std::move(matrix));
}

template <class Atoms>
bool InteriorPoint<Atoms>::solve_direction(Real mu) {
    NewtonVector<Real> rhs{.w = {},
                           .phi = -atoms_.defect(w_),
                           .z = Vector::Zero(n_corner()),
                           .u = Vector::Zero(newton_.matrix().T.cols())};
    const Vector centring = (mu - second_w_.array()) / w_.array();
    rhs.w = atoms_.pull_back(phi_) - atom_slopes() + centring;
    const Vector h = branch_values();
    for (Index n = 0; n < n_maxima_; ++n) {
        const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
        Real mass = Real(maximum.weight) * branch_weight(maximum.branch);
        for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v) {
            rhs.z(at_branch(v)) = maxima_(n) - h(v) - (mu - second_branch_(v - 1)) / tau_(v - 1);
            mass -= tau_(v - 1);
        }
        rhs.z(at_maximum(n)) = -mass;
    }
    for (std::size_t l = 0; l < spectral_.size(); ++l) {
        SpectralLeaf<Atoms>& leaf = spectral_[l];
        const Real c = Real(leaf.spec->weight);
        const Real t = c * branch_weight(leaf.spec->branch);
        leaf.aim(mu, t, w_);
        const Matrix pull = leaf.pull();
        rhs.w -= leaf.turned_slopes(pull);
        rhs.z(at_theta(l)) = leaf.Q.trace() - leaf.spec->k * t + inner(leaf.G, pull);
        if (leaf.spec->branch > 0) {
            rhs.z(at_branch(leaf.spec->branch)) -=
                c * inner(leaf.C, leaf.lag - leaf.F.cwiseProduct(leaf.turned_defect));
        }
    }

    NewtonVector<Real> x;
    if (!newton_.solve(rhs, x)) return false;
    ds_ = newton_.matrix().slope_change(atoms_, x) - rhs.w + centring - s_;
    dw_ = std::move(x.w);
    dphi_ = std::move(x.phi);
    dtau_ = x.z.head(n_branches_);
    d_maxima_ = x.z.segment(n_branches_, n_maxima_);
    du_ = (mu - second_branch_.array() - u_.array() * dtau_.array()) / tau_.array() - u_.array();
    Index first = first_spectral_;
    for (std::size_t l = 0; l < spectral_.size(); ++l) {
        SpectralLeaf<Atoms>& leaf = spectral_[l];
        const int branch = leaf.spec->branch;
        const Real dt = branch > 0 ? Real(leaf.spec->weight) * dtau_(branch - 1) : Real(0);
        leaf.direction(dw_, x.u.segment(first, leaf.curvature_size()), dt, x.z(at_theta(l)));
        first += leaf.curvature_size();
    }
    return true;
}

template <class Atoms>
std::pair<typename Atoms::Real, typename Atoms::Real> InteriorPoint<Atoms>::step_lengths() const {
    constexpr Real step_fraction = 0.95;  // share of the way to the boundary
    Real primal = std::min(longest_step(w_, dw_), longest_step(u_, du_));
    Real dual = std::min(longest_step(s_, ds_), longest_step(tau_, dtau_));
    for (const auto& leaf : spectral_) {
        primal = std::min(primal, longest_step(leaf.Z, leaf.dZ));
        dual = std::min(dual, longest_step(leaf.Q, leaf.dQ));
        if (leaf.bounded) {
            primal = std::min(primal, longest_step(leaf.V, leaf.dV));
            dual = std::min(dual, longest_step(leaf.R, leaf.dR));
        }
    }
    return {std::min(Real(1), step_fraction * primal), std::min(Real(1), step_fraction * dual)};
}

template <class Atoms>
typename Atoms::Real InteriorPoint<Atoms>::stationarity_error(const Vector& weights) const {
    return weights.dot((atom_slopes() - s_ - atoms_.pull_back(phi_)).cwiseAbs());
}

/// Shortens the step until it decreases the barrier function of the target (when w is all there is to the primal point
/// and satisfies its equations), or until the stationarity error shrinks or is covered by the complementarity.
template <class Atoms>
void InteriorPoint<Atoms>::move_curved(Real target) {
    const auto [primal, dual] = step_lengths();
    constexpr Real shortest = 1e-9;
    if (spectral_.empty() && n_maxima_ == 0 && atoms_.n_equations() == 1) {
        const auto barrier = [&] { return branch_values()(0) - target * w_.array().log().sum(); };
        const Real before = barrier();
        const Real slope = dw_.dot((atom_slopes().array() - target / w_.array()).matrix());
        last_step_ = primal;
        move(primal, dual);
        while (last_step_ > shortest &&
               barrier() > before + Real(1e-4) * last_step_ * slope + 4 * unit_roundoff<Real> * std::abs(before)) {
            last_step_ /= 2;
            move(-last_step_, 0);
        }
    } else {
        const Vector weights = w_;
        const Real before = stationarity_error(weights);
        last_step_ = std::min(primal, dual);
        move(last_step_, last_step_);
        while (last_step_ > shortest &&
               stationarity_error(weights) > std::max((1 - last_step_ / 10) * before, complementarity())) {
            last_step_ /= 2;
            move(-last_step_, -last_step_);
        }
    }
}

template <class Atoms>
void InteriorPoint<Atoms>::move(Real primal, Real dual) {
    w_ += primal * dw_;
    u_ += primal * du_;
    maxima_ += primal * d_maxima_;
    s_ += dual * ds_;
    phi_ += dual * dphi_;
    tau_ += dual * dtau_;
    for (auto& leaf : spectral_) {
        leaf.theta += primal * leaf.d_theta;
        leaf.Z += primal * leaf.dZ;
        leaf.Q += dual * leaf.dQ;
        if (leaf.bounded) {
            leaf.V += primal * leaf.dV;
            leaf.R += dual * leaf.dR;
        }
    }
    for (auto& leaf : smooth_) leaf.update(w_);
}

template <class Atoms>
RealVector<typename Atoms::Real> InteriorPoint<Atoms>::feasible_branch_weights(const Vector& free_tau) const {
    Vector tau(n_branches_ + 1);
    tau(0) = 1;
    tau.tail(n_branches_) = free_tau.cwiseMax(Real(0));
    for (const GaugeMaximum& maximum : program_.maxima) {
        auto own = tau.segment(maximum.first_branch, maximum.n_branches);
        own *= Real(maximum.weight) * tau(maximum.branch) / own.sum();
    }
    return tau;
}

template class InteriorPoint<PlanAtoms<double>>;
template class InteriorPoint<PlanAtoms<long double>>;
template class InteriorPoint<ArcAtoms<double>>;
template class InteriorPoint<ArcAtoms<long double>>;

}  // namespace spectralot::saddle
