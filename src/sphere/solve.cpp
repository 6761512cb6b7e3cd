#include "spectralot/sphere/solve.hpp"

#include "core/ending.hpp"
#include "saddle/mix_vertices.hpp"
#include "saddle/program.hpp"
#include "spectralot/core/errors.hpp"
#include "sphere/central_path.hpp"
#include "sphere/coupling.hpp"
#include "sphere/growth_transport.hpp"
#include "sphere/rank_one.hpp"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace spectralot::sphere {

namespace {

/// The measures in the unit, a power of two, in which the larger one has mass one.
struct Scaled {
    int exponent;
    SphericalMeasure nu0, nu1;

    Scaled(const SphericalMeasure& nu0_, const SphericalMeasure& nu1_) : nu0(nu0_), nu1(nu1_) {
        const double largest = std::max(nu0.masses.sum(), nu1.masses.sum());
        exponent = largest > 0.0 ? std::ilogb(largest) : 0;
        for (SphericalMeasure* measure : {&nu0, &nu1})
            for (double& mass : measure->masses) mass = std::ldexp(mass, -exponent);
    }
};

/// What the phases of one solve share: the couplings, the best primal and dual points so far, and when to stop.
class Search {
public:
    Search(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge, const SphereOptions& options_,
           const Observer& observer)
        : options(options_),
          observer_(observer),
          cancel_(observer.cancel.within(options.max_seconds)),
          scaled_(nu0, nu1),
          gauge_(gauge),
          masses_(scaled_.nu0.masses.sum() + scaled_.nu1.masses.sum()),
          oracle_(scaled_.nu0, scaled_.nu1) {
        const auto d = int(nu0.dimension());
        zero_level_ = 64.0 * d * epsilon * gauge_.comparison_constants(d).upper * masses_;
        result_.certificate = {.lower = 0.0, .upper = infinity};
    }

    const SphereOptions& options;

    struct Vertex {
        Coupling coupling;
        Matrix moment;
    };

    [[nodiscard]] const Certificate& bracket() const { return result_.certificate; }
    [[nodiscard]] double gap() const { return bracket().upper - bracket().lower; }

    const std::vector<Vertex>& vertices() const { return vertices_; }

    const Vertex& try_metric(const Matrix& metric) {
        const Matrix Q = 0.5 * (metric + metric.transpose());
        GrowthTransport::Solution best = oracle_.solve(Q, inner_tol(), cancel_);
        offer_dual(Q, std::move(best.potentials), gauge_.membership_excess(Q));
        vertices_.push_back(vertex_of(std::move(best.coupling)));
        offer_mixture(Vector::Unit(Index(vertices_.size()), Index(vertices_.size()) - 1));
        report();
        return vertices_.back();
    }

    /// The metric and the potentials at once; the coupling it ends with becomes the first vertex.
    /// `ball` is the only leaf of a gauge that is a single ball.
    void follow_central_path(const GaugeProgram& program, const GaugeLeaf* ball) {
        const bool is_operator_norm = ball && ball->kind == GaugeLeaf::Kind::KyFan && ball->k == 1;
        if (!CentralPath::suits(oracle_.pair(), program)) {
            if (is_operator_norm) close_by_rank_one(ball->weight, vertex_of({}).moment);
            return;
        }
        constexpr int patience = 20;  // steps without halving the gap
        const ReducedPair& pair = oracle_.pair();
        const auto rounding = double(pair.x.rows() + pair.y.rows());  // of plain sums
        const double rounding_excess = 16.0 * double(program.dimension) * epsilon;
        CentralPath path(pair, program, gauge_.comparison_constants(program.dimension).upper, cancel_);
        double reference = infinity;
        Coupling best;
        bool has_tried_rank_one = !is_operator_norm;
        for (int since = 0; since < patience; ++since) {
            const Matrix Q = path.metric();
            offer_dual(Q, path.potentials(), rounding_excess);
            const double upper = safe_upper(gauge_, path.moment(), rounding * masses_);
            if (upper < bracket().upper) {
                result_.certificate.upper = upper;
                best = path.coupling();
            }
            report();
            if (!has_tried_rank_one && is_nearly_of_rank_one(Q)) {
                has_tried_rank_one = true;
                if (close_by_rank_one(ball->weight, Q)) return;
            }
            if (gap() < 0.5 * reference) {
                reference = gap();
                since = 0;
            }
            // Half of the tolerance is left for rounding, and for a sparse coupling.
            if (bracket().relative_gap() <= 0.5 * options.tol || cancel_.requested() ||
                result_.n_iter >= options.max_iter || !path.advance())
                break;
        }
        result_.certificate.upper = infinity;
        vertices_.push_back(vertex_of(std::move(best)));
        offer_mixture(Vector::Ones(1));
    }

    /// True where the bracket closes, with that coupling as the only vertex.
    bool close_by_rank_one(double weight, const Matrix& guess) {
        RankOneSaddle saddle = rank_one_saddle(oracle_.pair(), guess, cancel_);
        saddle.potentials.u *= weight;
        saddle.potentials.v *= weight;
        const Matrix Q = weight * saddle.axis * saddle.axis.transpose();
        offer_dual(Q, std::move(saddle.potentials), gauge_.membership_excess(Q));
        Vertex vertex = vertex_of(std::move(saddle.coupling));
        const double upper = safe_upper(gauge_, vertex.moment, masses_);
        if (!(upper - bracket().lower <= options.tol * upper)) return false;
        result_.certificate.upper = infinity;
        vertices_.push_back(std::move(vertex));
        offer_mixture(Vector::Ones(1));
        report();
        return true;
    }
    static bool is_nearly_of_rank_one(const Matrix& Q) {
        constexpr double small = 0.1;
        const Vector q = Eigen::SelfAdjointEigenSolver<Matrix>(Q, Eigen::EigenvaluesOnly).eigenvalues();
        return q[q.size() - 2] <= small * q[q.size() - 1];
    }

    void offer_mixture(const Vector& weights) {
        Matrix S = Matrix::Zero(scaled_.nu0.dimension(), scaled_.nu0.dimension());
        for (Index k = 0; k < weights.size(); ++k) S += weights[k] * vertices_[std::size_t(k)].moment;
        const double upper = safe_upper(gauge_, S, masses_);
        if (!(upper < bracket().upper)) return;
        result_.certificate.upper = upper;
        best_weights_ = weights;
    }

    bool finished() {
        const std::optional<Status> end =
            ending(bracket(), result_.n_iter, {zero_level_, options.tol, options.max_iter},
                   {.interrupted = observer_.cancel.requested(), .out_of_time = cancel_.requested()});
        result_.status = end.value_or(result_.status);
        return end.has_value();
    }
    void stall() { result_.status = Status::Stalled; }

    SphereResult take_result() {
        std::vector<const Coupling*> used;
        std::vector<double> weights;
        for (Index k = 0; k < best_weights_.size(); ++k) {
            used.push_back(&vertices_[std::size_t(k)].coupling);
            weights.push_back(best_weights_[k] / best_weights_.sum());
        }
        Certificate& certificate = result_.certificate;
        result_.coupling = sparsified(thinned(mix(used, weights)));
        result_.moment = moment(scaled_.nu0, scaled_.nu1, complete(scaled_.nu0, scaled_.nu1, result_.coupling));
        certificate.upper = safe_upper(gauge_, result_.moment, masses_);
        if (result_.status == Status::ZeroToRounding) certificate.lower = 0.0;
        if (result_.status == Status::Solved && certificate.relative_gap() > options.tol)
            result_.status = Status::Stalled;
        result_.converged = is_converged(result_.status);

        certificate.lower = unscaled(certificate.lower);
        certificate.upper = unscaled(certificate.upper);
        for (double& mass : result_.coupling.a) mass = unscaled(mass);
        for (double& mass : result_.coupling.b) mass = unscaled(mass);
        result_.moment = result_.moment.unaryExpr([this](double x) { return unscaled(x); }).eval();
        result_.value = certificate.upper;
        result_.seconds = seconds();
        return std::move(result_);
    }

private:
    /// `excess`: Q/(1 + excess) is in K.
    void offer_dual(const Matrix& Q, GrowthPotentials potentials, double excess) {
        const double lower = safe_lower(scaled_.nu0, scaled_.nu1, Q, potentials, excess);
        if (result_.metric.size() > 0 && !(lower > bracket().lower)) return;
        result_.certificate.lower = lower;
        result_.metric = Q;
        result_.potentials = std::move(potentials);
    }
    /// On as few pairs as a vertex has, if the bracket has room for what the potentials are not exact by: the mixture
    /// of several metrics' couplings may not fit.
    [[nodiscard]] Coupling thinned(const Coupling& coupling) const {
        const Coupling fewer = sphere::thinned(scaled_.nu0, scaled_.nu1, coupling, result_.potentials);
        const bool fits = safe_upper(gauge_, vertex_of(fewer).moment, masses_) <= limit();
        return fits ? fewer : coupling;
    }
    [[nodiscard]] double limit() const {
        const double spare = 0.5 * std::max(0.0, options.tol * bracket().upper - gap());
        return std::max(bracket().upper + spare, zero_level_);
    }
    /// Without the pairs that carry a small share of both their atoms, as far as the bracket has room for what that
    /// costs: the interior points leave a trace of mass on every pair.
    [[nodiscard]] Coupling sparsified(const Coupling& coupling) const {
        for (double share = 1e-3; share > 1e-16; share *= 0.1) {
            Coupling kept;
            for (std::size_t t = 0; t < coupling.size(); ++t) {
                const int i = coupling.row[t], j = coupling.col[t];
                if (coupling.a[t] < share * scaled_.nu0.masses[i] && coupling.b[t] < share * scaled_.nu1.masses[j])
                    continue;
                kept.row.push_back(i);
                kept.col.push_back(j);
                kept.a.push_back(coupling.a[t]);
                kept.b.push_back(coupling.b[t]);
            }
            if (kept.size() < coupling.size() && safe_upper(gauge_, vertex_of(kept).moment, masses_) <= limit())
                return kept;
        }
        return coupling;
    }
    [[nodiscard]] Vertex vertex_of(Coupling coupling) const {
        const Matrix S = moment(scaled_.nu0, scaled_.nu1, complete(scaled_.nu0, scaled_.nu1, coupling));
        return {std::move(coupling), S};
    }
    void report() {
        ++result_.n_iter;
        result_.history.push_back({unscaled(bracket().lower), unscaled(bracket().upper), seconds()});
        const HistoryRow& row = result_.history.back();
        observer_.report({result_.n_iter, row.lower, row.upper, row.seconds});
    }
    [[nodiscard]] double unscaled(double x) const { return std::ldexp(x, scaled_.exponent); }
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    /// Of one transport: a small share of the gap asked for, relative to the transported part, which is at most
    /// the masses times the norm of Q.
    [[nodiscard]] double inner_tol() const {
        const double value = std::isfinite(bracket().upper) ? bracket().upper / masses_ : 1e-2;
        return std::clamp(0.02 * options.tol * value, 1e-13, 1e-6);
    }

    const Observer& observer_;
    CancelToken cancel_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    Scaled scaled_;
    const Gauge& gauge_;
    double masses_;
    GrowthTransport oracle_;
    double zero_level_ = 0.0;
    SphereResult result_;
    std::vector<Vertex> vertices_;
    Vector best_weights_;
};

/// Is there nothing in K to choose from?
bool is_one_metric(const GaugeProgram& program) {
    return program.maxima.empty() && std::ranges::all_of(program.leaves, [](const GaugeLeaf& leaf) {
               return leaf.kind == GaugeLeaf::Kind::Point;
           });
}

SphericalMeasure without_zeros(const SphericalMeasure& measure) {
    std::vector<Index> kept;
    for (Index i = 0; i < measure.size(); ++i)
        if (measure.masses[i] > 0.0) kept.push_back(i);
    if (kept.empty()) kept.push_back(0);
    return {measure.directions(kept, Eigen::all), measure.masses(kept)};
}

void check_options(const SphereOptions& options) {
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    if (!(options.max_seconds > 0.0)) throw_invalid("max_seconds", "must be positive", to_text(options.max_seconds));
}

}  // namespace

double SphereResult::distance() const {
    return std::sqrt(value);
}

void SphereResult::require_solved() const {
    if (converged) return;
    throw NotSolved("not solved (" + std::string(to_string(status)) + "): the squared cost lies in [" +
                    to_text(certificate.lower) + ", " + to_text(certificate.upper) + "], relative gap " +
                    to_text(certificate.relative_gap()));
}

SphereResult solve(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                   const SphereOptions& options, const Observer& observer) {
    check_pair(nu0, nu1);
    check_options(options);
    const auto d = int(nu0.dimension());
    check_gauge(gauge, d);
    Search search(nu0, nu1, gauge, options, observer);
    const std::optional<GaugeProgram> program = gauge.program(d);
    if (program && !is_one_metric(*program)) search.follow_central_path(*program, saddle::single_ball(program));
    if (!search.finished()) {
        if (search.vertices().empty()) search.try_metric(gauge.active(Matrix::Identity(d, d)));
        Master master(gauge, d);
        for (const auto& vertex : search.vertices()) master.add(vertex.moment);
        saddle::mix_vertices(search, master);
    }
    return search.take_result();
}

double distance(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                const SphereOptions& options) {
    const SphereResult result = solve(nu0, nu1, gauge, options);
    result.require_solved();
    return result.distance();
}

SphericalMeasure geodesic(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling,
                          double t) {
    check_pair(nu0, nu1);
    check_coupling(nu0, nu1, coupling);
    if (!(t >= 0.0 && t <= 1.0)) throw_invalid("t", "must lie in [0, 1]", to_text(t));
    if (t == 0.0) return without_zeros(nu0);
    if (t == 1.0) return without_zeros(nu1);
    const CompletedCoupling whole = complete(nu0, nu1, coupling);
    const double s = 1.0 - t;
    const auto n_pairs = Index(whole.pairs.size());
    const SphericalMeasure all = project(
        [&] {
            Points x(n_pairs + nu0.size() + nu1.size(), nu0.dimension());
            for (Index k = 0; k < n_pairs; ++k) {
                const auto at = std::size_t(k);
                x.row(k) = s * std::sqrt(whole.pairs.a[at]) * nu0.directions.row(whole.pairs.row[at]) +
                           t * std::sqrt(whole.pairs.b[at]) * nu1.directions.row(whole.pairs.col[at]);
            }
            x.middleRows(n_pairs, nu0.size()) = (s * whole.left_over_0.cwiseSqrt()).asDiagonal() * nu0.directions;
            x.bottomRows(nu1.size()) = (t * whole.left_over_1.cwiseSqrt()).asDiagonal() * nu1.directions;
            return x;
        }(),
        Vector::Ones(n_pairs + nu0.size() + nu1.size()));
    return without_zeros(all);
}

}  // namespace spectralot::sphere
