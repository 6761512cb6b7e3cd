#include "discrete/ascending.hpp"

#include <algorithm>

namespace spectralot {

std::vector<int> ascending_order(const Eigen::Ref<const Vector>& values) {
    struct Ranked {  // values beside their indices: sorting indices alone would jump about in memory
        double value;
        int index;
    };
    std::vector<Ranked> ranked(static_cast<std::size_t>(values.size()));
    for (int i = 0; i < static_cast<int>(values.size()); ++i) ranked[i] = {values[i], i};
    std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
        return a.value != b.value ? a.value < b.value : a.index < b.index;
    });
    std::vector<int> order;
    order.reserve(ranked.size());
    for (const Ranked& r : ranked) order.push_back(r.index);
    return order;
}

}  // namespace spectralot
