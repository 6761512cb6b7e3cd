#include "discrete/context.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace spectralot {

void for_each_block(int n_blocks, int n_threads, const std::function<void(int)>& body) {
    const int available =
        n_threads > 0 ? n_threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const int used = std::min(available, n_blocks);
    std::atomic<int> next{0};
    const auto work = [&] {
        for (int block = next++; block < n_blocks; block = next++) body(block);
    };
    std::vector<std::jthread> helpers;
    for (int t = 1; t < used; ++t) helpers.emplace_back(work);
    work();
}

}  // namespace spectralot
