#include "discrete/arcs.hpp"

#include <algorithm>
#include <utility>

namespace spectralot {

std::size_t ArcSet::add(const std::vector<Arc>& arcs) {
    const std::size_t old_size = col_.size();
    const int n_rows = static_cast<int>(begin_.size()) - 1;
    std::vector<int> begin(begin_.size(), 0);
    for (int i = 0; i < n_rows; ++i) begin[i + 1] = begin_[i + 1] - begin_[i];
    for (const Arc& arc : arcs) ++begin[arc.row + 1];
    for (int i = 0; i < n_rows; ++i) begin[i + 1] += begin[i];

    std::vector<int> merged(old_size + arcs.size());
    std::vector<int> cursor(begin.begin(), begin.end() - 1);
    for (int i = 0; i < n_rows; ++i) {
        std::copy(col_.begin() + begin_[i], col_.begin() + begin_[i + 1], merged.begin() + begin[i]);
        cursor[i] += begin_[i + 1] - begin_[i];
    }
    for (const Arc& arc : arcs) merged[cursor[arc.row]++] = arc.col;

    auto write = merged.begin();
    for (int i = 0; i < n_rows; ++i) {
        const auto first = merged.begin() + begin[i];
        const auto last = merged.begin() + begin[i + 1];
        std::sort(first, last);
        begin_[i] = static_cast<int>(write - merged.begin());
        write = std::move(first, std::unique(first, last), write);
    }
    merged.erase(write, merged.end());
    begin_[n_rows] = static_cast<int>(merged.size());
    col_ = std::move(merged);
    return col_.size() - old_size;
}

void ArcSet::prune(const double* negated_col_potentials, int per_row) {
    std::vector<std::pair<double, int>> ranked;
    std::size_t write = 0;
    for (int i = 0, arc = 0; i + 1 < static_cast<int>(begin_.size()); ++i) {
        ranked.clear();
        for (; arc < begin_[i + 1]; ++arc)
            ranked.emplace_back(carried_[arc] + negated_col_potentials[col_[arc]], col_[arc]);
        const auto kept = std::min<std::size_t>(ranked.size(), static_cast<std::size_t>(per_row));
        std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end());
        begin_[i] = static_cast<int>(write);
        std::sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept),
                  [](const auto& a, const auto& b) { return a.second < b.second; });
        for (std::size_t k = 0; k < kept; ++k) col_[write++] = ranked[k].second;
    }
    begin_.back() = static_cast<int>(write);
    col_.resize(write);
    carried_.clear();
}

void ArcSet::set_costs(const SquaredDistance& cost, const PairTolerance& tolerance) {
    carried_.resize(col_.size());
    for (int i = 0; i + 1 < static_cast<int>(begin_.size()); ++i) {
        for (int arc = begin_[i]; arc < begin_[i + 1]; ++arc) {
            carried_[arc] = cost(i, col_[arc]) + tolerance(i, col_[arc]);
        }
    }
}

double ArcSet::mean_slack(const double* row_potentials, const double* negated_col_potentials) const {
    double sum = 0.0;
    for (int i = 0; i + 1 < static_cast<int>(begin_.size()); ++i) {
        for (int arc = begin_[i]; arc < begin_[i + 1]; ++arc)
            sum += carried_[arc] + negated_col_potentials[col_[arc]] - row_potentials[i];
    }
    return sum / static_cast<double>(size());
}

}  // namespace spectralot
