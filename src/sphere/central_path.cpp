#include "sphere/central_path.hpp"

#include "linalg/cholesky.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/kernels.hpp"
#include "saddle/cone.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

constexpr Index most_pairs = Index(1) << 21;  // a dozen matrices of 16 MB, and less than a second for a step
constexpr double most_work = 3e8;             // products for the border of the metric, in one step
constexpr double most_imbalance = 1e6;        // of the two total masses
constexpr double largest_power = 16.0;        // Q is S to the power p-1
constexpr double start_factor = 1.5;          // √(u v) of the first iterate over the least allowed
constexpr double boundary_share = 0.95;

/// Symmetric matrices as vectors with the same inner product.
Vector pack(const Matrix& S) {
    return saddle::pack<double>(S, Matrix::Ones(S.rows(), S.cols()));
}
Matrix unpack(const Vector& packed, Index d) {
    return saddle::unpack<double>(packed, Matrix::Ones(d, d));
}
Matrix symmetric(const Matrix& M) {
    return saddle::symmetric<double>(M);
}

/// How far M ≻ 0, or x > 0, may go along a change, at most 1, if it may lose this share of what it has.
double longest(const Matrix& M, const Matrix& change, double share) {
    return std::min(1.0, share * saddle::longest_step<double>(M, change));
}
double longest(const Points& x, const Points& change, double share) {
    const double least = (change.array() / x.array()).minCoeff();
    return least < -share ? -share / least : 1.0;
}

}  // namespace

bool CentralPath::suits(const ReducedPair& pair, const GaugeLeaf& leaf) {
    const Index n = pair.x.rows(), m = pair.y.rows();
    const auto d = double(pair.x.cols()), D = d * (d + 1.0) / 2.0;
    const double work = double(n * m) * D + double(n) * D * D * d;
    const double imbalance = std::max(pair.mass_a / pair.mass_b, pair.mass_b / pair.mass_a);
    return n > 0 && m > 0 && n * m <= most_pairs && work <= most_work && imbalance <= most_imbalance &&
           leaf.p <= largest_power;
}

CentralPath::CentralPath(const ReducedPair& pair, const GaugeLeaf& leaf)
    : pair_(pair),
      weight_(leaf.weight),
      power_(leaf.kind == GaugeLeaf::Kind::Schatten ? leaf.p / (leaf.p - 1.0) : 0.0),
      trace_(leaf.kind == GaugeLeaf::Kind::KyFan ? leaf.k : 0.0),
      has_room_(trace_ > 1.0) {
    const Index d = pair.x.cols(), n = pair.x.rows(), m = pair.y.rows();
    const double ratio = std::sqrt(pair.mass_a / pair.mass_b);
    S0_ = ratio * pair.x.transpose() * pair.a.asDiagonal() * pair.x;
    S0_ += 1.0 / ratio * pair.y.transpose() * pair.b.asDiagonal() * pair.y;
    // For a Schatten gauge the size of the metric for a moment about a third of S0.
    const double size =
        power_ > 0.0 ? std::pow(0.3 * S0_.trace() / double(d), 1.0 / (power_ - 1.0)) : trace_ / double(d);
    Q_ = size * Matrix::Identity(d, d);
    R_ = Matrix::Identity(d, d) - Q_;
    V_ = Matrix::Zero(d, d);

    K_ = pair.x * Q_ * pair.y.transpose();
    const Vector root_a = pair.a.cwiseSqrt(), root_b = pair.b.cwiseSqrt();
    const double tightest = (root_a.asDiagonal() * K_ * root_b.asDiagonal()).maxCoeff();
    const double least = 1e-3 * size * root_a.maxCoeff() * root_b.maxCoeff();
    const double level = std::log(start_factor * std::max(tightest, least));
    const double balance = 0.5 * std::log(double(m) / double(n));
    alpha_ = level + balance - pair.a.array().log();
    beta_ = level - balance - pair.b.array().log();

    emphasis_ = std::max(1.0, 0.1 * double(n * m) / double(d));
    slack_ = C_ = Points::Zero(n, m);
    Z_ = Matrix::Zero(d, d);
    update();
    C_ = slack_.cwiseInverse();
    mu_ = std::sqrt(nodes_.head(n).sum() * nodes_.tail(m).sum()) / C_.cwiseProduct(e_).sum();
    C_ *= mu_;
    Z_ = emphasis_ * mu_ * Q_.inverse();
    if (has_room_) V_ = emphasis_ * mu_ * R_.inverse();
}

double CentralPath::degree() const {
    return double(C_.size()) + emphasis_ * double(Q_.rows()) * (has_room_ ? 2.0 : 1.0);
}

void CentralPath::update() {
    const Index n = alpha_.size(), m = beta_.size();
    u_ = alpha_.array().exp();
    v_ = beta_.array().exp();
    nodes_.resize(n + m);
    nodes_ << pair_.a.cwiseProduct(u_), pair_.b.cwiseProduct(v_);
    e_.noalias() = u_.cwiseSqrt() * v_.cwiseSqrt().transpose();
    const Points images = pair_.x * Q_;
    K_.noalias() = images * pair_.y.transpose();
    slack_ = slack_.cwiseMax(2.0 * (e_ - K_));  // more than the linear model promised is welcome
    double products = C_.cwiseProduct(slack_).sum() + saddle::inner(Q_, Z_);
    if (has_room_) products += saddle::inner(R_, V_);
    mu_ = products / degree();
}

Matrix CentralPath::slope() const {
    if (!(power_ > 0.0)) return Matrix::Zero(Q_.rows(), Q_.cols());
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(Q_);
    const Vector powers = eigen.eigenvalues().array().pow(power_ - 1.0);
    return eigen.eigenvectors() * powers.asDiagonal() * eigen.eigenvectors().transpose();
}

/// The Newton system, with H the change of the metric and h its packed form followed by θ:
///     (diag(nodes) + N W Nᵀ) φ + B h = f,    Bᵀφ + E h = g,
/// N the incidence of atoms and pairs. Rows are eliminated by their diagonal, columns by a Cholesky factorisation.
class CentralPath::Newton {
public:
    explicit Newton(const CentralPath& at) : at_(at), theta_(at.C_.cwiseQuotient(at.slack_)) {
        if (!factor_potentials()) return;
        const Index D = dimension() * (dimension() + 1) / 2;
        for (Index k = 0; k < D; ++k) basis_.push_back(unpack(Vector::Unit(D, k), dimension()));
        const Matrix border = border_of_pairs();
        Matrix corner = Matrix::Zero(D + 1, D + 1);
        corner.topLeftCorner(D, D) = corner_of_pairs() + corner_of_metric();
        if (at.trace_ > 0.0) {
            corner.col(D).head(D) = pack(Matrix::Identity(dimension(), dimension()));
            corner.row(D).head(D) = corner.col(D).head(D).transpose();
        } else {
            corner(D, D) = 1.0;  // no trace, no θ
        }
        inverse_border_.resize(border.rows(), D);
        for (Index k = 0; k < D; ++k) inverse_border_.col(k) = solve_potentials(border.col(k));
        corner.topLeftCorner(D, D) -= border.transpose() * inverse_border_;
        corner_.compute(corner);
        border_ = border;
    }

    [[nodiscard]] bool usable() const { return factor_.info() == Eigen::Success; }
    [[nodiscard]] const Points& theta() const { return theta_; }  ///< C/slack
    [[nodiscard]] const Matrix& metric_inverse() const { return Q_inverse_; }
    [[nodiscard]] const Matrix& room_inverse() const { return R_inverse_; }

    void solve(const Vector& f, const Vector& g, Vector& phi, Vector& h) const {
        const Index D = inverse_border_.cols();
        phi = solve_potentials(f);
        Vector rest = g;
        rest.head(D) -= border_.transpose() * phi;
        h = corner_.solve(rest);
        phi -= inverse_border_ * h.head(D);
    }

private:
    [[nodiscard]] Index dimension() const { return at_.Q_.rows(); }

    bool factor_potentials() {
        const Index n = at_.alpha_.size(), m = at_.beta_.size();
        // The barrier's (e x)²C/slack, less what the curvature of √(u v) takes away.
        W_ = at_.C_.cwiseProduct(at_.e_).cwiseProduct(at_.e_.cwiseQuotient(at_.slack_) - Points::Constant(n, m, 0.5));
        rows_ = at_.nodes_.head(n) + W_.rowwise().sum();
        cols_ = at_.nodes_.tail(m) + W_.colwise().sum().transpose();
        const Vector weights = rows_.cwiseInverse();
        Points product = Points::Zero(m, m);
        linalg::kernels::add_gram(W_.data(), std::size_t(m), std::size_t(n), std::size_t(m), weights.data(),
                                  product.data());
        Matrix reduced = -product.transpose();
        reduced.diagonal() += cols_;
        reduced.diagonal() *= 1.0 + 16.0 * epsilon;
        factor_.compute(reduced);
        return usable();
    }

    /// Column k: the pairs' -2θ e (xᵀH_k y), added up at their atoms.
    [[nodiscard]] Matrix border_of_pairs() const {
        const Points &x = at_.pair_.x, &y = at_.pair_.y;
        const Index n = x.rows(), m = y.rows();
        const Points pull = theta_.cwiseProduct(at_.e_);
        const Points to_rows = pull * y, to_cols = pull.transpose() * x;
        Matrix border(n + m, Index(basis_.size()));
        for (Index k = 0; k < border.cols(); ++k) {
            const Matrix& H = basis_[std::size_t(k)];
            border.col(k).head(n) = -2.0 * (x * H).cwiseProduct(to_rows).rowwise().sum();
            border.col(k).tail(m) = -2.0 * (y * H).cwiseProduct(to_cols).rowwise().sum();
        }
        return border;
    }

    /// Σ 4θ (xᵀH_k y)(xᵀH_l y).
    [[nodiscard]] Matrix corner_of_pairs() const {
        const Points &x = at_.pair_.x, &y = at_.pair_.y;
        const auto D = Index(basis_.size());
        Points squares(y.rows(), D);
        for (Index j = 0; j < y.rows(); ++j) squares.row(j) = pack(y.row(j).transpose() * y.row(j));
        const Points sums = theta_ * squares;
        Matrix corner = Matrix::Zero(D, D), images(D, dimension());
        for (Index i = 0; i < x.rows(); ++i) {
            for (Index k = 0; k < D; ++k) images.row(k) = x.row(i) * basis_[std::size_t(k)];
            corner.noalias() += 4.0 * images * unpack(sums.row(i), dimension()) * images.transpose();
        }
        return corner;
    }

    /// ρ'' and the barriers of the metric.
    [[nodiscard]] Matrix corner_of_metric() {
        Q_inverse_ = at_.Q_.inverse();
        if (at_.has_room_) R_inverse_ = at_.R_.inverse();
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(at_.Q_);
        const auto D = Index(basis_.size());
        Matrix corner(D, D);
        for (Index k = 0; k < D; ++k) {
            const Matrix& H = basis_[std::size_t(k)];
            Matrix image = symmetric(Q_inverse_ * H * at_.Z_);
            if (at_.has_room_) image += symmetric(R_inverse_ * H * at_.V_);
            if (at_.power_ > 0.0) image += curvature(eigen, H);
            corner.col(k) = pack(image);
        }
        return corner;
    }

    /// ρ''[H]: divided differences of q^{p'-1} in the eigenbasis.
    [[nodiscard]] Matrix curvature(const Eigen::SelfAdjointEigenSolver<Matrix>& eigen, const Matrix& H) const {
        const Vector& q = eigen.eigenvalues();
        const Vector powers = q.array().pow(at_.power_ - 1.0);
        Matrix inner = eigen.eigenvectors().transpose() * H * eigen.eigenvectors();
        for (Index j = 0; j < q.size(); ++j)
            for (Index i = 0; i < q.size(); ++i) {
                const double difference = q[i] - q[j];
                inner(i, j) *= std::abs(difference) <= 1e-6 * q[i] ? (at_.power_ - 1.0) * powers[i] / q[i]
                                                                   : (powers[i] - powers[j]) / difference;
            }
        return eigen.eigenvectors() * inner * eigen.eigenvectors().transpose();
    }

    [[nodiscard]] Vector solve_once(const Vector& f) const {
        const Index n = rows_.size(), m = cols_.size();
        const Vector scaled = f.head(n).cwiseQuotient(rows_);
        Vector right = f.tail(m) - W_.transpose() * scaled;
        factor_.solveInPlace(right);
        Vector x(n + m);
        x << scaled - (W_ * right).cwiseQuotient(rows_), right;
        return x;
    }
    [[nodiscard]] Vector solve_potentials(const Vector& f) const {
        const Index n = rows_.size(), m = cols_.size();
        Vector x = solve_once(f), rest(n + m);
        rest << f.head(n) - rows_.cwiseProduct(x.head(n)) - W_ * x.tail(m),
            f.tail(m) - cols_.cwiseProduct(x.tail(m)) - W_.transpose() * x.head(n);
        return x + solve_once(rest);
    }

    const CentralPath& at_;
    Points theta_, W_;
    Vector rows_, cols_;  // diagonal of the potentials' block
    linalg::Cholesky factor_;
    std::vector<Matrix> basis_;  // H_k
    Matrix Q_inverse_, R_inverse_, border_, inverse_border_;
    Eigen::PartialPivLU<Matrix> corner_;
};

CentralPath::Step CentralPath::direction(const Newton& newton, double target, const Step* predictor) const {
    const Index n = alpha_.size(), m = beta_.size(), d = Q_.rows();
    const auto pair_sums = [&](const Vector& phi) -> Points {
        return phi.head(n).replicate(1, m) + phi.tail(m).transpose().replicate(n, 1);
    };
    Points aim = target * slack_.cwiseInverse();  // C after the step, but for the change of the slacks
    Points defect = 2.0 * (e_ - K_) - slack_;
    Vector f = -nodes_;
    Matrix pull_Q = emphasis_ * target * newton.metric_inverse(), pull_R = Matrix::Zero(d, d);
    if (has_room_) pull_R = emphasis_ * target * newton.room_inverse();
    if (predictor) {
        const Points x = pair_sums(predictor->phi);
        aim -= predictor->C.cwiseProduct(predictor->slack).cwiseQuotient(slack_);
        defect += 0.25 * e_.cwiseProduct(x).cwiseProduct(x);
        f -= 0.5 * nodes_.cwiseProduct(predictor->phi.cwiseAbs2());
        const Points bent = (0.5 * predictor->C + 0.125 * C_.cwiseProduct(x)).cwiseProduct(x).cwiseProduct(e_);
        f.head(n) += bent.rowwise().sum();
        f.tail(m) += bent.colwise().sum().transpose();
        pull_Q -= symmetric(newton.metric_inverse() * predictor->Q * predictor->Z);
        if (has_room_) pull_R -= symmetric(newton.room_inverse() * predictor->R * predictor->V);
    }
    const Points pull = aim - newton.theta().cwiseProduct(defect), flow = pull.cwiseProduct(e_);
    f.head(n) += flow.rowwise().sum();
    f.tail(m) += flow.colwise().sum().transpose();
    Vector g(d * (d + 1) / 2 + 1), h;
    g << pack(S0_ - symmetric(2.0 * pair_.x.transpose() * pull * pair_.y) + pull_Q - pull_R - slope()),
        (trace_ > 0.0 ? trace_ - Q_.trace() : 0.0);

    Step step;
    newton.solve(f, g, step.phi, h);
    step.Q = unpack(h.head(h.size() - 1), d);
    step.R = -step.Q;
    step.theta = h[h.size() - 1] - theta_;
    const Points images = pair_.x * step.Q;
    step.slack = e_.cwiseProduct(pair_sums(step.phi)) - 2.0 * images * pair_.y.transpose() + defect;
    step.C = aim - C_ - newton.theta().cwiseProduct(step.slack);
    step.Z = pull_Q - Z_ - symmetric(newton.metric_inverse() * step.Q * Z_);
    if (has_room_) step.V = pull_R - V_ - symmetric(newton.room_inverse() * step.R * V_);
    return step;
}

/// Of the dual and the primal step.
std::pair<double, double> CentralPath::lengths(const Step& step, double share) const {
    double dual = std::min(longest(slack_, step.slack, share), longest(Q_, step.Q, share));
    double primal = std::min(longest(C_, step.C, share), longest(Z_, step.Z, share));
    if (has_room_) {
        dual = std::min(dual, longest(R_, step.R, share));
        primal = std::min(primal, longest(V_, step.V, share));
    }
    return {dual, primal};
}

bool CentralPath::advance() {
    const Newton newton(*this);
    if (!newton.usable()) return false;
    const Step predictor = direction(newton, 0.0, nullptr);
    const auto [dual, primal] = lengths(predictor, 1.0);
    double left = (slack_ + dual * predictor.slack).cwiseProduct(C_ + primal * predictor.C).sum();
    left += saddle::inner(Q_ + dual * predictor.Q, Z_ + primal * predictor.Z);
    if (has_room_) left += saddle::inner(R_ + dual * predictor.R, V_ + primal * predictor.V);
    const double ratio = left / (mu_ * degree());

    const Step step = direction(newton, std::clamp(ratio * ratio * ratio, 1e-4, 1.0) * mu_, &predictor);
    if (!step.phi.allFinite() || !step.Q.allFinite()) return false;
    auto [dual_step, primal_step] = lengths(step, boundary_share);
    dual_step = std::min(dual_step, 1.0 / step.phi.cwiseAbs().maxCoeff());  // no potential changes by more than e
    alpha_ += dual_step * step.phi.head(alpha_.size());
    beta_ += dual_step * step.phi.tail(beta_.size());
    slack_ += dual_step * step.slack;
    Q_ += dual_step * step.Q;
    R_ += dual_step * step.R;
    C_ += primal_step * step.C;
    Z_ += primal_step * step.Z;
    if (has_room_) V_ += primal_step * step.V;
    theta_ += primal_step * step.theta;
    update();
    constexpr double too_short = 1e-4;
    return dual_step > too_short || primal_step > too_short;
}

Matrix CentralPath::metric() const {
    double level = 1.0;
    if (power_ > 0.0) {
        const Vector q = Eigen::SelfAdjointEigenSolver<Matrix>(Q_, Eigen::EigenvaluesOnly).eigenvalues();
        level = std::pow(q.array().pow(power_).sum(), 1.0 / power_);
    } else {
        level = std::max(Q_.trace() / trace_, 1.0);
    }
    return weight_ / level * Q_;
}

GrowthPotentials CentralPath::potentials() const {
    const Matrix Q = metric();
    const double scale = Q.norm() / Q_.norm();
    const Vector tightest = K_.cwiseQuotient(e_).colwise().maxCoeff().transpose().cwiseMax(0.0);
    return pair_.expand(scale * u_, scale * v_.cwiseProduct(tightest.cwiseAbs2()), Q.norm() * (1.0 + 1e-8));
}

Matrix CentralPath::moment() const {
    const Points P = C_.cwiseProduct(e_);
    const Vector row = pair_.a.cwiseQuotient(P.rowwise().sum()).cwiseSqrt();
    const Vector col = pair_.b.cwiseQuotient(P.colwise().sum().transpose()).cwiseSqrt();
    const Points x = row.asDiagonal() * pair_.x, y = col.asDiagonal() * pair_.y;
    const Matrix S = S0_ - symmetric(2.0 * x.transpose() * P * y);
    return std::sqrt(pair_.mass_a) * std::sqrt(pair_.mass_b) * symmetric(S);
}

Coupling CentralPath::coupling(double least_share) const {
    const Vector row = C_.cwiseProduct(e_).rowwise().sum(), col = C_.cwiseProduct(e_).colwise().sum();
    const auto flow = [&](Index i, Index j) {
        const double P = C_(i, j) * e_(i, j);
        return K_(i, j) > 0.0 && P > least_share * std::min(row[i], col[j]) ? P : 0.0;
    };
    Vector kept_row = Vector::Zero(row.size()), kept_col = Vector::Zero(col.size());
    for (Index i = 0; i < row.size(); ++i)
        for (Index j = 0; j < col.size(); ++j) {
            const double P = flow(i, j);
            kept_row[i] += P;
            kept_col[j] += P;
        }
    Coupling coupling;
    for (Index i = 0; i < row.size(); ++i)
        for (Index j = 0; j < col.size(); ++j) {
            const double P = flow(i, j);
            if (P > 0.0) pair_.push(coupling, i, j, P / kept_row[i], P / kept_col[j]);
        }
    return coupling;
}

}  // namespace spectralot::sphere
