#include "support/discrete_reference.hpp"

#include <fuzzer/FuzzedDataProvider.h>

// Transport problems in small integers (ties, duplicates, zero weights, singular and indefinite metrics) against
// successive shortest paths in integer arithmetic: the bracket is exact, and as narrow as promised.

namespace spectralot {
namespace {

/// At most eight points, mostly in few dimensions, with weights of up to four decades.
struct Cloud {
    DiscreteMeasure measure;
    std::vector<std::int64_t> supply;
    std::int64_t total = 0;

    Cloud(FuzzedDataProvider& bytes, Index d) {
        const Index n = bytes.ConsumeIntegralInRange<Index>(1, 8);
        measure.points.resize(n, d);
        const int side = bytes.ConsumeIntegralInRange(0, 7);
        for (Index i = 0; i < n; ++i) {
            for (Index k = 0; k < d; ++k) measure.points(i, k) = bytes.ConsumeIntegralInRange(-side, side);
            const int shift = bytes.ConsumeIntegralInRange(0, 10);
            supply.push_back(bytes.ConsumeIntegralInRange<std::int64_t>(0, 15) << shift);
            total += supply.back();
        }
        if (total == 0) total = supply[0] = 1;
    }

    /// Masses in units in which both totals are the same integer.
    void scale_supply(std::int64_t other_total) {
        for (std::int64_t& s : supply) s *= other_total;
        measure.weights =
            Vector::NullaryExpr(Index(supply.size()), [&](Index i) { return double(supply[std::size_t(i)]); });
    }
};

Matrix integer_metric(FuzzedDataProvider& bytes, Index d) {
    Matrix Q(d, d);
    for (Index i = 0; i < d; ++i)
        for (Index j = 0; j <= i; ++j) Q(i, j) = Q(j, i) = bytes.ConsumeIntegralInRange(-3, 3);
    return bytes.ConsumeBool() ? Matrix(Q * Q) : Q;
}

void compare(FuzzedDataProvider& bytes) {
    const Index d = bytes.ConsumeIntegralInRange<Index>(1, 4);
    Cloud a(bytes, d), b(bytes, d);
    a.scale_supply(b.total);
    b.scale_supply(a.total);
    ExactTransport transport(a.measure, b.measure);
    const int n_metrics = bytes.ConsumeIntegralInRange(1, 3);  // the basis is kept from one to the next
    for (int k = 0; k < n_metrics; ++k) {
        const Matrix Q = integer_metric(bytes, d);
        const ExactResult result = transport.solve(Q);
        test::expect_certified(a.measure, b.measure, Q, result);
        const std::int64_t exact = test::cheapest_flow(a.supply, b.supply, [&](int i, int j) {
            return std::int64_t(test::pair_cost(a.measure, b.measure, Q, i, j));
        });
        test::expect_brackets(result.certificate, exact, a.total * b.total);
    }
}

}  // namespace
}  // namespace spectralot

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    testing::InitGoogleTest(argc, *argv);
    GTEST_FLAG_SET(throw_on_failure, true);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzedDataProvider bytes(data, size);
    spectralot::compare(bytes);
    return 0;
}
