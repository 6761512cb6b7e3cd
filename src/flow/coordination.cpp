#include "spectralot/flow/coordination.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/discrete/measure.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace spectralot::flow {

double coordination(const Points& x, const Points& v, const Vector& w, int k) {
    check_measure({x, w}, "x", "w");
    if (v.rows() != x.rows() || v.cols() != x.cols())
        throw_invalid("v", "must have the shape of x", std::to_string(v.rows()) + "x" + std::to_string(v.cols()));
    if (!v.allFinite()) throw_invalid("v", "must be finite", "NaN or infinity");
    if (k < 1) throw_invalid("k", "must be at least 1", std::to_string(k));

    std::vector<Index> alive;
    for (Index i = 0; i < x.rows(); ++i)
        if (w.size() == 0 || w[i] > 0.0) alive.push_back(i);
    if (alive.size() == 1) return 1.0;

    const double largest = x.cwiseAbs().maxCoeff();
    const Points scaled = largest > 0.0 ? Points(x / largest) : x;  // so that squared distances stay in range
    Points direction = v;
    for (const Index i : alive)
        if (const double speed = v.row(i).stableNorm(); speed > 0.0) direction.row(i) /= speed;

    const auto n_neighbours = std::min(static_cast<std::size_t>(k), alive.size() - 1);
    std::vector<std::pair<double, Index>> others;
    double sum = 0.0, mass = 0.0;
    for (const Index i : alive) {
        others.clear();
        for (const Index j : alive)
            if (j != i) others.emplace_back((scaled.row(j) - scaled.row(i)).squaredNorm(), j);
        const auto end = others.begin() + static_cast<std::ptrdiff_t>(n_neighbours);
        std::partial_sort(others.begin(), end, others.end());
        double cosines = 0.0;
        for (auto other = others.begin(); other != end; ++other)
            cosines += direction.row(i).dot(direction.row(other->second));
        const double weight = w.size() ? w[i] : 1.0;
        sum += weight * cosines / static_cast<double>(n_neighbours);
        mass += weight;
    }
    return sum / mass;
}

}  // namespace spectralot::flow
