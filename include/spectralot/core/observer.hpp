/// Progress and cancellation: the only way a running solver talks to its caller.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>

namespace spectralot {

/// A flag shared between the caller and a running solver; copies share the flag. Safe to set from another thread
/// or from a signal handler.
class CancelToken {
public:
    CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

    void request() const noexcept { flag_->store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool requested() const noexcept {
        return flag_->load(std::memory_order_relaxed) ||
               (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_);
    }
    /// A token with the same flag that also stops its solver `seconds` from now (infinity: never).
    [[nodiscard]] CancelToken within(double seconds) const {
        constexpr double longest = 1e9;  // a generation
        CancelToken token = *this;
        if (seconds < longest) {
            token.deadline_ =
                Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        }
        return token;
    }

private:
    using Clock = std::chrono::steady_clock;
    std::shared_ptr<std::atomic<bool>> flag_;
    Clock::time_point deadline_ = Clock::time_point::max();
};

/// What a solver reports after each outer iteration. `lower` and `upper` bracket the squared cost.
struct Progress {
    int iteration = 0;
    double lower = 0.0;
    double upper = 0.0;
    double seconds = 0.0;
    double seconds_left = std::numeric_limits<double>::quiet_NaN();  ///< estimate; NaN: no basis for one
};

struct Observer {
    std::function<void(const Progress&)> on_progress;  ///< called on the solver's thread; empty = silent
    CancelToken cancel;                                ///< request() stops the solver with its best result

    void report(const Progress& progress) const {
        if (on_progress) on_progress(progress);
    }
};

}  // namespace spectralot
