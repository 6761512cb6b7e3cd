/// What every stage of one solve shares: threads, the caller's cancel flag and the pivot counter.
#pragma once

#include "spectralot/core/observer.hpp"

#include <cstdint>
#include <functional>

namespace spectralot {

struct SolveContext {
    int n_threads = 1;
    CancelToken cancel;
    std::int64_t n_pivots = 0;

    [[nodiscard]] bool cancelled() const { return cancel.requested(); }
};

/// Calls body(0) … body(n_blocks - 1), each once, on up to n_threads threads (0 = all cores). The blocks must not
/// depend on each other: the result is then the same for any number of threads.
void for_each_block(int n_blocks, int n_threads, const std::function<void(int)>& body);

}  // namespace spectralot
