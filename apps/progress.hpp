/// What a running command says on standard error, and Ctrl-C.
#pragma once

#include "spectralot/core/observer.hpp"

#include <string>

namespace spectralot::cli {

/// While one exists, the first Ctrl-C (or SIGTERM) asks the computation to stop with its best result and the second
/// one kills. Without one, Ctrl-C ends the program at once: right for everything that has nothing to keep.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    /// What Ctrl-C sets; for computations without a `ProgressLine`.
    [[nodiscard]] static const CancelToken& cancel_token();
};

/// Talk on standard error: a line that is rewritten on a terminal, one line per report with --verbose, else silence.
class ProgressLine {
public:
    enum class Kind { Bracket, Steps };

    /// `total`: iterations or steps expected at most.
    ProgressLine(Kind kind, int total, bool verbose);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    /// Reports here and stops on Ctrl-C. Refers to this line: the computation must end before it.
    [[nodiscard]] Observer observer();

private:
    void show(const Progress& progress);

    Kind kind_;
    int total_;
    bool verbose_;
    bool terminal_;
    bool dirty_ = false;
    double shown_at_ = 0.0;
};

}  // namespace spectralot::cli
