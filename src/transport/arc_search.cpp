#include "saddle/arc_master.hpp"
#include "transport/restore_marginals.hpp"
#include "transport/search.hpp"

#include <algorithm>
#include <map>

namespace spectralot {

namespace {

/// The atoms that carry mass, numbered from zero.
struct Atoms {
    std::vector<int> index;   // their places in the measure
    std::vector<int> number;  // and back; -1 without mass
    Points points;
    Vector mass;

    explicit Atoms(const DiscreteMeasure& measure) : number(std::size_t(measure.size()), -1) {
        for (int i = 0; i < measure.size(); ++i) {
            if (measure.weights.size() > 0 && !(measure.weights(i) > 0.0)) continue;
            number[std::size_t(i)] = int(index.size());
            index.push_back(i);
        }
        points = measure.points(index, Eigen::all);
        mass = Vector::Ones(Index(index.size()));
        if (measure.weights.size() > 0) mass = measure.weights(index) / measure.weights.maxCoeff();
        mass /= mass.sum();
    }

    [[nodiscard]] Vector spread(const Vector& values) const {
        Vector all = Vector::Zero(Index(number.size()));
        all(index) = values;
        return all;
    }
};

using Arc = std::pair<int, int>;
constexpr int arcs_per_point = 4;  // of least slack, from either side
constexpr double shortest_first_step = 0.2;

class ArcSearch {
public:
    ArcSearch(Search& search, GaugeProgram program)
        : search_(search),
          rows_(search.mu),
          cols_(search.nu),
          program_(std::move(program)),
          master_(program_, rows_.points, cols_.points, rows_.mass, cols_.mass, search.mixture.moments(),
                  search.gap()) {}

    bool run() {
        begin();
        while (master_.advance() && master_.last_step() < shortest_first_step && master_.retreat()) begin();
        StallDetector slow(25, 2.0);
        while (master_.advance()) {
            offer_aim();
            price();
            if (search_.finished()) return true;
            if (slow.stalls(master_.gap())) break;  // its own gap: the bracket of the plans may be ahead at first
        }
        search_.mix_best_plan();
        return false;
    }

private:
    /// Arcs of the plans so far and of least slack, at the saddle metric of the master over plans.
    void begin() {
        const Matrix metric = master_.metric();
        // Plans that came later, at starts that were given up, have no share.
        Vector weights = Vector::Zero(search_.mixture.size() + 1);
        weights.head(master_.plan_weights().size()) = 0.8 * master_.plan_weights();
        weights(weights.size() - 1) = 0.2;
        const Potentials potentials = search_.solve_vertex(metric);
        const SparsePlan mixed = search_.mixture.mixed(weights);
        const PricedPotentials priced =
            search_.oracle.price(metric, potentials, arcs_per_point, search_.exact_options());

        std::map<Arc, std::pair<double, double>> arcs;  // slack, mass
        for (std::size_t t = 0; t < priced.slack.size(); ++t)
            arcs[numbered(priced.row[t], priced.col[t])].first = priced.slack[t];
        for (std::size_t t = 0; t < mixed.size(); ++t) {
            auto& [slack, mass] = arcs[numbered(mixed.row[t], mixed.col[t])];
            const Eigen::RowVectorXd step = search_.nu.points.row(mixed.col[t]) - search_.mu.points.row(mixed.row[t]);
            slack = step.dot(step * metric) - potentials.a(mixed.row[t]) - potentials.b(mixed.col[t]);
            mass = mixed.mass[t];
        }
        saddle::ArcList list;
        for (const auto& [arc, values] : arcs) append(list, arc, values.first, values.second);
        master_.start(std::move(list), potentials.a(rows_.index), potentials.b(cols_.index));
    }

    /// Lower bound from the current potentials; arcs with negative slack join, unless the last step was so short that
    /// the iterate has to find back to the central path first.
    void price() {
        const Matrix metric = master_.metric();
        const Potentials potentials{rows_.spread(master_.row_potentials()), cols_.spread(master_.col_potentials())};
        PricedPotentials priced = search_.oracle.price(metric, potentials, arcs_per_point, search_.exact_options());
        search_.offer_dual(metric, std::move(priced.potentials), priced.lower);
        if (++since_growth_ < 3 && master_.last_step() < 0.3) return;

        saddle::ArcList fresh;
        std::size_t known = 0;
        const auto known_arc = [&] { return Arc(master_.rows()[known], master_.cols()[known]); };
        for (std::size_t t = 0; t < priced.slack.size(); ++t) {
            if (priced.slack[t] >= 0.0) continue;
            const Arc arc = numbered(priced.row[t], priced.col[t]);
            while (known < master_.rows().size() && known_arc() < arc) ++known;
            if (known == master_.rows().size() || known_arc() != arc) append(fresh, arc, priced.slack[t], 0.0);
        }
        if (fresh.row.empty()) return;
        master_.add(fresh);
        since_growth_ = 0;
    }

    /// Bounds from where the last step aimed at; the lower one, another pricing, once it may be the last.
    void offer_aim() {
        const saddle::Aim<double> aim = master_.aim();
        offer_coupling(aim.masses);
        if (master_.gap() > 30.0 * search_.options.tol * search_.bracket().upper) return;
        const auto n = Index(rows_.index.size()), m = Index(cols_.index.size());
        const Potentials potentials{rows_.spread(aim.multipliers.head(n)), cols_.spread(aim.multipliers.tail(m))};
        PricedPotentials priced = search_.oracle.price(aim.metric, potentials, 1, search_.exact_options());
        search_.offer_dual(aim.metric, std::move(priced.potentials), priced.lower);
    }

    /// Upper bound from masses, as sparse as that is free.
    void offer_coupling(const Vector& masses) {
        const double least = masses.unaryExpr([](double w) { return w > 0.0 ? w : infinity; }).minCoeff() *
                             double(std::max(rows_.mass.size(), cols_.mass.size()));
        for (double floor = 1e-4; floor > 1e-3 * std::max(least, 1e-13); floor *= 1e-3) {  // then nothing is dropped
            const auto mass = restore_marginals(master_.rows(), master_.cols(), masses, rows_.mass, cols_.mass, floor);
            if (!mass) continue;
            SparsePlan plan{search_.mu.size(), search_.nu.size(), {}, {}, {}};
            for (Index k = 0; k < mass->size(); ++k) {
                if (!((*mass)(k) > 0.0)) continue;
                plan.row.push_back(rows_.index[std::size_t(master_.rows()[std::size_t(k)])]);
                plan.col.push_back(cols_.index[std::size_t(master_.cols()[std::size_t(k)])]);
                plan.mass.push_back((*mass)(k));
            }
            search_.offer_plan(std::move(plan));
        }
    }

    [[nodiscard]] Arc numbered(int row, int col) const {
        return {rows_.number[std::size_t(row)], cols_.number[std::size_t(col)]};
    }

    static void append(saddle::ArcList& list, Arc arc, double slack, double mass) {
        list.row.push_back(arc.first);
        list.col.push_back(arc.second);
        list.slack.push_back(slack);
        list.mass.push_back(mass);
    }

    Search& search_;
    Atoms rows_, cols_;
    GaugeProgram program_;
    saddle::ArcMaster master_;
    int since_growth_ = 3;  // iterations since arcs were last added
};

}  // namespace

bool can_search_arcs(const Search& search) {
    constexpr Index largest_system = 3000;
    const Index d = search.mu.dimension();
    return search.nu.size() + d * (d + 1) / 2 <= largest_system && search.gauge.program(int(d)).has_value();
}

bool search_arcs(Search& search) {
    const std::optional<GaugeProgram> program = search.gauge.program(int(search.mu.dimension()));
    return program && ArcSearch(search, *program).run();
}

}  // namespace spectralot
