/// Moments and gauges for the tests of the masters.
#pragma once

#include "spectralot/gauge/gauges.hpp"
#include "support/discrete_reference.hpp"

#include <vector>

namespace spectralot::test {

inline Matrix random_moment(Random& random, int d, int rank) {
    const Points v = gaussian_points(rank, d, random);
    return v.transpose() * v / double(rank);
}

/// One gauge of every kind, with the border cases of its parameters.
inline std::vector<Gauge> gauges_in_dimension(int d, Random& random) {
    std::vector<int> first, second;
    for (int i = 0; i < d; ++i) (i < d / 2 ? first : second).push_back(i);
    const Matrix unit = Matrix::Identity(d, d);
    std::vector<Gauge> gauges;
    for (const double p : {1.0, 1.01, 1.5, 2.0, 4.0, 50.0}) gauges.push_back(Schatten{.p = p});
    gauges.push_back(operator_gauge());
    for (int k = 1; k <= d; ++k) gauges.push_back(KyFan{.k = k});
    gauges.push_back(WeightedTrace{.A = unit + random_moment(random, d, d)});
    gauges.push_back(Polyhedral{.matrices = {random_moment(random, d, d), random_moment(random, d, 2 * d), unit}});
    gauges.push_back(BlockSum{.blocks = {first, second}, .gauges = {operator_gauge(), Schatten{.p = 3.0}}});
    gauges.push_back(
        BlockMax{.blocks = {first, second}, .gauges = {trace_gauge(), operator_gauge()}, .eta = {1.2, 0.9}});
    gauges.push_back(ConicSum{.gauges = {operator_gauge(), Schatten{.p = 2.0}}, .weights = {0.7, 0.2}});
    gauges.push_back(ConicSum{
        .gauges = {KyFan{.k = 2},
                   BlockMax{.blocks = {first, second}, .gauges = {Schatten{.p = 1.5}, operator_gauge()}, .eta = {}}},
        .weights = {1.0, 3.0}});
    gauges.push_back(Entrywise{.M = 3.0});
    return gauges;
}

}  // namespace spectralot::test
