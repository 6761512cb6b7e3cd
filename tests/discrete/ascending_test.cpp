#include "discrete/ascending.hpp"

#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace spectralot {
namespace {

std::vector<int> reference_order(const Vector& values) {
    std::vector<int> order(static_cast<std::size_t>(values.size()));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return values[i] < values[j]; });
    return order;
}

TEST(AscendingOrder, IsThatOfAStableSort) {
    test::Random random(1);
    for (const Index n : {0, 1, 2, 3, 10, 1000, 70000}) {
        const Vector normal = test::gaussian_points(n, 1, random);
        const Vector integers = test::integer_points(n, 1, 5, random);
        for (const Vector& values : {normal, integers, Vector(Vector::Constant(n, 3.0)),
                                     Vector(normal.array() + 1e9),               // last bits only
                                     Vector(normal.array() * 1e150),             // and beyond what may be scaled
                                     Vector(normal.array() * 1e-150),            //
                                     Vector(normal.array() * 1e-308),            //
                                     Vector(normal.cwiseAbs() * 1e307),          //
                                     Vector((40.0 * normal).array().exp()),      // nearly all in one corner
                                     Vector(0.0 * normal),                       // zeros of both signs
                                     Vector(integers.array() * 1e-17 + 1.0)}) {  // rounded to few values
            EXPECT_EQ(ascending_order(values), reference_order(values)) << n;
        }
    }
}

TEST(AscendingOrder, SpansTheWholeRangeOfDoubles) {
    const double largest = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
    const Vector values = (Vector(6) << largest, -least, 0.0, least, -largest, least).finished();
    EXPECT_EQ(ascending_order(values), (std::vector<int>{4, 1, 2, 3, 5, 0}));
}

}  // namespace
}  // namespace spectralot
