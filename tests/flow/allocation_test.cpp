/// Counts large allocations by standing in for malloc, which sanitizers do themselves.
#include "spectralot/flow/attention.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/flow/potential.hpp"
#include "spectralot/flow/run.hpp"
#include "spectralot/flow/two_layer.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPECTRALOT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SPECTRALOT_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SPECTRALOT_SANITIZED)
namespace {
std::atomic<std::size_t> threshold{0};
std::atomic<int> n_large{0};
std::atomic<std::size_t> largest{0};  ///< of those
}  // namespace

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) {
    const std::size_t least = threshold.load(std::memory_order_relaxed);
    if (least != 0 && size >= least) {
        n_large.fetch_add(1, std::memory_order_relaxed);
        if (size > largest.load(std::memory_order_relaxed)) largest.store(size, std::memory_order_relaxed);
    }
    return __libc_malloc(size);
}

namespace spectralot::flow {
namespace {

using testing::normal_cloud;

int large_allocations(const Objective& f, const Points& x, FlowOptions options, int n_steps) {
    options.n_steps = n_steps;
    options.record_every = 1000;
    n_large = 0;
    threshold = static_cast<std::size_t>(x.rows()) * sizeof(double);
    run(f, x, {}, operator_gauge(), options);
    threshold = 0;
    return n_large;
}

TEST(Run, StepsAllocateNothingOfTheSizeOfTheCloud) {
    const Points x = normal_cloud(600, 3, 1);
    const Mmd mmd({3.0 * normal_cloud(500, 3, 2), {}});  // a radial, well-conditioned force
    const Quadratic spring(Vector::Zero(3));
    const TwoLayer relu(normal_cloud(400, 2, 3), normal_cloud(400, 1, 4), activation("relu"));
    const FlowOptions all[] = {{.step = 1e-3},
                               {.step = 1e-3, .clock = Clock::Coordinate, .step_cap = 1e-3},
                               {.step = 1e-3, .method = Method::Heun},
                               {.step = 1e-3, .method = Method::Rk4, .momentum = 0.1},
                               {.step = 1e-3, .method = Method::Descent}};
    for (const FlowOptions& options : all) {
        for (const Objective* f : {static_cast<const Objective*>(&mmd), static_cast<const Objective*>(&spring),
                                   static_cast<const Objective*>(&relu)}) {
            large_allocations(*f, x, options, 2);  // thread-local work space
            const int few = large_allocations(*f, x, options, 3), many = large_allocations(*f, x, options, 30);
            EXPECT_GT(few, 0);
            EXPECT_EQ(many, few);
        }
    }
}

TEST(Objectives, NoneHoldsAMatrixOfAllPairs) {
    const Index n = 3000, m = 3500;
    const Points x = normal_cloud(n, 3, 1), y = normal_cloud(m, 3, 2), z = normal_cloud(m, 2, 3);
    const Mmd energy({y, {}}), gaussian({y, {}}, {.kernel = MmdKernel::Gaussian, .eps = 1.0});
    const TwoLayer relu(z, normal_cloud(m, 1, 4), activation("relu")),
        tanh(z, normal_cloud(m, 1, 4), activation("tanh"));
    const Interaction spring({[](const Points& d) -> Vector { return d.rowwise().squaredNorm(); },
                              [](const Points& d) -> Points { return 2.0 * d; }});
    for (const Objective* f : {static_cast<const Objective*>(&energy), static_cast<const Objective*>(&gaussian),
                               static_cast<const Objective*>(&relu), static_cast<const Objective*>(&tanh),
                               static_cast<const Objective*>(&spring)}) {
        Points force;
        largest = 0;
        threshold = 1;
        f->energy_and_force(x, testing::equal_weights(n), force);
        threshold = 0;
        EXPECT_GT(largest, 0u);
        EXPECT_LE(largest, 64 * static_cast<std::size_t>(n + m) * sizeof(double));
    }
}

TEST(Attention, ForcesReuseTheirWorkSpace) {
    // Without the selector, whose path for ill-conditioned forces has a work space of its own.
    const Points tokens = normal_cloud(16, 3, 5), heads = normal_cloud(600, 12, 6);
    const Attention f(tokens, tokens, {.d_head = 1, .n_tokens = 4});
    const Vector w = testing::equal_weights(600);
    Points force;
    f.force(heads, w, force);
    n_large = 0;
    threshold = 600 * sizeof(double);
    f.force(heads, w, force);
    threshold = 0;
    EXPECT_EQ(n_large, 0);
}

}  // namespace
}  // namespace spectralot::flow
#endif
