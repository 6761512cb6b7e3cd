#include "discrete/ascending.hpp"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace spectralot {

std::vector<int> ascending_order(const Eigen::Ref<const Vector>& values) {
    const auto n = static_cast<std::size_t>(values.size());
    std::vector<int> order(n);
    const auto before = [&](int i, int j) { return values[i] != values[j] ? values[i] < values[j] : i < j; };

    // Sorted are integers, which wide instructions do best: above, where the value lies on a scale that keeps the order
    // though not every difference; below, the index.
    const int index_bits = static_cast<int>(std::bit_width(n));
    const double lowest = n > 0 ? values.minCoeff() : 0.0;
    const double scale = n > 0 ? std::ldexp(1.0, 63 - index_bits) / (values.maxCoeff() - lowest) : 0.0;
    if (!std::isfinite(scale) || scale == 0.0) {
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), before);
        return order;
    }
    std::vector<std::uint64_t> keys(n);
    for (std::size_t i = 0; i < n; ++i) {
        keys[i] = (static_cast<std::uint64_t>((values[Index(i)] - lowest) * scale) << index_bits) | i;
    }
    hwy::Sorter{}(keys.data(), n, hwy::SortAscending());
    const std::uint64_t index_mask = (std::uint64_t{1} << index_bits) - 1;
    for (std::size_t k = 0; k < n; ++k) order[k] = static_cast<int>(keys[k] & index_mask);

    // What the scale could not tell apart.
    for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
        while (end < n && (keys[end] >> index_bits) == (keys[begin] >> index_bits)) ++end;
        if (end - begin > 1)
            std::sort(order.begin() + std::ptrdiff_t(begin), order.begin() + std::ptrdiff_t(end), before);
    }
    return order;
}

}  // namespace spectralot
