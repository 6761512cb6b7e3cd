#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gauge/parse.hpp"
#include "spectralot/gauge/selector.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace spectralot {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The message of the InvalidArgument that `call` must throw.
std::string message_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const InvalidArgument& error) {
        return error.what();
    }
    return "nothing was thrown";
}

#define EXPECT_REFUSED(expression, message) EXPECT_EQ(message_of([&] { (void)(expression); }), message)

TEST(GaugeValidation, NamesArgumentRuleAndValue) {
    EXPECT_REFUSED(Gauge(Schatten{0.4}), "p: must be at least 1/2, got 0.4");
    EXPECT_REFUSED(Gauge(Schatten{nan}), "p: must be at least 1/2, got nan");
    EXPECT_REFUSED(Gauge(KyFan{0}), "k: must be at least 1, got 0");
    EXPECT_REFUSED(Gauge(KyFan{3}).check_dimension(2), "k: must be at most the dimension 2, got 3");
    EXPECT_REFUSED(Gauge(WeightedTrace{Matrix{{1.0, 0.5}, {0.0, 1.0}}}),
                   "A: must be symmetric, got an asymmetry of 0.5");
    EXPECT_REFUSED(Gauge(WeightedTrace{Matrix{{1.0, 0.0}, {0.0, -2.0}}}),
                   "A: must be positive definite, got smallest eigenvalue -2");
    EXPECT_REFUSED(Gauge(WeightedTrace{Matrix{{nan, 0.0}, {0.0, 2.0}}}), "A: must be finite, got nan at (0, 0)");
    EXPECT_REFUSED(Gauge(WeightedTrace{Matrix(2, 3)}), "A: must be a square matrix, got 2x3");
    EXPECT_REFUSED(Gauge(Polyhedral{{}}), "matrices: must not be empty, got none");
    EXPECT_REFUSED(Gauge(Polyhedral{{Matrix{{1.0, 0.0}, {0.0, -1.0}}}}),
                   "matrices[0]: must be positive semidefinite, got smallest eigenvalue -1");
    EXPECT_REFUSED(Gauge(Polyhedral{{Matrix{{1.0, 0.0}, {0.0, 0.0}}}}),
                   "matrices: must have a positive definite sum, got smallest eigenvalue 0");
    EXPECT_REFUSED(Gauge(Polyhedral{{Matrix::Identity(2, 2), Matrix::Identity(3, 3)}}),
                   "matrices[1]: must be of the same size as the first, 2, got 3");
    EXPECT_REFUSED(Gauge(ConicSum{{trace_gauge()}, {0.0}}), "weights: must be positive and finite, got 0");
    EXPECT_REFUSED(Gauge(ConicSum{{trace_gauge()}, {1.0, 2.0}}), "weights: must be one per gauge, 1, got 2");
    EXPECT_REFUSED(Gauge(ConicSum{{}, {}}), "gauges: must not be empty, got none");
    EXPECT_REFUSED(Gauge(Entrywise{-1.0}), "M: must be non-negative and finite, got -1");
    EXPECT_REFUSED(Gauge(CustomGauge{}), "value: must be a function of S, got nothing");
}

TEST(GaugeValidation, BlocksAreDisjointAndCoverEverything) {
    const Gauge g = trace_gauge();
    EXPECT_REFUSED(Gauge(BlockSum{{{0, 1}, {1, 2}}, {g, g}}), "blocks: must be disjoint, got coordinate 1 twice");
    EXPECT_REFUSED(Gauge(BlockSum{{{0}, {2}}, {g, g}}),
                   "blocks: must cover every coordinate, got coordinate 1 missing");
    EXPECT_REFUSED(Gauge(BlockSum{{{-1}, {0}}, {g, g}}), "blocks: must hold coordinates from 0 on, got -1");
    EXPECT_REFUSED(Gauge(BlockSum{{{0}, {1}}, {g}}), "gauges: must be one per block, 2, got 1");
    EXPECT_REFUSED(Gauge(BlockSum{{{0}, {}}, {g, g}}), "blocks: must not contain an empty block, got [[0], []]");
    EXPECT_REFUSED(Gauge(BlockMax{{{0}, {1}}, {g, g}, {1.0, 0.0}}), "eta: must be positive and finite, got 0");
    EXPECT_REFUSED(Gauge(BlockMax{{{0}, {1}}, {g, g}, {1.0}}), "eta: must be one per block, 2, got 1");
    EXPECT_REFUSED(Gauge(BlockSum{{{0}, {1}}, {g, g}}).check_dimension(3),
                   "blocks: must cover the coordinates 0 to 2 exactly, got [[0], [1]]");
}

TEST(GaugeValidation, DimensionChecksReachTheMembers) {
    const Gauge nested = ConicSum{{BlockMax{{{0, 1}, {2}}, {KyFan{3}, trace_gauge()}, {}}}, {1.0}};
    EXPECT_REFUSED(nested.check_dimension(3), "k: must be at most the dimension 2, got 3");
    EXPECT_REFUSED(Gauge(WeightedTrace{Matrix::Identity(2, 2)}).check_dimension(3),
                   "A: must be 3x3, the dimension, got 2x2");
    EXPECT_REFUSED(Gauge(Polyhedral{{Matrix::Identity(2, 2)}}).value(Matrix::Identity(3, 3)),
                   "matrices: must be 3x3, the dimension, got 2x2");
}

TEST(GaugeValidation, StaticProblemsNeedAConvexGauge) {
    EXPECT_NO_THROW(check_static(Schatten{1.0}, 2));
    EXPECT_NO_THROW(check_static(Entrywise{3.0}, 2));
    EXPECT_THROW(check_static(Schatten{0.75}, 2), InvalidArgument);
    EXPECT_THROW(check_static(BlockSum{{{0}, {1}}, {Schatten{0.5}, trace_gauge()}}, 2), InvalidArgument);
    EXPECT_THROW(check_static(KyFan{3}, 2), InvalidArgument);
}

TEST(GaugeValidation, MomentsAreFiniteAndSymmetric) {
    const Gauge gauge = Schatten{2.0};
    EXPECT_REFUSED(gauge(Matrix{{1.0, nan}, {nan, 1.0}}), "moment: must be finite, got nan at (1, 0)");
    EXPECT_REFUSED(gauge(Matrix(0, 0)), "moment: must be a square matrix, got 0x0");
}

TEST(SelectorValidation, RefusesWhatHasNoSelector) {
    const Points G = Points::Ones(2, 2);
    EXPECT_REFUSED(selector(Entrywise{1.0}, G),
                   "gauge: must be monotone: a norm on velocities needs K inside the PSD cone, got Entrywise(1.0)");
    EXPECT_REFUSED(selector(trace_gauge(), Points{{1.0, nan}}), "G: must be finite, got nan at (0, 1)");
    EXPECT_REFUSED(selector(trace_gauge(), Points(0, 2)), "G: must not be empty, got 0x2");
    EXPECT_REFUSED(selector(trace_gauge(), G, Vector{{1.0}}), "weights: must be one per row, 2, got 1");
    EXPECT_REFUSED(selector(trace_gauge(), G, Vector{{1.0, -1.0}}), "weights: must be non-negative and finite, got -1");
    EXPECT_REFUSED(selector(trace_gauge(), G, Vector{{0.0, 0.0}}), "weights: must have a positive sum, got 0");
    EXPECT_THROW(selector(WeightedTrace{Matrix::Identity(3, 3)}, G), InvalidArgument);
    EXPECT_THROW(norm(Entrywise{1.0}, G), InvalidArgument);
    EXPECT_THROW(polar(Points{{nan}}), InvalidArgument);
}

TEST(GaugeRepr, ReadsBackAsPython) {
    EXPECT_EQ(Gauge(Schatten{2.0}).repr(), "Schatten(2.0)");
    EXPECT_EQ(Gauge(Schatten{1e300}).repr(), "Schatten(1e+300)");
    EXPECT_EQ(operator_gauge().repr(), "Schatten(inf)");
    EXPECT_EQ(Gauge(KyFan{2}).repr(), "KyFan(2)");
    EXPECT_EQ(Gauge(WeightedTrace{Matrix{{1.0, 0.1}, {0.1, 2.0}}}).repr(), "WeightedTrace([[1.0, 0.1], [0.1, 2.0]])");
    EXPECT_EQ(Gauge(Polyhedral{{Matrix{{1.0}}, Matrix{{0.3}}}}).repr(), "Polyhedral([[[1.0]], [[0.3]]])");
    const Gauge blocks = BlockSum{{{0, 1}, {2}}, {operator_gauge(), trace_gauge()}};
    EXPECT_EQ(blocks.repr(), "BlockSum([[0, 1], [2]], [Schatten(inf), Schatten(1.0)])");
    EXPECT_EQ(Gauge(BlockMax{{{0}}, {KyFan{1}}, {0.5}}).repr(), "BlockMax([[0]], [KyFan(1)], [0.5])");
    EXPECT_EQ(Gauge(ConicSum{{KyFan{1}, trace_gauge()}, {0.5, 3.0}}).repr(),
              "ConicSum([KyFan(1), Schatten(1.0)], [0.5, 3.0])");
    EXPECT_EQ(Gauge(Entrywise{3.0}).repr(), "Entrywise(3.0)");
}

TEST(ParseGauge, ReadsTheCommandLineForms) {
    EXPECT_EQ(parse_gauge("schatten:2").repr(), "Schatten(2.0)");
    EXPECT_EQ(parse_gauge("schatten:inf").repr(), "Schatten(inf)");
    EXPECT_EQ(parse_gauge("schatten:0.5").repr(), "Schatten(0.5)");
    EXPECT_EQ(parse_gauge("trace").repr(), "Schatten(1.0)");
    EXPECT_EQ(parse_gauge("operator").repr(), "Schatten(inf)");
    EXPECT_EQ(parse_gauge("ky-fan:3").repr(), "KyFan(3)");
}

TEST(ParseGauge, RefusesEverythingElse) {
    for (const char* text : {"", "schatten", "schatten:", "schatten:0.4", "schatten:nan", "schatten:2x", "schatten:-1",
                             "ky-fan:0", "ky-fan:1.5", "ky-fan:99999999999", "Trace", "trace:1", "operator ", ":2"}) {
        const std::string message = message_of([&] { parse_gauge(text); });
        EXPECT_EQ(message.rfind("gauge: must be schatten:P", 0), 0u) << text << " -> " << message;
    }
}

}  // namespace
}  // namespace spectralot
