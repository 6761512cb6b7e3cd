/// The stored 50-digit selectors of tests/data/selectors.json.
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gauge/selector.hpp"

#include <gtest/gtest.h>
#include <Eigen/SVD>
#include <nlohmann/json.hpp>

#include <fstream>

namespace spectralot {
namespace {

using nlohmann::json;

Points points_of(const json& rows) {
    Points points(static_cast<Index>(rows.size()), static_cast<Index>(rows.at(0).size()));
    for (Index i = 0; i < points.rows(); ++i)
        for (Index j = 0; j < points.cols(); ++j) points(i, j) = rows.at(i).at(j).get<double>();
    return points;
}

Vector vector_of(const json& values) {
    Vector v(values.is_null() ? 0 : static_cast<Index>(values.size()));
    for (Index i = 0; i < v.size(); ++i) v[i] = values.at(i).get<double>();
    return v;
}

Gauge gauge_of(const json& form) {
    if (form.at("name") == "ky_fan") return KyFan{form.at("k").get<int>()};
    return Schatten{form.at("p").is_string() ? infinity : form.at("p").get<double>()};
}

/// Condition of the non-zero part of W^½G.
double condition(const Points& G, const Vector& weights) {
    const Matrix weighted = weights.size() ? Matrix(weights.cwiseSqrt().asDiagonal() * G) : Matrix(G);
    const Vector sigma = weighted.jacobiSvd().singularValues();
    if (sigma[0] == 0.0) return 1.0;
    double smallest = sigma[0];
    for (const double s : sigma)
        if (s > 100.0 * epsilon * sigma[0]) smallest = s;
    return sigma[0] / smallest;
}

TEST(SelectorReference, MatchesFiftyDigits) {
    std::ifstream file(SPECTRALOT_TEST_DATA "/selectors.json");
    int compared = 0;
    for (const json& item : json::parse(file)) {
        const Points G = points_of(item.at("G"));
        const Vector weights = vector_of(item.at("weights"));
        const double tolerance = 50.0 * epsilon + epsilon * condition(G, weights);
        for (const json& entry : item.at("entries")) {
            const std::string label = item.at("instance").get<std::string>() + " " + entry.at("gauge").dump();
            const Points expected = points_of(entry.at("J"));
            const SelectorResult result = selector(gauge_of(entry.at("gauge")), G, weights);
            const double expected_norm = entry.at("dual_norm").get<double>();
            EXPECT_LE((result.direction - expected).norm(), tolerance * expected.norm()) << label;
            EXPECT_NEAR(result.dual_norm, expected_norm, 1e-13 * expected_norm) << label;
            ++compared;
        }
    }
    EXPECT_EQ(compared, 128);
}

}  // namespace
}  // namespace spectralot
