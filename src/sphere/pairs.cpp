#include "sphere/pairs.hpp"

#include <algorithm>
#include <utility>

namespace spectralot::sphere {

PairList largest_products(const Points& x, const Points& z, int cap, double floor, const PairList& known) {
    PairList pairs;
    std::size_t next = 0;
    std::vector<int> above;
    for_products(x, z, [&](Index i, auto products) {
        for (; next < known.size() && known.row[next] == i; ++next) products[known.col[next]] = 0.0;
        if (!(products.maxCoeff() > floor)) return;
        above.clear();
        for (Index j = 0; j < products.size(); ++j)
            if (products[j] > floor) above.push_back(int(j));
        if (int(above.size()) > cap) {
            std::nth_element(above.begin(), above.begin() + cap, above.end(), [&](int j, int k) {
                return products[j] != products[k] ? products[j] > products[k] : j < k;
            });
            above.resize(std::size_t(cap));
            std::sort(above.begin(), above.end());
        }
        for (const int j : above) {
            pairs.row.push_back(int(i));
            pairs.col.push_back(j);
        }
    });
    return pairs;
}

Points divided(const Points& points, const Vector& logarithm) {
    const Vector factor = (logarithm.array() == -infinity).select(0.0, (-0.5 * logarithm.array()).exp().matrix());
    return factor.asDiagonal() * points;
}

PairList united(const PairList& one, const PairList& other) {
    PairList all;
    for (std::size_t s = 0, t = 0; s < one.size() || t < other.size();) {
        const auto at_one = s < one.size() ? std::pair(one.row[s], one.col[s]) : PairList::end;
        const auto at_other = t < other.size() ? std::pair(other.row[t], other.col[t]) : PairList::end;
        const auto [i, j] = std::min(at_one, at_other);
        all.row.push_back(i);
        all.col.push_back(j);
        s += at_one <= at_other;
        t += at_other <= at_one;
    }
    return all;
}

PairList transposed(const PairList& pairs) {
    std::vector<std::pair<int, int>> turned;
    turned.reserve(pairs.size());
    for (std::size_t t = 0; t < pairs.size(); ++t) turned.emplace_back(pairs.col[t], pairs.row[t]);
    std::sort(turned.begin(), turned.end());
    PairList sorted;
    for (const auto& [i, j] : turned) {
        sorted.row.push_back(i);
        sorted.col.push_back(j);
    }
    return sorted;
}

Vector row_maxima(const Points& x, const Points& z) {
    Vector maxima = Vector::Zero(x.rows());
    for_products(x, z, [&](Index i, const auto& products) { maxima[i] = std::max(products.maxCoeff(), 0.0); });
    return maxima;
}

}  // namespace spectralot::sphere
