#include "saddle/interior_point.hpp"

#include "linalg/decompositions.hpp"
#include "saddle/leaves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectralot::saddle {

namespace {

constexpr int max_iterations = 100;
constexpr double step_fraction = 0.95;  // share of the way to the boundary
constexpr int wide_dimension = 12;      // up to here long double is cheap enough to finish what double could not

Matrix block_of(const Matrix& moment, const std::vector<int>& block) { return moment(block, block); }

/// The iterate and the Newton system. Unknowns in order: dw (atoms), dτ (branches ≥ 1), dM (maxima), dθ (spectral
/// leaves), dη (multiplier of Σw = 1).
template <class Real>
class InteriorPoint {
public:
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;
    static constexpr Real unit_roundoff = std::numeric_limits<Real>::epsilon();

    InteriorPoint(const GaugeProgram& program, const std::vector<spectralot::Matrix>& moments)
        : program_(program), n_atoms_(Index(moments.size())), n_branches_(program.n_branches - 1),
          n_maxima_(Index(program.maxima.size())) {
        for (const GaugeLeaf& leaf : program.leaves) {
            std::vector<Matrix> atoms;
            atoms.reserve(moments.size());
            for (const spectralot::Matrix& moment : moments) atoms.push_back(block_of(moment, leaf.block).template cast<Real>());
            if (leaf.kind == GaugeLeaf::Kind::KyFan) {
                spectral_.emplace_back(leaf, std::move(atoms));
            } else {
                smooth_.emplace_back(leaf, std::move(atoms));
                curved_ = curved_ || leaf.kind == GaugeLeaf::Kind::Schatten;
            }
        }
        start();
    }

    /// One predictor-corrector iteration; false when Real precision is exhausted.
    bool advance() {
        for (SpectralLeaf<Real>& leaf : spectral_) {
            if (!leaf.rescale()) return false;
        }
        assemble();
        const Real mu = complementarity() / Real(degree());
        if (!(mu > unit_roundoff / 10)) return false;
        const Vector no_w = Vector::Zero(n_atoms_), no_branch = Vector::Zero(n_branches_);
        if (!solve_direction(0.0, no_w, no_branch)) return false;
        const auto [primal, dual] = step_lengths();
        const Real affine = complementarity_after(primal, dual) / Real(degree());
        const Real sigma = std::clamp(Real(std::pow(affine / mu, 3)), Real(1e-4), Real(0.9));
        if (curved_) {
            const Real target = (last_step_ < Real(0.3) ? Real(1) : std::max(sigma, Real(1e-2))) * mu;
            if (!solve_direction(target, no_w, no_branch)) return false;
            move_curved(target);
        } else {
            if (!solve_direction(sigma * mu, dw_.cwiseProduct(ds_), dtau_.cwiseProduct(du_))) return false;
            const auto [p, d] = step_lengths();
            move(p, d);
        }
        return w_.allFinite() && tau_.allFinite();
    }

    [[nodiscard]] Vector weights() const { return w_.cwiseMax(Real(0)) / w_.cwiseMax(Real(0)).sum(); }

    [[nodiscard]] Matrix metric() const {
        const Vector tau = feasible_branch_weights();
        Matrix sum = Matrix::Zero(program_.dimension, program_.dimension);
        const auto add = [&](const GaugeLeaf& leaf, const Matrix& part) {
            for (std::size_t i = 0; i < leaf.block.size(); ++i) {
                for (std::size_t j = 0; j < leaf.block.size(); ++j) {
                    sum(leaf.block[i], leaf.block[j]) += part(Index(i), Index(j));
                }
            }
        };
        for (const SmoothLeaf<Real>& leaf : smooth_) add(*leaf.spec, leaf.spec->weight * tau(leaf.spec->branch) * leaf.gradient);
        for (const SpectralLeaf<Real>& leaf : spectral_) {
            add(*leaf.spec, leaf.feasible_metric(leaf.spec->weight * tau(leaf.spec->branch)));
        }
        return symmetric<Real>(sum);
    }

private:
    [[nodiscard]] Real branch_weight(int branch) const { return branch == 0 ? 1.0 : tau_(branch - 1); }
    [[nodiscard]] Index at_branch(int branch) const { return n_atoms_ + branch - 1; }
    [[nodiscard]] Index at_maximum(Index maximum) const { return n_atoms_ + n_branches_ + maximum; }
    [[nodiscard]] Index at_theta(std::size_t leaf) const { return n_atoms_ + n_branches_ + n_maxima_ + Index(leaf); }
    [[nodiscard]] Index size() const { return n_atoms_ + n_branches_ + n_maxima_ + Index(spectral_.size()) + 1; }

    void start() {
        w_ = Vector::Constant(n_atoms_, 1.0 / Real(n_atoms_));
        tau_ = Vector::Ones(n_branches_);
        for (const GaugeMaximum& maximum : program_.maxima) {
            for (int v = 0; v < maximum.n_branches; ++v) {
                tau_(maximum.first_branch + v - 1) = maximum.weight * branch_weight(maximum.branch) / maximum.n_branches;
            }
        }
        for (SmoothLeaf<Real>& leaf : smooth_) leaf.update(w_);
        for (SpectralLeaf<Real>& leaf : spectral_) leaf.start(w_, leaf.spec->weight * branch_weight(leaf.spec->branch));
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
        eta_ = slope.minCoeff() - std::max(spread, Real(1e-6)) / 10;
        s_ = slope.array() - eta_;
    }

    /// h_v for every branch, root included: what each branch adds up to at the current primal point.
    [[nodiscard]] Vector branch_values() const {
        Vector h = Vector::Zero(n_branches_ + 1);
        for (const SmoothLeaf<Real>& leaf : smooth_) h(leaf.spec->branch) += leaf.spec->weight * leaf.value;
        for (const SpectralLeaf<Real>& leaf : spectral_) h(leaf.spec->branch) += leaf.spec->weight * leaf.value();
        for (Index n = 0; n < n_maxima_; ++n) {
            h(program_.maxima[std::size_t(n)].branch) += program_.maxima[std::size_t(n)].weight * maxima_(n);
        }
        return h;
    }

    /// tr(Q S_k) with the current, possibly infeasible, dual point.
    [[nodiscard]] Vector atom_slopes() const {
        Vector slope = Vector::Zero(n_atoms_);
        for (const SmoothLeaf<Real>& leaf : smooth_) slope += leaf.spec->weight * branch_weight(leaf.spec->branch) * leaf.slopes;
        for (const SpectralLeaf<Real>& leaf : spectral_) {
            for (Index k = 0; k < n_atoms_; ++k) slope(k) += inner(leaf.Q, leaf.atoms[std::size_t(k)]);
        }
        return slope;
    }

    [[nodiscard]] Index degree() const {
        Index degree = n_atoms_ + n_branches_;
        for (const SpectralLeaf<Real>& leaf : spectral_) degree += leaf.degree();
        return degree;
    }

    [[nodiscard]] Real complementarity() const {
        Real sum = w_.dot(s_) + tau_.dot(u_);
        for (const SpectralLeaf<Real>& leaf : spectral_) sum += leaf.complementarity();
        return sum;
    }

    [[nodiscard]] Real complementarity_after(Real primal, Real dual) const {
        Real sum = (w_ + primal * dw_).dot(s_ + dual * ds_) + (tau_ + dual * dtau_).dot(u_ + primal * du_);
        for (const SpectralLeaf<Real>& leaf : spectral_) {
            sum += inner(leaf.Q + dual * leaf.dQ, leaf.Z + primal * leaf.dZ);
            if (leaf.bounded) sum += inner(leaf.R + dual * leaf.dR, leaf.V + primal * leaf.dV);
        }
        return sum;
    }

    void assemble() {
        system_ = Matrix::Zero(size(), size());
        auto H = system_.topLeftCorner(n_atoms_, n_atoms_);
        for (const SmoothLeaf<Real>& leaf : smooth_) {
            const int branch = leaf.spec->branch;
            const Real t = leaf.spec->weight * branch_weight(branch);
            if (leaf.spec->kind == GaugeLeaf::Kind::Schatten) {
                H.noalias() += t * leaf.curvature * leaf.curvature.transpose();
                H.noalias() -= t * leaf.radial * leaf.slopes * leaf.slopes.transpose();
            }
            if (branch > 0) system_.col(at_branch(branch)).head(n_atoms_) += Real(leaf.spec->weight) * leaf.slopes;
        }
        for (std::size_t l = 0; l < spectral_.size(); ++l) {
            const SpectralLeaf<Real>& leaf = spectral_[l];
            const Real c = Real(leaf.spec->weight);
            const int branch = leaf.spec->branch;
            H.noalias() += leaf.rows * leaf.rows.transpose();
            const Matrix weighted_g = leaf.E.cwiseProduct(leaf.G), weighted_c = leaf.F.cwiseProduct(leaf.C);
            for (Index k = 0; k < n_atoms_; ++k) {
                system_(k, at_theta(l)) = -inner(leaf.turned[std::size_t(k)], weighted_g);
                if (branch > 0) system_(k, at_branch(branch)) += c * inner(leaf.turned[std::size_t(k)], weighted_c);
            }
            system_(at_theta(l), at_theta(l)) = inner(leaf.G, weighted_g);
            if (branch > 0) {
                system_(at_branch(branch), at_theta(l)) = c * (leaf.spec->k - inner(leaf.G, weighted_c));
                system_(at_branch(branch), at_branch(branch)) -= c * c * inner(leaf.C, weighted_c);
            }
        }
        for (Index k = 0; k < n_atoms_; ++k) {
            system_(k, k) += s_(k) / w_(k);
            system_(k, size() - 1) = -1.0;
        }
        for (Index v = 0; v < n_branches_; ++v) system_(n_atoms_ + v, n_atoms_ + v) -= u_(v) / tau_(v);
        for (Index n = 0; n < n_maxima_; ++n) {
            const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
            for (int v = 0; v < maximum.n_branches; ++v) system_(at_branch(maximum.first_branch + v), at_maximum(n)) = -1.0;
            if (maximum.branch > 0) system_(at_branch(maximum.branch), at_maximum(n)) = maximum.weight;
        }
        system_.template triangularView<Eigen::StrictlyLower>() = system_.transpose();
        factor_.compute(system_);
    }

    /// Newton direction towards complementarity μ, with the second-order terms of the linear pairs.
    bool solve_direction(Real mu, const Vector& second_w, const Vector& second_branch) {
        Vector rhs = Vector::Zero(size());
        const Vector slope = atom_slopes();
        rhs.head(n_atoms_) = (eta_ - slope.array() + s_.array()) + (mu - second_w.array()) / w_.array() - s_.array();
        const Vector h = branch_values();
        for (Index n = 0; n < n_maxima_; ++n) {
            const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
            Real mass = Real(maximum.weight) * branch_weight(maximum.branch);
            for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v) {
                rhs(at_branch(v)) = maxima_(n) - h(v) - (mu - second_branch(v - 1)) / tau_(v - 1);
                mass -= tau_(v - 1);
            }
            rhs(at_maximum(n)) = -mass;
        }
        for (std::size_t l = 0; l < spectral_.size(); ++l) {
            SpectralLeaf<Real>& leaf = spectral_[l];
            const Real c = Real(leaf.spec->weight);
            const Real t = c * branch_weight(leaf.spec->branch);
            leaf.aim(mu, t, w_);
            const Matrix lag = leaf.F.cwiseProduct(leaf.rho) + leaf.E.cwiseProduct(leaf.turned_defect);
            for (Index k = 0; k < n_atoms_; ++k) {
                rhs(k) -= inner(leaf.atoms[std::size_t(k)], leaf.r1) - inner(leaf.turned[std::size_t(k)], lag);
            }
            rhs(at_theta(l)) = leaf.Q.trace() - leaf.spec->k * t + leaf.r1.trace() - inner(leaf.G, lag);
            if (leaf.spec->branch > 0) {
                rhs(at_branch(leaf.spec->branch)) -= c * inner(leaf.C, leaf.F.cwiseProduct(leaf.rho - leaf.turned_defect));
            }
        }
        rhs(size() - 1) = w_.sum() - 1.0;

        Vector x = factor_.solve(rhs);
        for (int refinement = 0; refinement < 2; ++refinement) x += factor_.solve(rhs - system_ * x);
        if (!x.allFinite()) return false;

        dw_ = x.head(n_atoms_);
        dtau_ = x.segment(n_atoms_, n_branches_);
        d_maxima_ = x.segment(n_atoms_ + n_branches_, n_maxima_);
        d_eta_ = x(size() - 1);
        ds_ = (mu - second_w.array() - s_.array() * dw_.array()) / w_.array() - s_.array();
        du_ = (mu - second_branch.array() - u_.array() * dtau_.array()) / tau_.array() - u_.array();
        for (std::size_t l = 0; l < spectral_.size(); ++l) {
            SpectralLeaf<Real>& leaf = spectral_[l];
            const Real c = Real(leaf.spec->weight);
            const int branch = leaf.spec->branch;
            const Real dt = branch > 0 ? c * dtau_(branch - 1) : Real(0);
            leaf.direction(dw_, dt, x(at_theta(l)));
        }
        return true;
    }

    /// Longest primal and dual steps inside the cones (at most 1).
    [[nodiscard]] std::pair<Real, Real> step_lengths() const {
        Real primal = std::min(longest_step(w_, dw_), longest_step(u_, du_));
        Real dual = std::min(longest_step(s_, ds_), longest_step(tau_, dtau_));
        for (const SpectralLeaf<Real>& leaf : spectral_) {
            primal = std::min(primal, longest_step(leaf.Z, leaf.dZ));
            dual = std::min(dual, longest_step(leaf.Q, leaf.dQ));
            if (leaf.bounded) {
                primal = std::min(primal, longest_step(leaf.V, leaf.dV));
                dual = std::min(dual, longest_step(leaf.R, leaf.dR));
            }
        }
        primal = std::min(Real(1), Real(step_fraction) * primal);
        dual = std::min(Real(1), Real(step_fraction) * dual);
        return {primal, dual};
    }

    /// Σ weights_k |tr(Q S_k) - η - s_k|: zero but for the curvature of the leaves.
    [[nodiscard]] Real stationarity_error(const Vector& weights) const {
        return weights.dot(((atom_slopes() - s_).array() - eta_).abs().matrix());
    }

    /// Shortens the step until it decreases the barrier function of the target (when w is all there is to the primal
    /// point), or until the stationarity error shrinks or is covered by the complementarity.
    void move_curved(Real target) {
        const auto [primal, dual] = step_lengths();
        if (spectral_.empty() && n_maxima_ == 0) {
            const auto barrier = [&] { return branch_values()(0) - target * w_.array().log().sum(); };
            const Real before = barrier();
            const Real slope = dw_.dot((atom_slopes().array() - target / w_.array()).matrix());
            last_step_ = primal;
            move(primal, dual);
            while (last_step_ > Real(1e-9) && barrier() > before + Real(1e-4) * last_step_ * slope + 4 * unit_roundoff * std::abs(before)) {
                last_step_ /= 2;
                move(-last_step_, 0.0);
            }
        } else {
            const Vector weights = w_;
            const Real before = stationarity_error(weights);
            last_step_ = std::min(primal, dual);
            move(last_step_, last_step_);
            while (last_step_ > Real(1e-9) &&
                   stationarity_error(weights) > std::max((1 - last_step_ / 10) * before, complementarity())) {
                last_step_ /= 2;
                move(-last_step_, -last_step_);
            }
        }
    }

    void move(Real primal, Real dual) {
        w_ += primal * dw_;
        u_ += primal * du_;
        maxima_ += primal * d_maxima_;
        s_ += dual * ds_;
        tau_ += dual * dtau_;
        eta_ += dual * d_eta_;
        for (SpectralLeaf<Real>& leaf : spectral_) {
            leaf.theta += primal * leaf.d_theta;
            leaf.Z += primal * leaf.dZ;
            leaf.Q += dual * leaf.dQ;
            if (leaf.bounded) {
                leaf.V += primal * leaf.dV;
                leaf.R += dual * leaf.dR;
            }
        }
        for (SmoothLeaf<Real>& leaf : smooth_) leaf.update(w_);
    }

    /// τ with the sums of every maximum put exactly right, root first.
    [[nodiscard]] Vector feasible_branch_weights() const {
        Vector tau(n_branches_ + 1);
        tau(0) = 1.0;
        tau.tail(n_branches_) = tau_.cwiseMax(Real(0));
        for (const GaugeMaximum& maximum : program_.maxima) {
            auto own = tau.segment(maximum.first_branch, maximum.n_branches);
            own *= Real(maximum.weight) * tau(maximum.branch) / own.sum();
        }
        return tau;
    }

    const GaugeProgram& program_;
    Index n_atoms_, n_branches_, n_maxima_;
    std::vector<SmoothLeaf<Real>> smooth_;
    std::vector<SpectralLeaf<Real>> spectral_;
    bool curved_ = false;     // some gradient moves with w: the Newton step needs a line search
    Real last_step_ = 1.0;
    Vector w_, s_, tau_, u_, maxima_;
    Real eta_ = 0.0;
    Vector dw_, ds_, dtau_, du_, d_maxima_;
    Real d_eta_ = 0.0;
    Matrix system_;
    Eigen::PartialPivLU<Matrix> factor_;
};

}  // namespace

double evaluate(const GaugeProgram& program, const Matrix& moment) {
    Vector h = Vector::Zero(program.n_branches);
    for (const GaugeLeaf& leaf : program.leaves) {
        const Matrix part = block_of(moment, leaf.block);
        double value = 0.0;
        if (leaf.kind == GaugeLeaf::Kind::Point) {
            value = inner(leaf.point, part);
        } else {
            const Vector lambda = Eigen::SelfAdjointEigenSolver<Matrix>(part, Eigen::EigenvaluesOnly).eigenvalues().cwiseMax(0.0);
            const double top = lambda.maxCoeff();
            if (leaf.kind == GaugeLeaf::Kind::KyFan) {
                value = lambda.tail(leaf.k).sum();
            } else if (top > 0) {
                value = top * std::pow((lambda / top).array().pow(leaf.p).sum(), 1.0 / leaf.p);
            }
        }
        h(leaf.branch) += leaf.weight * value;
    }
    for (auto maximum = program.maxima.rbegin(); maximum != program.maxima.rend(); ++maximum) {
        h(maximum->branch) += maximum->weight * h.segment(maximum->first_branch, maximum->n_branches).maxCoeff();
    }
    return h(0);
}

namespace {

/// Tightens the bracket of `best`, in the unit of the moments; `tol` is absolute.
template <class Real>
void tighten(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol, SaddlePoint& best) {
    InteriorPoint<Real> iterate(program, moments);
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
        const Vector w = iterate.weights().template cast<double>();
        Matrix mixed = Matrix::Zero(program.dimension, program.dimension);
        for (std::size_t k = 0; k < moments.size(); ++k) mixed += w(Index(k)) * moments[k];
        const double upper = evaluate(program, mixed);
        if (upper < best.upper) {
            best.upper = upper;
            best.weights = w;
        }
        const Matrix metric = iterate.metric().template cast<double>();
        double lower = infinity;
        for (const Matrix& moment : moments) lower = std::min(lower, inner(metric, moment));
        if (lower > best.lower) {
            best.lower = lower;
            best.metric = metric;
        }
        if (best.upper - best.lower <= tol || !iterate.advance()) return;
    }
}

}  // namespace

SaddlePoint solve_saddle(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol) {
    double scale = 0.0;
    for (const Matrix& moment : moments) scale = std::max(scale, moment.cwiseAbs().maxCoeff());
    if (!(scale > 0)) scale = 1.0;
    std::vector<Matrix> scaled;
    scaled.reserve(moments.size());
    for (const Matrix& moment : moments) scaled.push_back(moment / scale);

    SaddlePoint best;
    tighten<double>(program, scaled, tol / scale, best);
    if (best.upper - best.lower > tol / scale && program.dimension <= wide_dimension) {
        tighten<long double>(program, scaled, tol / scale, best);
    }
    best.upper *= scale;
    best.lower *= scale;
    return best;
}

}  // namespace spectralot::saddle
