/// Progress and cancellation: the only way a running solver talks to its caller.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

namespace spectralot {

/// A flag shared between the caller and a running solver; copies share the flag. Safe to set from another thread
/// or from a signal handler.
class CancelToken {
public:
    CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

    void request() const noexcept { flag_->store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool requested() const noexcept { return flag_->load(std::memory_order_relaxed); }

private:
    std::shared_ptr<std::atomic<bool>> flag_;
};

/// What a solver reports after each outer iteration. `lower` and `upper` bracket the squared cost.
struct Progress {
    int iteration = 0;
    double lower = 0.0;
    double upper = 0.0;
    double seconds = 0.0;
};

struct Observer {
    std::function<void(const Progress&)> on_progress;  ///< called on the solver's thread; empty = silent
    CancelToken cancel;                                ///< request() stops the solver with its best result

    void report(const Progress& progress) const {
        if (on_progress) on_progress(progress);
    }
};

}  // namespace spectralot
