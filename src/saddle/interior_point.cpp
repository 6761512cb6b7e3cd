#include "saddle/interior_point.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <optional>

namespace spectralot::saddle {

namespace {

using Eigen::Index;
using EigenSolver = Eigen::SelfAdjointEigenSolver<Matrix>;

constexpr int max_iterations = 100;
constexpr double step_fraction = 0.95;  // share of the way to the boundary

Matrix symmetric(const Matrix& m) { return 0.5 * (m + m.transpose()); }

Matrix block_of(const Matrix& moment, const std::vector<int>& block) { return moment(block, block); }

double inner(const Matrix& a, const Matrix& b) { return a.cwiseProduct(b).sum(); }

/// Upper triangle as a vector with <pack(a), pack(b)> = tr(ab), after entrywise scaling by √scale.
Eigen::RowVectorXd pack(const Matrix& m, const Matrix& root_scale) {
    const Index d = m.rows();
    Eigen::RowVectorXd packed(d * (d + 1) / 2);
    Index t = 0;
    for (Index j = 0; j < d; ++j) {
        for (Index i = 0; i < j; ++i) packed(t++) = std::sqrt(2.0) * m(i, j) * root_scale(i, j);
        packed(t++) = m(j, j) * root_scale(j, j);
    }
    return packed;
}

/// Largest α with m + α·dm ⪰ 0, m ≻ 0.
double longest_step(const Matrix& m, const Matrix& dm) {
    const Eigen::LLT<Matrix> factor(m);
    Matrix scaled = factor.matrixL().solve(dm);
    scaled = factor.matrixL().solve(scaled.transpose()).eval();
    const double least = EigenSolver(symmetric(scaled), Eigen::EigenvaluesOnly).eigenvalues()(0);
    return least < 0 ? -1.0 / least : infinity;
}

double longest_step(const Vector& v, const Vector& dv) {
    double step = infinity;
    for (Index i = 0; i < v.size(); ++i) {
        if (dv(i) < 0) step = std::min(step, -v(i) / dv(i));
    }
    return step;
}

/// G with G Gᵀ = W, the Nesterov–Todd scaling point of (q, z): W z W = q. Empty when one of them is numerically singular.
std::optional<Matrix> scaling_root(const Matrix& q, const Matrix& z) {
    const Eigen::LLT<Matrix> lq(q), lz(z);
    if (lq.info() != Eigen::Success || lz.info() != Eigen::Success) return std::nullopt;
    const Matrix product = Matrix(lz.matrixL()).transpose() * Matrix(lq.matrixL());
    const Eigen::JacobiSVD<Matrix> svd(product, Eigen::ComputeFullV);
    if (!(svd.singularValues().minCoeff() > 0)) return std::nullopt;
    return Matrix(lq.matrixL()) * svd.matrixV() * svd.singularValues().cwiseSqrt().cwiseInverse().asDiagonal();
}

/// Point and Schatten leaves: φ is a differentiable function of S.
struct SmoothLeaf {
    const GaugeLeaf* spec;
    std::vector<Matrix> atoms;  // blocks of the moments
    double value = 0.0;
    Matrix gradient;
    Vector slopes;     // tr(gradient·atom_k)
    Matrix curvature;  // rows pack to the Hessian: tᵀt = <S_k, ∇²φ S_j>, but for the rank-one part
    double radial = 0.0;  // ∇²φ = curvature - radial·gradient⊗gradient

    SmoothLeaf(const GaugeLeaf& leaf, std::vector<Matrix> blocks) : spec(&leaf), atoms(std::move(blocks)) {}

    void update(const Vector& w) {
        const Index d = atoms[0].rows();
        radial = 0.0;
        if (spec->kind == GaugeLeaf::Kind::Point) {
            gradient = spec->point;
        } else {
            Matrix moment = Matrix::Zero(d, d);
            for (std::size_t k = 0; k < atoms.size(); ++k) moment += w(Index(k)) * atoms[k];
            const EigenSolver eigen(moment);
            const double largest = eigen.eigenvalues()(d - 1);
            if (!(largest > 0)) {  // φ(0) = 0: any element of K is a subgradient, take the isotropic one
                gradient = Matrix::Identity(d, d) * std::pow(double(d), 1.0 / spec->p - 1.0);
                curvature = Matrix::Zero(Index(atoms.size()), 1);
            } else {
                const double p = spec->p;
                const Vector lambda = eigen.eigenvalues().cwiseMax(1e-15 * largest);
                const double phi = largest * std::pow((lambda / largest).array().pow(p).sum(), 1.0 / p);
                const Vector q = (lambda / phi).array().pow(p - 1.0);
                gradient = eigen.eigenvectors() * q.asDiagonal() * eigen.eigenvectors().transpose();
                radial = (p - 1.0) / phi;
                Matrix root(d, d);
                for (Index i = 0; i < d; ++i) {
                    for (Index j = 0; j < d; ++j) {
                        const double difference = lambda(i) - lambda(j);
                        const bool close = std::abs(difference) <= 1e-6 * lambda(i);
                        root(i, j) = std::sqrt(close ? (p - 1.0) * q(i) / lambda(i) : (q(i) - q(j)) / difference);
                    }
                }
                curvature.resize(Index(atoms.size()), d * (d + 1) / 2);
                for (std::size_t k = 0; k < atoms.size(); ++k) {
                    const Matrix turned = eigen.eigenvectors().transpose() * atoms[k] * eigen.eigenvectors();
                    curvature.row(Index(k)) = pack(turned, root);
                }
            }
        }
        slopes.resize(Index(atoms.size()));
        for (std::size_t k = 0; k < atoms.size(); ++k) slopes(Index(k)) = inner(gradient, atoms[k]);
        value = slopes.dot(w);  // φ is one-homogeneous
    }
};

/// Ky Fan leaf: φ = min kθ + tr V with Z = θI + V - S ⪰ 0, V ⪰ 0, and dual Q + R = t I, tr Q = k t.
/// For k = 1 the bound Q ⪯ tI is implied and V, R are absent.
struct SpectralLeaf {
    const GaugeLeaf* spec;
    std::vector<Matrix> atoms;
    bool bounded;  // k > 1
    double theta = 0.0;
    Matrix Q, Z, R, V;
    // Scaling of the iterate, W1 = B Bᵀ and W2 = B diag(ω) Bᵀ, and the factors that eliminate (dV, dZ, dQ, dR):
    // F = 1/(1 + ωωᵀ), E = 1 - F, G = BᵀB, C = (BᵀB)⁻¹ in the basis of B.
    Matrix B, B_inverse, G, C, E, F, rows;
    std::vector<Matrix> turned;  // Bᵀ S_k B
    // Residuals and direction.
    Matrix r1, r2, primal_defect, dual_defect, rho, turned_defect;
    double d_theta = 0.0;
    Matrix dQ, dZ, dR, dV;

    SpectralLeaf(const GaugeLeaf& leaf, std::vector<Matrix> blocks)
        : spec(&leaf), atoms(std::move(blocks)), bounded(leaf.k > 1) {}

    [[nodiscard]] Matrix combine(const Vector& w) const {
        Matrix sum = Matrix::Zero(atoms[0].rows(), atoms[0].cols());
        for (std::size_t k = 0; k < atoms.size(); ++k) sum += w(Index(k)) * atoms[k];
        return sum;
    }

    void start(const Vector& w, double t) {
        const Index d = atoms[0].rows();
        const Matrix identity = Matrix::Identity(d, d);
        const Matrix s = combine(w);
        const double top = EigenSolver(s, Eigen::EigenvaluesOnly).eigenvalues()(d - 1);
        Q = identity * (t * spec->k / double(d));
        const double unit = std::max(top, 1e-3);
        theta = top + (bounded ? 0.0 : 0.5 * unit);
        V = bounded ? Matrix(identity * unit) : Matrix::Zero(d, d);
        R = t * identity - Q;
        Z = theta * identity + V - s;
    }

    [[nodiscard]] double value() const { return spec->k * theta + V.trace(); }
    [[nodiscard]] double complementarity() const { return inner(Q, Z) + (bounded ? inner(R, V) : 0.0); }
    [[nodiscard]] Index degree() const { return Q.rows() * (bounded ? 2 : 1); }

    bool rescale() {
        const auto g1 = scaling_root(Q, Z);
        if (!g1) return false;
        const Index d = Q.rows();
        if (bounded) {
            const auto g2 = scaling_root(R, V);
            if (!g2) return false;
            const Eigen::JacobiSVD<Matrix> svd(g1->partialPivLu().solve(*g2), Eigen::ComputeFullU);
            const Vector omega = svd.singularValues().cwiseAbs2();
            B = *g1 * svd.matrixU();
            const Matrix outer = omega * omega.transpose();
            F = (1.0 + outer.array()).inverse();
            E = outer.array() * F.array();
            B_inverse = B.inverse();
            C = B_inverse * B_inverse.transpose();
        } else {
            B = *g1;
            E = Matrix::Ones(d, d);
            F = C = Matrix::Zero(d, d);
        }
        G = B.transpose() * B;
        const Matrix root = E.cwiseSqrt();
        rows.resize(Index(atoms.size()), d * (d + 1) / 2);
        turned.resize(atoms.size());
        for (std::size_t k = 0; k < atoms.size(); ++k) {
            turned[k] = B.transpose() * atoms[k] * B;
            rows.row(Index(k)) = pack(turned[k], root);
        }
        return true;
    }

    /// Residuals for complementarity target μ; t is the leaf's weight times its branch's τ.
    void aim(double mu, double t, const Vector& w) {
        const Index d = Q.rows();
        const Matrix identity = Matrix::Identity(d, d);
        primal_defect = theta * identity + V - combine(w) - Z;
        turned_defect = B.transpose() * primal_defect * B;
        r1 = mu * Z.llt().solve(identity) - Q;
        rho = Matrix::Zero(d, d);
        if (bounded) {
            dual_defect = t * identity - Q - R;
            r2 = mu * V.llt().solve(identity) - R;
            rho = B_inverse * (r1 + r2 - dual_defect) * B_inverse.transpose();
        }
    }

    /// (dQ, dZ, dR, dV) from the solution of the reduced system; dt is the change of t.
    void direction(const Vector& dw, double dt, double dth) {
        const Index d = Q.rows();
        const Matrix identity = Matrix::Identity(d, d);
        Matrix X = -dth * G - turned_defect;
        for (std::size_t k = 0; k < atoms.size(); ++k) X += dw(Index(k)) * turned[k];
        const Matrix lag = F.cwiseProduct(rho - dt * C);
        d_theta = dth;
        dQ = symmetric(r1 - B * (lag - E.cwiseProduct(X)) * B.transpose());
        dZ = dth * identity - combine(dw) + primal_defect;
        if (bounded) {
            dV = symmetric(B_inverse.transpose() * (F.cwiseProduct(X) + lag) * B_inverse);
            dR = dt * identity + dual_defect - dQ;
            dZ += dV;
        }
    }

    /// The nearest-in-spirit element of t·{0 ⪯ Q ⪯ I, tr Q = k}: clamp the eigenvalues after a common shift.
    [[nodiscard]] Matrix feasible_metric(double t) const {
        const EigenSolver eigen(Q / t);
        const Vector& lambda = eigen.eigenvalues();
        if (!bounded) {
            const Vector positive = lambda.cwiseMax(0.0);
            return eigen.eigenvectors() * (t / positive.sum() * positive).asDiagonal() * eigen.eigenvectors().transpose();
        }
        double low = -1.0, high = 1.0;
        for (int i = 0; i < 100; ++i) {
            const double shift = 0.5 * (low + high);
            ((lambda.array() + shift).cwiseMax(0.0).cwiseMin(1.0).sum() < spec->k ? low : high) = shift;
        }
        const Vector q = (lambda.array() + low).cwiseMax(0.0).cwiseMin(1.0);
        return eigen.eigenvectors() * (t * q).asDiagonal() * eigen.eigenvectors().transpose();
    }
};

/// The iterate and the Newton system. Unknowns in order: dw (atoms), dτ (branches ≥ 1), dM (maxima), dθ (spectral
/// leaves), dη (multiplier of Σw = 1).
class InteriorPoint {
public:
    InteriorPoint(const GaugeProgram& program, const std::vector<Matrix>& moments)
        : program_(program), n_atoms_(Index(moments.size())), n_branches_(program.n_branches - 1),
          n_maxima_(Index(program.maxima.size())) {
        for (const GaugeLeaf& leaf : program.leaves) {
            std::vector<Matrix> atoms;
            atoms.reserve(moments.size());
            for (const Matrix& moment : moments) atoms.push_back(block_of(moment, leaf.block));
            if (leaf.kind == GaugeLeaf::Kind::KyFan) {
                spectral_.emplace_back(leaf, std::move(atoms));
            } else {
                smooth_.emplace_back(leaf, std::move(atoms));
                curved_ = curved_ || leaf.kind == GaugeLeaf::Kind::Schatten;
            }
        }
        start();
    }

    /// One predictor-corrector iteration; false when double precision is exhausted.
    bool advance() {
        for (SpectralLeaf& leaf : spectral_) {
            if (!leaf.rescale()) return false;
        }
        assemble();
        const double mu = complementarity() / double(degree());
        if (!(mu > 1e-17)) return false;
        const Vector no_w = Vector::Zero(n_atoms_), no_branch = Vector::Zero(n_branches_);
        if (!solve_direction(0.0, no_w, no_branch)) return false;
        const auto [primal, dual] = step_lengths();
        const double affine = complementarity_after(primal, dual) / double(degree());
        const double sigma = std::clamp(std::pow(affine / mu, 3.0), 1e-4, 0.9);
        if (curved_) {
            const double target = (last_step_ < 0.3 ? 1.0 : std::max(sigma, 1e-2)) * mu;
            if (!solve_direction(target, no_w, no_branch)) return false;
            move_curved(target);
        } else {
            if (!solve_direction(sigma * mu, dw_.cwiseProduct(ds_), dtau_.cwiseProduct(du_))) return false;
            const auto [p, d] = step_lengths();
            move(p, d);
        }
        return w_.allFinite() && tau_.allFinite();
    }

    [[nodiscard]] Vector weights() const { return w_.cwiseMax(0.0) / w_.cwiseMax(0.0).sum(); }

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
        for (const SmoothLeaf& leaf : smooth_) add(*leaf.spec, leaf.spec->weight * tau(leaf.spec->branch) * leaf.gradient);
        for (const SpectralLeaf& leaf : spectral_) {
            add(*leaf.spec, leaf.feasible_metric(leaf.spec->weight * tau(leaf.spec->branch)));
        }
        return symmetric(sum);
    }

private:
    [[nodiscard]] double branch_weight(int branch) const { return branch == 0 ? 1.0 : tau_(branch - 1); }
    [[nodiscard]] Index at_branch(int branch) const { return n_atoms_ + branch - 1; }
    [[nodiscard]] Index at_maximum(Index maximum) const { return n_atoms_ + n_branches_ + maximum; }
    [[nodiscard]] Index at_theta(std::size_t leaf) const { return n_atoms_ + n_branches_ + n_maxima_ + Index(leaf); }
    [[nodiscard]] Index size() const { return n_atoms_ + n_branches_ + n_maxima_ + Index(spectral_.size()) + 1; }

    void start() {
        w_ = Vector::Constant(n_atoms_, 1.0 / double(n_atoms_));
        tau_ = Vector::Ones(n_branches_);
        for (const GaugeMaximum& maximum : program_.maxima) {
            for (int v = 0; v < maximum.n_branches; ++v) {
                tau_(maximum.first_branch + v - 1) = maximum.weight * branch_weight(maximum.branch) / maximum.n_branches;
            }
        }
        for (SmoothLeaf& leaf : smooth_) leaf.update(w_);
        for (SpectralLeaf& leaf : spectral_) leaf.start(w_, leaf.spec->weight * branch_weight(leaf.spec->branch));
        maxima_ = Vector::Zero(n_maxima_);
        u_ = Vector::Ones(n_branches_);
        for (Index n = n_maxima_ - 1; n >= 0; --n) {  // children come after their parents
            const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
            const Vector h = branch_values();
            const Vector own = h.segment(maximum.first_branch, maximum.n_branches);
            maxima_(n) = own.maxCoeff() + 0.1 * std::max(1e-3, own.cwiseAbs().maxCoeff());
            u_.segment(maximum.first_branch - 1, maximum.n_branches) = maxima_(n) - own.array();
        }
        const Vector slope = atom_slopes();
        const double spread = std::max(slope.maxCoeff() - slope.minCoeff(), 0.1 * slope.cwiseAbs().maxCoeff());
        eta_ = slope.minCoeff() - 0.1 * std::max(spread, 1e-6);
        s_ = slope.array() - eta_;
    }

    /// h_v for every branch, root included: what each branch adds up to at the current primal point.
    [[nodiscard]] Vector branch_values() const {
        Vector h = Vector::Zero(n_branches_ + 1);
        for (const SmoothLeaf& leaf : smooth_) h(leaf.spec->branch) += leaf.spec->weight * leaf.value;
        for (const SpectralLeaf& leaf : spectral_) h(leaf.spec->branch) += leaf.spec->weight * leaf.value();
        for (Index n = 0; n < n_maxima_; ++n) {
            h(program_.maxima[std::size_t(n)].branch) += program_.maxima[std::size_t(n)].weight * maxima_(n);
        }
        return h;
    }

    /// tr(Q S_k) with the current, possibly infeasible, dual point.
    [[nodiscard]] Vector atom_slopes() const {
        Vector slope = Vector::Zero(n_atoms_);
        for (const SmoothLeaf& leaf : smooth_) slope += leaf.spec->weight * branch_weight(leaf.spec->branch) * leaf.slopes;
        for (const SpectralLeaf& leaf : spectral_) {
            for (Index k = 0; k < n_atoms_; ++k) slope(k) += inner(leaf.Q, leaf.atoms[std::size_t(k)]);
        }
        return slope;
    }

    [[nodiscard]] Index degree() const {
        Index degree = n_atoms_ + n_branches_;
        for (const SpectralLeaf& leaf : spectral_) degree += leaf.degree();
        return degree;
    }

    [[nodiscard]] double complementarity() const {
        double sum = w_.dot(s_) + tau_.dot(u_);
        for (const SpectralLeaf& leaf : spectral_) sum += leaf.complementarity();
        return sum;
    }

    [[nodiscard]] double complementarity_after(double primal, double dual) const {
        double sum = (w_ + primal * dw_).dot(s_ + dual * ds_) + (tau_ + dual * dtau_).dot(u_ + primal * du_);
        for (const SpectralLeaf& leaf : spectral_) {
            sum += inner(leaf.Q + dual * leaf.dQ, leaf.Z + primal * leaf.dZ);
            if (leaf.bounded) sum += inner(leaf.R + dual * leaf.dR, leaf.V + primal * leaf.dV);
        }
        return sum;
    }

    void assemble() {
        system_ = Matrix::Zero(size(), size());
        auto H = system_.topLeftCorner(n_atoms_, n_atoms_);
        for (const SmoothLeaf& leaf : smooth_) {
            const int branch = leaf.spec->branch;
            const double t = leaf.spec->weight * branch_weight(branch);
            if (leaf.spec->kind == GaugeLeaf::Kind::Schatten) {
                H.noalias() += t * leaf.curvature * leaf.curvature.transpose();
                H.noalias() -= t * leaf.radial * leaf.slopes * leaf.slopes.transpose();
            }
            if (branch > 0) system_.col(at_branch(branch)).head(n_atoms_) += leaf.spec->weight * leaf.slopes;
        }
        for (std::size_t l = 0; l < spectral_.size(); ++l) {
            const SpectralLeaf& leaf = spectral_[l];
            const double c = leaf.spec->weight;
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
        system_.triangularView<Eigen::StrictlyLower>() = system_.transpose();
        factor_.compute(system_);
    }

    /// Newton direction towards complementarity μ, with the second-order terms of the linear pairs.
    bool solve_direction(double mu, const Vector& second_w, const Vector& second_branch) {
        Vector rhs = Vector::Zero(size());
        const Vector slope = atom_slopes();
        rhs.head(n_atoms_) = (eta_ - slope.array() + s_.array()) + (mu - second_w.array()) / w_.array() - s_.array();
        const Vector h = branch_values();
        for (Index n = 0; n < n_maxima_; ++n) {
            const GaugeMaximum& maximum = program_.maxima[std::size_t(n)];
            double mass = maximum.weight * branch_weight(maximum.branch);
            for (int v = maximum.first_branch; v < maximum.first_branch + maximum.n_branches; ++v) {
                rhs(at_branch(v)) = maxima_(n) - h(v) - (mu - second_branch(v - 1)) / tau_(v - 1);
                mass -= tau_(v - 1);
            }
            rhs(at_maximum(n)) = -mass;
        }
        for (std::size_t l = 0; l < spectral_.size(); ++l) {
            SpectralLeaf& leaf = spectral_[l];
            const double c = leaf.spec->weight;
            const double t = c * branch_weight(leaf.spec->branch);
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
            SpectralLeaf& leaf = spectral_[l];
            const double c = leaf.spec->weight;
            const int branch = leaf.spec->branch;
            const double dt = branch > 0 ? c * dtau_(branch - 1) : 0.0;
            leaf.direction(dw_, dt, x(at_theta(l)));
        }
        return true;
    }

    /// Longest primal and dual steps inside the cones (at most 1).
    [[nodiscard]] std::pair<double, double> step_lengths() const {
        double primal = std::min(longest_step(w_, dw_), longest_step(u_, du_));
        double dual = std::min(longest_step(s_, ds_), longest_step(tau_, dtau_));
        for (const SpectralLeaf& leaf : spectral_) {
            primal = std::min(primal, longest_step(leaf.Z, leaf.dZ));
            dual = std::min(dual, longest_step(leaf.Q, leaf.dQ));
            if (leaf.bounded) {
                primal = std::min(primal, longest_step(leaf.V, leaf.dV));
                dual = std::min(dual, longest_step(leaf.R, leaf.dR));
            }
        }
        primal = std::min(1.0, step_fraction * primal);
        dual = std::min(1.0, step_fraction * dual);
        return {primal, dual};
    }

    /// Σ weights_k |tr(Q S_k) - η - s_k|: zero but for the curvature of the leaves.
    [[nodiscard]] double stationarity_error(const Vector& weights) const {
        return weights.dot(((atom_slopes() - s_).array() - eta_).abs().matrix());
    }

    /// Shortens the step until it decreases the barrier function of the target (when w is all there is to the primal
    /// point), or until the stationarity error shrinks or is covered by the complementarity.
    void move_curved(double target) {
        const auto [primal, dual] = step_lengths();
        if (spectral_.empty() && n_maxima_ == 0) {
            const auto barrier = [&] { return branch_values()(0) - target * w_.array().log().sum(); };
            const double before = barrier();
            const double slope = dw_.dot((atom_slopes().array() - target / w_.array()).matrix());
            last_step_ = primal;
            move(primal, dual);
            while (last_step_ > 1e-9 && barrier() > before + 1e-4 * last_step_ * slope + 4 * epsilon * std::abs(before)) {
                last_step_ *= 0.5;
                move(-last_step_, 0.0);
            }
        } else {
            const Vector weights = w_;
            const double before = stationarity_error(weights);
            last_step_ = std::min(primal, dual);
            move(last_step_, last_step_);
            while (last_step_ > 1e-9 &&
                   stationarity_error(weights) > std::max((1.0 - 0.1 * last_step_) * before, complementarity())) {
                last_step_ *= 0.5;
                move(-last_step_, -last_step_);
            }
        }
    }

    void move(double primal, double dual) {
        w_ += primal * dw_;
        u_ += primal * du_;
        maxima_ += primal * d_maxima_;
        s_ += dual * ds_;
        tau_ += dual * dtau_;
        eta_ += dual * d_eta_;
        for (SpectralLeaf& leaf : spectral_) {
            leaf.theta += primal * leaf.d_theta;
            leaf.Z += primal * leaf.dZ;
            leaf.Q += dual * leaf.dQ;
            if (leaf.bounded) {
                leaf.V += primal * leaf.dV;
                leaf.R += dual * leaf.dR;
            }
        }
        for (SmoothLeaf& leaf : smooth_) leaf.update(w_);
    }

    /// τ with the sums of every maximum put exactly right, root first.
    [[nodiscard]] Vector feasible_branch_weights() const {
        Vector tau(n_branches_ + 1);
        tau(0) = 1.0;
        tau.tail(n_branches_) = tau_.cwiseMax(0.0);
        for (const GaugeMaximum& maximum : program_.maxima) {
            auto own = tau.segment(maximum.first_branch, maximum.n_branches);
            own *= maximum.weight * tau(maximum.branch) / own.sum();
        }
        return tau;
    }

    const GaugeProgram& program_;
    Index n_atoms_, n_branches_, n_maxima_;
    std::vector<SmoothLeaf> smooth_;
    std::vector<SpectralLeaf> spectral_;
    bool curved_ = false;     // some gradient moves with w: the Newton step needs a line search
    double last_step_ = 1.0;
    Vector w_, s_, tau_, u_, maxima_;
    double eta_ = 0.0;
    Vector dw_, ds_, dtau_, du_, d_maxima_;
    double d_eta_ = 0.0;
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
            const Vector lambda = EigenSolver(part, Eigen::EigenvaluesOnly).eigenvalues().cwiseMax(0.0);
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

SaddlePoint solve_saddle(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol) {
    double scale = 0.0;
    for (const Matrix& moment : moments) scale = std::max(scale, moment.cwiseAbs().maxCoeff());
    if (!(scale > 0)) scale = 1.0;
    std::vector<Matrix> scaled;
    scaled.reserve(moments.size());
    for (const Matrix& moment : moments) scaled.push_back(moment / scale);

    SaddlePoint best;
    InteriorPoint iterate(program, scaled);
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
        const Vector w = iterate.weights();
        Matrix mixed = Matrix::Zero(program.dimension, program.dimension);
        for (std::size_t k = 0; k < scaled.size(); ++k) mixed += w(Index(k)) * scaled[k];
        const double upper = evaluate(program, mixed);
        if (upper < best.upper) {
            best.upper = upper;
            best.weights = w;
        }
        const Matrix metric = iterate.metric();
        double lower = infinity;
        for (const Matrix& moment : scaled) lower = std::min(lower, inner(metric, moment));
        if (lower > best.lower) {
            best.lower = lower;
            best.metric = metric;
        }
        if (best.upper - best.lower <= tol / scale || !iterate.advance()) break;
    }
    best.upper *= scale;
    best.lower *= scale;
    return best;
}

}  // namespace spectralot::saddle
