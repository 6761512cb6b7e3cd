#include "sphere/central_path.hpp"

#include "linalg/cholesky.hpp"
#include "linalg/kernels.hpp"
#include "linalg/product.hpp"
#include "sphere/soft_transport.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace spectralot::sphere {

namespace {

constexpr Index most_pairs = Index(1) << 24;    // priced at every step
constexpr Index most_columns = Index(1) << 12;  // of the dense factorisation
constexpr double most_work = 5e10;              // products for the metric's part of one step, some ten seconds …
constexpr double pairs_per_atom = 10.0;         // … which has about as many pairs
constexpr double most_imbalance = 1e6;          // of the two total masses
constexpr int start_partners = 8;               // per atom
constexpr double start_factor = 1.5;            // √(u v) of the first iterate over the least allowed
constexpr double start_share = 0.05;            // of what its row is worth: the least flow of a pair at the start
constexpr double boundary_share = 0.95;
// Pairs that join because they are nearly tight:
constexpr int partners_per_step = 8;     // per atom
constexpr double near_share = 3.0;       // slack, in units of that of a typical pair in use, at which they join
constexpr double joining_slack = 0.3;    // in units of that: at least, where the step has gone too far
constexpr double joining_share = 0.02;   // of what its atoms are worth: the largest flow that a pair brings along
constexpr double exhausted_share = 0.1;  // of its slack left: the step did not know of that pair
constexpr int most_refinements = 12;     // directions for one step

/// How far x > 0 may go along a change, at most 1, if it may lose this share of what it has.
double longest(const Vector& x, const Vector& change, double share) {
    const double least = (change.array() / x.array()).minCoeff();
    return least < -share ? -share / least : 1.0;
}

/// S while nothing is transported.
Matrix self_moment(const ReducedPair& pair) {
    const double ratio = std::sqrt(pair.mass_a / pair.mass_b);
    Matrix S = ratio * pair.x.transpose() * pair.a.asDiagonal() * pair.x;
    S += 1.0 / ratio * pair.y.transpose() * pair.b.asDiagonal() * pair.y;
    return S;
}

}  // namespace

bool CentralPath::suits(const ReducedPair& pair, const GaugeProgram& program) {
    const Index n = pair.x.rows(), m = pair.y.rows();
    const auto d = double(pair.x.cols()), D = d * (d + 1.0) / 2.0;
    const auto unknowns = double(MetricPath::n_unknowns(program));
    const double work = pairs_per_atom * double(n) * D * D + std::pow(unknowns, 3.0) + 4.0 * D * double(m) * double(m);
    const double imbalance = std::max(pair.mass_a / pair.mass_b, pair.mass_b / pair.mass_a);
    return n > 0 && m > 0 && n * m <= most_pairs && m <= most_columns && work <= most_work &&
           imbalance <= most_imbalance;
}

CentralPath::CentralPath(const ReducedPair& pair, const GaugeProgram& program, double norm, CancelToken cancel)
    : pair_(pair), cancel_(std::move(cancel)), S0_(self_moment(pair)), metric_(program, norm, S0_) {
    const Index n = pair.x.rows(), m = pair.y.rows();
    const Matrix& Q = metric_.metric();
    const double size = Q.trace() / double(Q.rows());

    const SoftTransport start =
        soft_transport(pair.x * Q, pair.a, pair.y, pair.b, start_partners, 1e-12 * size, cancel_);
    const double least = std::log(1e-3 * size);
    const double tightest = row_maxima(divided(pair.x * Q, start.alpha), divided(pair.y, start.beta)).maxCoeff();
    const double level = tightest > 0.0 ? std::log(start_factor * tightest) : 0.0;
    alpha_ = (start.alpha.array() + level).max(least);
    beta_ = (start.beta.array() + level).max(least);
    first_.assign(std::size_t(n) + 1, 0);
    nodes_ = Vector::Ones(n + m);
    mu_ = 1.0;
    join(start.pairs);
    slack_.setZero();
    update();
    // The flow of the softened transport.
    for (Index t = 0; t < C_.size(); ++t) {
        const double worth = nodes_[arcs_.row[std::size_t(t)]];
        C_[t] = std::clamp(start.flow[t], start_share * worth, worth) / e_[t];
    }
    emphasis_ = std::max(1.0, 0.1 * double(C_.size()) / double(Q.rows()));
    mu_ = std::sqrt(nodes_.head(n).sum() * nodes_.tail(m).sum()) / C_.dot(e_);
    C_ *= mu_;
    mu_ = C_.dot(slack_) / double(C_.size());
    metric_.centre(emphasis_ * mu_);
}

CentralPath::PairMatrix CentralPath::matrix(const Vector& values) const {
    return {alpha_.size(), beta_.size(), values.size(), first_.data(), arcs_.col.data(), values.data()};
}

Vector CentralPath::pair_sums(const Vector& phi) const {
    const Index n = alpha_.size();
    Vector sums(Index(arcs_.size()));
    for (Index t = 0; t < sums.size(); ++t)
        sums[t] = phi[arcs_.row[std::size_t(t)]] + phi[n + arcs_.col[std::size_t(t)]];
    return sums;
}

Vector CentralPath::products(const Matrix& Q) const {
    const Points images = pair_.x * Q;
    Vector products(Index(arcs_.size()));
    for (Index t = 0; t < products.size(); ++t)
        products[t] = images.row(arcs_.row[std::size_t(t)]).dot(pair_.y.row(arcs_.col[std::size_t(t)]));
    return products;
}

Vector CentralPath::atom_sums(const Vector& values) const {
    const Index n = alpha_.size(), m = beta_.size();
    Vector sums(n + m);
    sums << matrix(values) * Vector::Ones(m), matrix(values).transpose() * Vector::Ones(n);
    return sums;
}

void CentralPath::join(const PairList& found) {
    const auto n_old = arcs_.size(), n_found = found.size();
    if (n_found == 0) return;
    const Points images = pair_.x * metric_.metric();
    PairList merged;
    std::vector<double> C, slack;
    for (std::size_t old = 0, fresh = 0; old < n_old || fresh < n_found;) {
        const auto at_old = old < n_old ? std::pair(arcs_.row[old], arcs_.col[old]) : PairList::end;
        const auto at_fresh = fresh < n_found ? std::pair(found.row[fresh], found.col[fresh]) : PairList::end;
        const auto [i, j] = std::min(at_old, at_fresh);
        merged.row.push_back(i);
        merged.col.push_back(j);
        if (at_old <= at_fresh) {
            C.push_back(C_[Index(old)]);
            slack.push_back(slack_[Index(old)]);
            ++old;
            if (at_old == at_fresh) ++fresh;
        } else {
            const double e = std::exp(0.5 * (alpha_[i] + beta_[j]));
            slack.push_back(std::max(2.0 * (e - images.row(i).dot(pair_.y.row(j))), joining_slack * near() * e));
            C.push_back(
                std::min(mu_ / slack.back(), joining_share * std::min(nodes_[i], nodes_[alpha_.size() + j]) / e));
            ++fresh;
        }
    }
    arcs_ = std::move(merged);
    C_ = Eigen::Map<const Vector>(C.data(), Index(C.size()));
    slack_ = Eigen::Map<const Vector>(slack.data(), Index(slack.size()));
    first_.assign(first_.size(), 0);
    for (const int i : arcs_.row) ++first_[std::size_t(i) + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
}

double CentralPath::degree() const {
    return double(C_.size()) + emphasis_ * metric_.degree();
}

void CentralPath::update() {
    const Index n = alpha_.size(), m = beta_.size();
    u_ = alpha_.array().exp();
    v_ = beta_.array().exp();
    nodes_.resize(n + m);
    nodes_ << pair_.a.cwiseProduct(u_), pair_.b.cwiseProduct(v_);
    Vector logarithms(n + m);
    logarithms << alpha_, beta_;
    e_ = (0.5 * pair_sums(logarithms)).array().exp();
    K_ = products(metric_.metric());
    slack_ = slack_.cwiseMax(2.0 * (e_ - K_));  // more than the linear model promised is welcome
    mu_ = (C_.dot(slack_) + metric_.complementarity()) / degree();
}

/// The Newton system, with h the packed change H of the metric:
///     (diag(nodes) + N W Nᵀ) φ + B h = f,    Bᵀφ + E h = g, which the metric's own equations complete,
/// N the incidence of atoms and pairs. Rows are eliminated by their diagonal, columns by a Cholesky factorisation.
class CentralPath::Newton {
public:
    explicit Newton(const CentralPath& at) : at_(at), theta_(at.C_.cwiseQuotient(at.slack_)) {
        if (!factor_potentials()) return;
        const Index d = dimension(), D = d * (d + 1) / 2;
        for (Index k = 0; k < D; ++k) basis_.push_back(unpack(Vector::Unit(D, k), d));
        border_ = border_of_pairs();
        inverse_border_.resize(border_.rows(), D);
        for (Index k = 0; k < D && !at.cancel_.requested(); ++k)
            inverse_border_.col(k) = solve_potentials(border_.col(k));
        const Matrix corner = corner_of_pairs();
        if (at.cancel_.requested()) return;
        metric_ = std::make_unique<MetricPath::Newton>(at.metric_,
                                                       corner - linalg::product(border_.transpose(), inverse_border_));
    }

    /// Was it found, before somebody asked to stop?
    [[nodiscard]] bool usable() const { return metric_ != nullptr; }
    [[nodiscard]] const Vector& theta() const { return theta_; }  ///< C/slack

    /// f as above; `moment` is S after the step while neither potentials nor metric move.
    void solve(const Vector& f, const Matrix& moment, double target, const Step* predictor, double share,
               Step& step) const {
        const Index d = dimension();
        const Vector phi = solve_potentials(f);
        step.metric = metric_->step(moment - unpack(border_.transpose() * phi, d), target,
                                    predictor ? &predictor->metric : nullptr, share);
        step.phi = phi - inverse_border_ * pack(step.metric.Q);
    }

private:
    [[nodiscard]] Index dimension() const { return at_.pair_.x.cols(); }

    bool factor_potentials() {
        const Index n = at_.alpha_.size(), m = at_.beta_.size();
        // The barrier's (e x)²C/slack, less what the curvature of √(u v) takes away: no more of that than the atoms
        // are worth, or the problem in logarithms would not be convex where pairs carry more.
        const Vector P = at_.C_.cwiseProduct(at_.e_), kept = at_.nodes_.cwiseQuotient(at_.atom_sums(P)).cwiseMin(1.0);
        W_.resize(P.size());
        for (Index t = 0; t < W_.size(); ++t) {
            const double share = std::min(kept[at_.arcs_.row[std::size_t(t)]], kept[n + at_.arcs_.col[std::size_t(t)]]);
            W_[t] = P[t] * (at_.e_[t] / at_.slack_[t] - 0.5 * share * share);
        }
        const Vector diagonal = at_.nodes_ + at_.atom_sums(W_);
        rows_ = diagonal.head(n);
        cols_ = diagonal.tail(m);
        Matrix reduced = Matrix::Zero(m, m);
        for (Index i = 0; i < n; ++i) {
            const int first = at_.first_[std::size_t(i)], last = at_.first_[std::size_t(i) + 1];
            for (int s = first; s < last; ++s) {
                const double share = W_[s] / rows_[i];
                double* column = &reduced(0, at_.arcs_.col[std::size_t(s)]);
                for (int t = s; t < last; ++t) column[at_.arcs_.col[std::size_t(t)]] -= share * W_[t];
            }
        }
        reduced.diagonal() += cols_;
        reduced.diagonal() *= 1.0 + 16.0 * epsilon;
        factor_.compute(reduced);
        return factor_.info() == Eigen::Success;
    }

    /// Column k: the pairs' -2θ e (xᵀH_k y), added up at their atoms.
    [[nodiscard]] Matrix border_of_pairs() const {
        const Points &x = at_.pair_.x, &y = at_.pair_.y;
        const Index n = x.rows(), m = y.rows();
        const Vector pull = theta_.cwiseProduct(at_.e_);
        const Points to_rows = at_.matrix(pull) * y, to_cols = at_.matrix(pull).transpose() * x;
        Matrix border(n + m, Index(basis_.size()));
        for (Index k = 0; k < border.cols(); ++k) {
            const Matrix& H = basis_[std::size_t(k)];
            border.col(k).head(n) = -2.0 * (x * H).cwiseProduct(to_rows).rowwise().sum();
            border.col(k).tail(m) = -2.0 * (y * H).cwiseProduct(to_cols).rowwise().sum();
        }
        return border;
    }

    /// Σ 4θ (xᵀH_k y)(xᵀH_l y): of the vectors pack(xyᵀ), many pairs at once.
    [[nodiscard]] Matrix corner_of_pairs() const {
        constexpr Index block = 1024;
        const auto D = Index(basis_.size()), size = theta_.size(), d = dimension();
        Points corner = Points::Zero(D, D), vectors(block, D);
        for (Index first = 0; first < size && !at_.cancel_.requested(); first += block) {
            const Index count = std::min(block, size - first);
            for (Index t = 0; t < count; ++t) {
                const auto at = std::size_t(first + t);
                const auto x = at_.pair_.x.row(at_.arcs_.row[at]), y = at_.pair_.y.row(at_.arcs_.col[at]);
                const double root = std::sqrt(theta_[first + t]);
                double* entry = &vectors(t, 0);
                for (Index j = 0; j < d; ++j) {
                    for (Index i = 0; i < j; ++i) *entry++ = std::numbers::sqrt2 * root * (x[i] * y[j] + x[j] * y[i]);
                    *entry++ = 2.0 * root * x[j] * y[j];
                }
            }
            linalg::kernels::add_gram(vectors.data(), std::size_t(D), std::size_t(count), std::size_t(D), nullptr,
                                      corner.data());
        }
        return corner.selfadjointView<Eigen::Upper>();
    }

    [[nodiscard]] Vector solve_once(const Vector& f) const {
        const Index n = rows_.size(), m = cols_.size();
        const Vector scaled = f.head(n).cwiseQuotient(rows_);
        Vector right = f.tail(m) - at_.matrix(W_).transpose() * scaled;
        factor_.solveInPlace(right);
        Vector x(n + m);
        x << scaled - (at_.matrix(W_) * right).cwiseQuotient(rows_), right;
        return x;
    }
    [[nodiscard]] Vector solve_potentials(const Vector& f) const {
        const Index n = rows_.size(), m = cols_.size();
        Vector x = solve_once(f), rest(n + m);
        rest << f.head(n) - rows_.cwiseProduct(x.head(n)) - at_.matrix(W_) * x.tail(m),
            f.tail(m) - cols_.cwiseProduct(x.tail(m)) - at_.matrix(W_).transpose() * x.head(n);
        return x + solve_once(rest);
    }

    const CentralPath& at_;
    Vector theta_, W_;
    Vector rows_, cols_;  // diagonal of the potentials' block
    linalg::Cholesky factor_;
    std::vector<Matrix> basis_;  // H_k
    Matrix border_, inverse_border_;
    std::unique_ptr<const MetricPath::Newton> metric_;  // null: not found
};

CentralPath::Step CentralPath::direction(const Newton& newton, double target, const Step* predictor,
                                         double share) const {
    Vector aim = target * slack_.cwiseInverse();  // C after the step, but for the change of the slacks
    Vector defect = 2.0 * (e_ - K_) - slack_;
    Vector f = -nodes_;
    if (predictor) {
        const Vector x = pair_sums(predictor->phi);
        aim -= share * predictor->C.cwiseProduct(predictor->slack).cwiseQuotient(slack_);
        defect += share * 0.25 * e_.cwiseProduct(x).cwiseProduct(x);
        f -= share * 0.5 * nodes_.cwiseProduct(predictor->phi.cwiseAbs2());
        f += share * atom_sums((0.5 * predictor->C + 0.125 * C_.cwiseProduct(x)).cwiseProduct(x).cwiseProduct(e_));
    }
    const Vector pull = aim - newton.theta().cwiseProduct(defect);
    f += atom_sums(pull.cwiseProduct(e_));
    const Points pulled = matrix(pull) * pair_.y;

    Step step;
    const Matrix moment = S0_ - symmetric(2.0 * pair_.x.transpose() * pulled);
    newton.solve(f, moment, emphasis_ * target, predictor, share, step);
    step.slack = e_.cwiseProduct(pair_sums(step.phi)) - 2.0 * products(step.metric.Q) + defect;
    step.C = aim - C_ - newton.theta().cwiseProduct(step.slack);
    return step;
}

/// Of the dual and the primal step.
std::pair<double, double> CentralPath::lengths(const Step& step, double share) const {
    const double dual = std::min(longest(slack_, step.slack, share), metric_.longest_dual(step.metric, share));
    const double primal = std::min(longest(C_, step.C, share), metric_.longest_primal(step.metric, share));
    return {dual, primal};
}

double CentralPath::near() const {
    return std::min(1.0, near_share * mu_ * double(alpha_.size() + beta_.size()) / nodes_.sum());
}

CentralPath::Step CentralPath::corrected_step(const Newton& newton) const {
    const Step predictor = direction(newton, 0.0, nullptr, 0.0);
    const auto [dual, primal] = lengths(predictor, 1.0);
    double left = (slack_ + dual * predictor.slack).dot(C_ + primal * predictor.C);
    left += metric_.complementarity_after(predictor.metric, dual, primal);
    const double ratio = left / (mu_ * degree());
    return direction(newton, std::clamp(ratio * ratio * ratio, 1e-4, 1.0) * mu_, &predictor, primal * dual);
}

bool CentralPath::advance() {
    if (arcs_.size() == 0) return false;  // nothing to start from
    for (int refined = 0; !cancel_.requested(); ++refined) {
        const Newton newton(*this);
        if (!newton.usable()) return false;
        const Step step = corrected_step(newton);
        if (!step.phi.allFinite() || !step.C.allFinite() || !step.metric.Q.allFinite()) return false;
        auto [dual_step, primal_step] = lengths(step, boundary_share);
        dual_step = std::min(dual_step, std::ldexp(1.0, -refined / 2));  // where more pairs turn up again and again
        const Index n = alpha_.size();
        const Vector change =
            (dual_step * step.phi).cwiseMax(-1.0).cwiseMin(1.0);  // no potential changes by more than e
        const Vector alpha = alpha_ + change.head(n), beta = beta_ + change.tail(beta_.size());
        const Matrix Q = metric_.metric() + dual_step * step.metric.Q;
        const PairList joining = largest_products(divided(pair_.x * Q, alpha), divided(pair_.y, beta),
                                                  partners_per_step, std::exp(-0.5 * near()), arcs_);
        if (refined < most_refinements && exhausts(joining, Q, alpha, beta)) {  // a better direction knows of them
            join(joining);
            update();
            continue;
        }
        alpha_ = alpha;
        beta_ = beta;
        slack_ += dual_step * step.slack;
        C_ += primal_step * step.C;
        metric_.move(step.metric, dual_step, primal_step);
        update();
        join(joining);
        update();
        constexpr double too_short = 1e-4;
        return dual_step > too_short || primal_step > too_short;
    }
    return false;
}

/// Would one of the pairs lose most of its slack on the way to that point?
bool CentralPath::exhausts(const PairList& pairs, const Matrix& Q, const Vector& alpha, const Vector& beta) const {
    const Points now = pair_.x * metric_.metric(), then = pair_.x * Q;
    for (std::size_t t = 0; t < pairs.size(); ++t) {
        const int i = pairs.row[t], j = pairs.col[t];
        const double r_now = now.row(i).dot(pair_.y.row(j)) * std::exp(-0.5 * (alpha_[i] + beta_[j]));
        const double r_then = then.row(i).dot(pair_.y.row(j)) * std::exp(-0.5 * (alpha[i] + beta[j]));
        if (1.0 - r_then < exhausted_share * (1.0 - r_now)) return true;
    }
    return false;
}

Matrix CentralPath::metric() const {
    return metric_.metric_in_set();
}

GrowthPotentials CentralPath::potentials() const {
    const Matrix Q = metric();
    const double scale = Q.norm() / metric_.metric().norm();
    const Vector tightest = row_maxima(divided(pair_.y, beta_), divided(pair_.x * Q, alpha_)) / scale;
    return pair_.expand(scale * u_, scale * v_.cwiseProduct(tightest.cwiseAbs2()), Q.norm() * (1.0 + 1e-8));
}

Matrix CentralPath::moment() const {
    const Index n = alpha_.size();
    const Vector P = C_.cwiseProduct(e_), sums = atom_sums(P);
    const auto roots = [](const Vector& mass, const Vector& flow) -> Vector {
        return (flow.array() > 0.0).select(mass.cwiseQuotient(flow).cwiseSqrt(), 0.0);
    };
    const Points x = roots(pair_.a, sums.head(n)).asDiagonal() * pair_.x;
    const Points y = roots(pair_.b, sums.tail(beta_.size())).asDiagonal() * pair_.y;
    const Points pulled = matrix(P) * y;
    const Matrix S = S0_ - symmetric(2.0 * x.transpose() * pulled);
    return std::sqrt(pair_.mass_a) * std::sqrt(pair_.mass_b) * symmetric(S);
}

Coupling CentralPath::coupling() const {
    const Index n = alpha_.size();
    const Vector P = (K_.array() > 0.0).select(C_.cwiseProduct(e_), 0.0), sums = atom_sums(P);
    Coupling coupling;
    for (Index t = 0; t < P.size(); ++t) {
        const int i = arcs_.row[std::size_t(t)], j = arcs_.col[std::size_t(t)];
        if (P[t] > 0.0) pair_.push(coupling, i, j, P[t] / sums[i], P[t] / sums[n + j]);
    }
    return coupling;
}

}  // namespace spectralot::sphere
