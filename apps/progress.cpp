#include "progress.hpp"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <iostream>
#include <sstream>

namespace spectralot::cli {
namespace {

const CancelToken& interrupt_token() {
    static const CancelToken token;
    return token;
}

extern "C" void on_interrupt(int signal) {
    interrupt_token().request();
    std::signal(signal, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
    interrupt_token();  // constructed here, not inside the handler
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
}

InterruptGuard::~InterruptGuard() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

const CancelToken& InterruptGuard::cancel_token() {
    return interrupt_token();
}

ProgressLine::ProgressLine(Kind kind, int total, bool verbose)
    : kind_(kind), total_(total), verbose_(verbose), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (dirty_) std::cerr << "\r\x1b[K" << std::flush;
}

Observer ProgressLine::observer() {
    Observer observer;
    observer.cancel = interrupt_token();
    if (verbose_ || terminal_) observer.on_progress = [this](const Progress& progress) { show(progress); };
    return observer;
}

void ProgressLine::show(const Progress& progress) {
    const bool rewrite = terminal_ && !verbose_;
    // A terminal sees ten lines a second, and none from a computation that ends within half a second.
    constexpr double first = 0.5, pause = 0.1;
    if (rewrite && (progress.seconds < first || progress.seconds < shown_at_ + pause)) return;
    shown_at_ = progress.seconds;
    std::ostringstream line;
    line.precision(6);
    if (kind_ == Kind::Bracket) {
        const double gap = progress.upper > 0.0 ? (progress.upper - progress.lower) / progress.upper : 0.0;
        line << "iteration " << progress.iteration << "  lower " << progress.lower << "  upper " << progress.upper
             << "  gap " << gap;
    } else {
        line << "step " << progress.iteration << " of " << total_ << "  energy " << progress.upper;
    }
    line.precision(3);
    line << "  " << progress.seconds << " s";
    line.precision(0);
    if (progress.seconds_left >= 1.0) line << ", about " << std::fixed << std::ceil(progress.seconds_left) << " s left";
    std::cerr << (rewrite ? "\r\x1b[K" : "") << line.str() << (rewrite ? "" : "\n") << std::flush;
    dirty_ = rewrite;
}

}  // namespace spectralot::cli
