// The metric's half of the central path, without any transport.
#include "sphere/metric_path.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace spectralot;
using sphere::MetricPath;

namespace {

/// Follows the path for a moment that does not answer the metric: max tr(QS) over K is γ(S).
Matrix active_by_path(const Gauge& gauge, const GaugeProgram& program, const Matrix& S) {
    const Index d = S.rows(), D = d * (d + 1) / 2;
    MetricPath path(program, gauge.comparison_constants(int(d)).upper, S);
    path.centre(S.trace());
    for (int step = 0; step < 60 && path.complementarity() > 1e-12 * S.trace(); ++step) {
        const MetricPath::Newton newton(path, Matrix::Zero(D, D));
        const double mu = path.complementarity() / path.degree();
        const auto predictor = newton.step(S, 0.0, nullptr, 0.0);
        const double dual = path.longest_dual(predictor, 1.0), primal = path.longest_primal(predictor, 1.0);
        const double left = path.complementarity_after(predictor, dual, primal) / (mu * path.degree());
        const auto corrected =
            newton.step(S, std::clamp(left * left * left, 1e-4, 1.0) * mu, &predictor, dual * primal);
        path.move(corrected, path.longest_dual(corrected, 0.95), path.longest_primal(corrected, 0.95));
    }
    return path.metric_in_set();
}

}  // namespace

TEST(MetricPath, EndsAtAMaximiserOverTheSetOfEveryProgram) {
    std::mt19937 random(31);
    std::normal_distribution<double> normal;
    const auto moment = [&] {
        const Matrix G = Matrix::NullaryExpr(4, 4, [&] { return normal(random); });
        return Matrix(G * G.transpose());
    };
    const std::vector<std::vector<int>> blocks{{0, 2}, {1, 3}};
    const Gauge maximum = BlockMax{
        .blocks = blocks,
        .gauges = {Schatten{.p = 1.5},
                   BlockMax{.blocks = {{0}, {1}}, .gauges = {trace_gauge(), trace_gauge()}, .eta = {1.0, 2.0}}},
        .eta = {1.0, 0.7}};
    const std::vector<Gauge> gauges{Schatten{.p = 1.1},
                                    Schatten{.p = 20.0},
                                    KyFan{.k = 1},
                                    KyFan{.k = 3},
                                    Polyhedral{{moment(), moment(), moment()}},
                                    BlockSum{.blocks = blocks, .gauges = {operator_gauge(), Schatten{.p = 2.0}}},
                                    maximum,
                                    ConicSum{.gauges = {maximum, KyFan{.k = 2}, Schatten{.p = 3.0}, trace_gauge()},
                                             .weights = {1.0, 1e-3, 20.0, 0.3}}};
    for (const Gauge& gauge : gauges) {
        const GaugeProgram program = gauge.program(4).value();
        for (int trial = 0; trial < 5; ++trial) {
            const Matrix S = moment();
            const Matrix Q = active_by_path(gauge, program, S);
            const double value = gauge.value(S);
            EXPECT_LE(gauge.membership_excess(Q), 1e-12) << gauge.repr();
            EXPECT_GE(Q.cwiseProduct(S).sum(), (1.0 - 1e-10) * value) << gauge.repr();
            EXPECT_LE(Q.cwiseProduct(S).sum(), (1.0 + 1e-12) * value) << gauge.repr();
        }
    }
}
