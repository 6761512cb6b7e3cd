/// Newton–Schulz iterations: an inexact polar factor by matrix products alone, as optimizers use it (math.md §6).
#pragma once

#include "spectralot/core/types.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace spectralot::flow {

enum class Schedule {
    Exact,         ///< no iteration: the singular value decomposition
    Cubic,         ///< ½Z(3I-ZᵀZ), converges quadratically, slowly from small singular values
    Quintic,       ///< (15/8, -10/8, 3/8): order three
    Muon,          ///< (3.4445, -4.7750, 2.0315): fast from small values, never converges: 0.68 … 1.13
    PolarExpress,  ///< the eight minimax quintics of Amsel et al. 2025 for values ≥ 1e-3, then Quintic
};

/// The names that Python, JSON and the command line use.
constexpr auto names(Schedule) {
    return std::to_array<std::pair<std::string_view, Schedule>>({{"exact", Schedule::Exact},
                                                                 {"cubic", Schedule::Cubic},
                                                                 {"quintic", Schedule::Quintic},
                                                                 {"muon", Schedule::Muon},
                                                                 {"polar_express", Schedule::PolarExpress}});
}

/// Z_k from Z_0 = diag(√weights)·G/α by Z ← Z(aI + bZᵀZ + c(ZᵀZ)²) with the schedule's (a, b, c); returned without the
/// factor diag(√weights): G·M with M d×d symmetric. α = `bound`, or the Frobenius norm of diag(√weights)·G if bound is
/// 0. With enough iterations Z tends to the polar factor (Muon's to a matrix with singular values in [0.68, 1.13]);
/// five iterations are commonly 10–30 % away. Works on the d×d Gram matrix, O(nd² + iterations·d³), so singular
/// values below 1e-8 of the largest are noise. NaN if bound is exceeded by the largest singular value.
/// Throws InvalidArgument for the schedule Exact, iterations < 1, bound < 0, NaN or infinity.
Points newton_schulz(const Points& G, const Vector& weights, Schedule schedule, int iterations = 5, double bound = 0.0);

/// The matrix M above from S = Gᵀ diag(weights) G.
Matrix newton_schulz_map(const Matrix& S, Schedule schedule, int iterations, double bound);

}  // namespace spectralot::flow
