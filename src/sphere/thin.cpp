#include "sphere/thin.hpp"

#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spectralot::sphere {

namespace {

constexpr int none = -1;

/// The pairs with flow: a spanning forest of the atoms, and a few pairs more.
class Basis {
public:
    Basis(const PairList& pairs, Vector flow, const Points& x, const Points& y)
        : pairs_(pairs),
          flow_(std::move(flow)),
          x_(x),
          y_(y),
          up_(std::size_t(x.rows() + y.rows()), none),
          mark_(up_.size(), 0),
          change_(Vector::Zero(flow_.size())) {}

    void add(int pair) {
        std::vector<Term> cycle = cycle_of(pair);
        if (cycle.empty()) {
            hang(row(pair), pair);
        } else {
            Vector moment = moment_of(cycle);
            extra_.push_back({pair, std::move(cycle), std::move(moment)});
            if (Index(extra_.size()) > extra_.back().moment.size()) drop_one();
        }
    }

    [[nodiscard]] const Vector& flow() const { return flow_; }

private:
    struct Term {
        int pair;
        double sign;
    };
    struct Extra {
        int pair;
        std::vector<Term> cycle;  // that it closes in the forest: sums stay when flow alternates along it
        Vector moment;            // Σ(x yᵀ + y xᵀ) along it
    };

    [[nodiscard]] int row(int pair) const { return pairs_.row[std::size_t(pair)]; }
    [[nodiscard]] int col(int pair) const { return int(x_.rows()) + pairs_.col[std::size_t(pair)]; }
    /// The other end of the pair through which an atom hangs.
    [[nodiscard]] int parent(int atom) const {
        const int pair = up_[std::size_t(atom)];
        return pair == none ? none : row(pair) + col(pair) - atom;
    }

    /// Empty where the pair connects two trees.
    std::vector<Term> cycle_of(int pair) {
        ++stamp_;
        for (int atom = row(pair); atom != none; atom = parent(atom)) mark_[std::size_t(atom)] = stamp_;
        int meeting = col(pair);
        while (meeting != none && mark_[std::size_t(meeting)] != stamp_) meeting = parent(meeting);
        if (meeting == none) return {};
        std::vector<Term> cycle{{pair, 1.0}};
        for (int atom : {row(pair), col(pair)})
            for (double sign = -1.0; atom != meeting; atom = parent(atom), sign = -sign)
                cycle.push_back({up_[std::size_t(atom)], sign});
        return cycle;
    }

    /// The tree of that atom becomes a branch of the pair's other end.
    void hang(int atom, int pair) {
        while (atom != none) {
            const int next = parent(atom);
            std::swap(up_[std::size_t(atom)], pair);
            atom = next;
        }
    }

    [[nodiscard]] Vector moment_of(const std::vector<Term>& cycle) const {
        const Index d = x_.cols();
        Matrix sum = Matrix::Zero(d, d);
        for (const auto& [pair, sign] : cycle)
            sum.noalias() += sign * x_.row(row(pair)).transpose() * y_.row(pairs_.col[std::size_t(pair)]);
        Vector entries(d * (d + 1) / 2);
        for (Index r = 0, k = 0; r < d; ++r)
            for (Index s = 0; s <= r; ++s) entries[k++] = sum(r, s) + sum(s, r);
        return entries;
    }

    void drop_one() {
        Matrix moments(extra_.front().moment.size(), Index(extra_.size()));
        for (Index e = 0; e < moments.cols(); ++e) moments.col(e) = extra_[std::size_t(e)].moment;
        const Vector share = Eigen::FullPivLU<Matrix>(moments).kernel().col(0);
        std::vector<int> touched;
        for (Index e = 0; e < share.size(); ++e)
            for (const auto& [pair, sign] : extra_[std::size_t(e)].cycle) {
                if (change_[pair] == 0.0) touched.push_back(pair);
                change_[pair] += share[e] * sign;
            }
        // Forwards or backwards, whichever empties a pair sooner.
        double length = infinity;
        int emptied = none;
        for (const int pair : touched) {
            const double possible = flow_[pair] / std::abs(change_[pair]);
            if (!(possible < std::abs(length))) continue;
            length = change_[pair] < 0.0 ? possible : -possible;
            emptied = pair;
        }
        for (const int pair : touched) {
            if (emptied != none) flow_[pair] = std::max(0.0, flow_[pair] + length * change_[pair]);
            change_[pair] = 0.0;
        }
        if (emptied == none) emptied = extra_.back().pair;
        flow_[emptied] = 0.0;
        remove(emptied);
    }

    /// One of the extra pairs takes its place in the forest, if that is where it is.
    void remove(int pair) {
        const auto contains = [&](const Extra& extra) {
            return std::any_of(extra.cycle.begin(), extra.cycle.end(), [&](const Term& t) { return t.pair == pair; });
        };
        auto leaving = std::find_if(extra_.begin(), extra_.end(), [&](const Extra& e) { return e.pair == pair; });
        if (leaving != extra_.end()) {
            extra_.erase(leaving);
            return;
        }
        leaving = std::find_if(extra_.begin(), extra_.end(), contains);
        const int entering = leaving->pair;
        const int below = up_[std::size_t(row(pair))] == pair ? row(pair) : col(pair);
        up_[std::size_t(below)] = none;
        int root = row(entering);
        while (parent(root) != none) root = parent(root);
        hang(root == below ? row(entering) : col(entering), entering);
        extra_.erase(leaving);
        for (Extra& extra : extra_)
            if (contains(extra)) {
                extra.cycle = cycle_of(extra.pair);
                extra.moment = moment_of(extra.cycle);
            }
    }

    const PairList& pairs_;
    Vector flow_;
    const Points &x_, &y_;
    std::vector<int> up_;    // of every atom: the pair that leads towards the root of its tree
    std::vector<int> mark_;  // the search that came by last
    int stamp_ = 0;
    std::vector<Extra> extra_;  // outside the forest
    Vector change_;             // zero between uses
};

}  // namespace

Vector thinned(const PairList& pairs, const Vector& flow, const Points& x, const Points& y) {
    std::vector<int> order(pairs.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int s, int t) { return flow[s] > flow[t]; });
    Basis basis(pairs, flow, x, y);
    for (const int pair : order)
        if (flow[pair] > 0.0) basis.add(pair);
    return basis.flow();
}

}  // namespace spectralot::sphere
