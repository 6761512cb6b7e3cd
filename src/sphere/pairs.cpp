#include "sphere/pairs.hpp"

#include <algorithm>

namespace spectralot::sphere {

namespace {

/// body(i, products of row i with every row of z), in blocks that stay in the cache.
template <class Body>
void for_rows(const Points& x, const Points& z, const Body& body) {
    if (z.rows() == 0) return;
    constexpr Index entries = 1 << 15;
    const Index block = std::clamp<Index>(entries / z.rows(), 1, 64);
    const Matrix columns = z;  // the products run along the columns of zᵀ
    Matrix products;
    for (Index first = 0; first < x.rows(); first += block) {
        const Index count = std::min(block, x.rows() - first);
        products.noalias() = columns * x.middleRows(first, count).transpose();
        for (Index i = 0; i < count; ++i) body(first + i, products.col(i));
    }
}

}  // namespace

PairList largest_products(const Points& x, const Points& z, int cap, double floor, const PairList& known) {
    PairList pairs;
    std::size_t next = 0;
    std::vector<int> above;
    for_rows(x, z, [&](Index i, auto products) {
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

Vector row_maxima(const Points& x, const Points& z) {
    Vector maxima = Vector::Zero(x.rows());
    for_rows(x, z, [&](Index i, const auto& products) { maxima[i] = std::max(products.maxCoeff(), 0.0); });
    return maxima;
}

}  // namespace spectralot::sphere
