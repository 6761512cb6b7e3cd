/// Fully corrective cutting planes over Q in K (math.md §3), where one oracle call gives the best coupling for a
/// metric: Gaussians and the sphere. Between clouds of points `transport` has a loop of its own on the same master: it
/// also descends a hierarchy, polishes plans arc by arc and resumes, which nothing here has a counterpart of.
#pragma once

#include "spectralot/saddle/master.hpp"

#include <algorithm>

namespace spectralot::saddle {

/// Until `search` is finished: the master mixes the couplings found so far, its saddle metric asks for the next one.
/// Stalls when the gap has not halved for forty metrics. A Search has `options.tol` and
///     bracket(), gap()            its certificate, and how wide it is
///     try_metric(Q).moment        the best coupling for Q joins: its moment
///     offer_mixture(weights)      an upper bound from the couplings that `master` holds
///     finished(), stall()         the end, with its reason
template <class Search>
void mix_vertices(Search& search, Master& master) {
    constexpr double master_share = 0.1;  // the master closes this share of the outer gap: Q stays central
    constexpr int patience = 40;
    double reference = infinity;
    for (int since = 0; !search.finished(); ++since) {
        const double goal = std::max(search.gap(), search.options.tol * search.bracket().upper);
        const MasterSolution saddle = master.solve(master_share * goal);
        search.offer_mixture(saddle.weights);
        if (search.finished()) return;
        master.add(search.try_metric(saddle.metric).moment);
        if (search.gap() < 0.5 * reference) {
            reference = search.gap();
            since = 0;
        } else if (since >= patience) {
            return search.stall();
        }
    }
}

}  // namespace spectralot::saddle
