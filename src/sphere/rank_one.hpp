/// The operator norm where its metric has rank one, Q = ωωᵀ.
///
/// All pairs on one side of ω have K_ij = (x_i·ω)(y_j·ω): the fixed metric is solved by u_i = r(x_i·ω)², v_j =
/// (y_j·ω)²/r, r² = B/A, with A = Σ a_i(x_i·ω)² and B = Σ b_j(y_j·ω)² over that side, and is worth (√A - √B)², to be
/// maximised over ω. Every P between the weights a_i(x_i·ω)²/A and b_j(y_j·ω)²/B is optimal, and gives the same Sω,
/// which is a multiple of ω where ω is best: it is a saddle as soon as the rest of S is no larger. That rest is the
/// second moment of the displacement from √A x_i/(x_i·ω) to √B y_j/(y_j·ω), across ω; exact transport makes its trace
/// least.
#pragma once

#include "spectralot/core/observer.hpp"
#include "sphere/reduced_pair.hpp"

namespace spectralot::sphere {

struct RankOneSaddle {
    Vector axis;                  ///< ω
    GrowthPotentials potentials;  ///< feasible for ωωᵀ
    Coupling coupling;            ///< at most n + m - 1 pairs on either side
};

/// The best local maximum over ω that Newton's method reaches from the axes of `guess`. Whether it is a saddle is for a
/// certificate to say. O(nd²) for every step, and an exact transport in d - 1 dimensions (d ≥ 2).
RankOneSaddle rank_one_saddle(const ReducedPair& pair, const Matrix& guess, const CancelToken& cancel);

}  // namespace spectralot::sphere
