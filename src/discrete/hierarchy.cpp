#include "discrete/hierarchy.hpp"

#include "discrete/ascending.hpp"
#include "discrete/basis.hpp"

#include <algorithm>
#include <numeric>

namespace spectralot {

namespace {

/// The coordinate in which a sample of the range spreads most.
Index widest_coordinate(const Points& points, const std::vector<int>& order, int begin, int end) {
    constexpr int sample_size = 256;
    const int stride = std::max(1, (end - begin) / sample_size);
    Vector mean = Vector::Zero(points.cols());
    Vector square = Vector::Zero(points.cols());
    double count = 0.0;
    for (int t = begin; t < end; t += stride, count += 1.0) {
        mean += points.row(order[t]).transpose();
        square += points.row(order[t]).transpose().cwiseAbs2();
    }
    Index widest = 0;
    (square / count - (mean / count).cwiseAbs2()).maxCoeff(&widest);
    return widest;
}

void arrange(const Points& points, std::vector<int>& order, int begin, int end) {
    if (end - begin < 2) return;
    const Index axis = widest_coordinate(points, order, begin, end);
    const int middle = begin + (end - begin) / 2;
    std::nth_element(order.begin() + begin, order.begin() + middle, order.begin() + end, [&](int a, int b) {
        return points(a, axis) != points(b, axis) ? points(a, axis) < points(b, axis) : a < b;
    });
    arrange(points, order, begin, middle);
    arrange(points, order, middle, end);
}

}  // namespace

Hierarchy::Hierarchy(const Points& points) {
    const auto n = static_cast<int>(points.rows());
    if (points.cols() == 1) {
        order_ = ascending_order(points.col(0));
    } else {
        order_.resize(static_cast<std::size_t>(n));
        std::iota(order_.begin(), order_.end(), 0);
        arrange(points, order_, 0, n);
    }
    begin_.push_back({0, n});
    while (static_cast<int>(begin_.back().size()) - 1 < n) {
        const std::vector<int>& coarse = begin_.back();
        std::vector<int> fine;
        for (std::size_t k = 0; k + 1 < coarse.size(); ++k) {
            fine.push_back(coarse[k]);
            if (coarse[k + 1] - coarse[k] > 1) fine.push_back(coarse[k] + (coarse[k + 1] - coarse[k]) / 2);
        }
        fine.push_back(n);
        begin_.push_back(std::move(fine));
    }
}

Points Hierarchy::sorted(const Points& points) const {
    return gather(points, order_);
}

std::vector<int> Hierarchy::first_child(int level) const {
    const std::vector<int>& coarse = begin(level);
    const std::vector<int>& fine = begin(level + 1);
    std::vector<int> first;
    int child = 0;
    for (const int start : coarse) {
        while (fine[child] != start) ++child;
        first.push_back(child);
    }
    return first;
}

}  // namespace spectralot
