/// Linear assignment on the support of a sparse bistochastic plan.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/discrete/measure.hpp"

#include <vector>

namespace spectralot {

/// The permutation inside the support of the plan that carries the largest total mass: successive shortest paths.
/// Empty when cancelled, or when the support holds no permutation (then the plan is not bistochastic).
/// O(n·nnz·log n) at worst; rows that go to one target cost nothing.
std::vector<int> heaviest_permutation(const SparsePlan& plan, const CancelToken& cancel);

}  // namespace spectralot
