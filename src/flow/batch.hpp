/// Mini-batches that are functions of (seed, step): nothing to store, nothing to replay.
#pragma once

#include "spectralot/core/types.hpp"

#include <cstdint>
#include <vector>

namespace spectralot::flow {

/// `size` indices, uniform in 0 … n-1 with repetition. The generator is splitmix64 (Steele, Lea, Flood 2014), started
/// from a mix of seed and step; the bias of the reduction to n is below n/2^64.
inline void draw_batch(std::int64_t seed, int step, Index n, int size, std::vector<Index>& batch) {
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
    const auto mix = [](std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    };
    std::uint64_t state = mix(mix(static_cast<std::uint64_t>(seed) + golden) + static_cast<std::uint64_t>(step));
    batch.resize(static_cast<std::size_t>(size));
    for (Index& index : batch) {
        state += golden;
        index = static_cast<Index>(mix(state) % static_cast<std::uint64_t>(n));
    }
}

}  // namespace spectralot::flow
