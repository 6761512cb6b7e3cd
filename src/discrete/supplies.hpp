/// Weights as integer supplies perturbed so that no basis of the transport problem is degenerate.
#pragma once

#include "spectralot/core/types.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace spectralot {

__extension__ typedef __int128 Int128;  // NOLINT(modernize-use-using)

/// row[i] = A_i·unit + 1 and col[j] = B_j·unit, col[0] taking the n extra, with ΣA = ΣB = total and unit > 2 max(n,m).
/// A proper subset of rows then never balances a subset of columns, so that every arc of every basis carries a positive
/// flow, and the flow of the unperturbed problem is flow/unit rounded to the nearest integer.
template <class Flow>
struct Supplies {
    std::vector<Flow> row;
    std::vector<Flow> col;
    Flow unit = 1;
    Flow total = 1;

    /// The mass (as a fraction of one) of an arc: correctly rounded up to two roundings.
    [[nodiscard]] double mass(Flow flow) const {
        // NOLINTNEXTLINE(bugprone-integer-division): it rounds to the nearest integer
        return static_cast<double>((flow + unit / 2) / unit) / static_cast<double>(total);
    }
};

/// Positive weights a and b, each meant as a_i/Σa. Exact in 64 bits where both are small integers up to a factor
/// (uniform weights); else 128 bits, which keep each a_i/Σa to about 2^-(119 - log2 max(n,m)) and at least one such
/// unit.
std::variant<Supplies<std::int64_t>, Supplies<Int128>> make_supplies(const std::vector<double>& a,
                                                                     const std::vector<double>& b);

}  // namespace spectralot
