#include "dynamic/transform.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace spectralot;
using dynamic::AxisTransform;

namespace {

/// Minus the second difference along lines of n entries, with reflecting or periodic ends.
Vector second_difference(const Vector& x, Index n, Index stride, bool periodic) {
    Vector out = Vector::Zero(x.size());
    for (Index c = 0; c < x.size(); ++c) {
        const Index i = c / stride % n;
        const bool first = i == 0, last = i == n - 1;
        if (!last || periodic) out[c] += x[c] - x[last ? c - (n - 1) * stride : c + stride];
        if (!first || periodic) out[c] += x[c] - x[first ? c + (n - 1) * stride : c - stride];
    }
    return out;
}

}  // namespace

TEST(AxisTransform, IsOrthonormalAndDiagonalisesTheSecondDifference) {
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    for (const bool periodic : {false, true}) {
        for (const Index n : {1, 2, 3, 4, 7, 16, 33, 64, 255, 256, 257, 300}) {
            for (const Index stride : {1, 3, 20}) {
                const Vector x = Vector::NullaryExpr(3 * n * stride, [&] { return normal(random); });
                AxisTransform transform(n, periodic);
                Vector modes = x;
                transform.forward(modes.data(), modes.size(), stride);
                EXPECT_NEAR(modes.norm(), x.norm(), 1e-13 * x.norm());
                Vector back = modes;
                transform.backward(back.data(), back.size(), stride);
                EXPECT_LE((back - x).cwiseAbs().maxCoeff(), 1e-13) << n << " " << stride << " " << periodic;
                for (Index c = 0; c < modes.size(); ++c) modes[c] *= transform.eigenvalue(c / stride % n);
                transform.backward(modes.data(), modes.size(), stride);
                EXPECT_LE((modes - second_difference(x, n, stride, periodic)).cwiseAbs().maxCoeff(), 1e-12)
                    << n << " " << stride << " " << periodic;
            }
        }
    }
}
