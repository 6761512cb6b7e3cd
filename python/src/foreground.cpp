#include "foreground.hpp"

#include <chrono>
#include <thread>

namespace spectralot::python {

namespace nb = nanobind;

thread_local Foreground* Foreground::current_ = nullptr;

namespace {

/// Ctrl-C, also where it struck while an array was being converted: a SystemError that KeyboardInterrupt caused.
bool is_interrupt(const nb::python_error& error) {
    if (error.matches(PyExc_KeyboardInterrupt)) return true;
    return error.matches(PyExc_SystemError) &&
           PyObject_IsInstance(nb::object(error.value().attr("__cause__")).ptr(), PyExc_KeyboardInterrupt) == 1;
}

}  // namespace

bool Foreground::run(const std::function<void()>& work) {
    std::thread worker([&] {
        current_ = this;
        try {
            work();
        } catch (...) {
            if (!error_) error_ = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        done_ = true;
        changed_.notify_all();
    });
    {
        const nb::gil_scoped_release released;
        std::unique_lock lock(mutex_);
        while (!done_) {
            changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return done_ || task_ != nullptr; });
            if (done_) break;
            const auto* task = task_;
            lock.unlock();
            serve(task);
            lock.lock();
            if (task != nullptr) {
                task_ = nullptr;
                changed_.notify_all();
            }
        }
    }
    worker.join();
    const bool interrupted = raised_ && is_interrupt(*raised_);
    if (raised_ && (!interrupted || error_)) throw std::move(*raised_);
    if (error_) std::rethrow_exception(error_);
    return interrupted;
}

void Foreground::run_whole(const std::function<void()>& work) {
    if (run(work)) throw std::move(*raised_);
}

void Foreground::serve(const std::function<void()>* task) {
    const nb::gil_scoped_acquire held;
    try {
        if (task != nullptr) {
            task_failed_ = true;
            with_python_errors(*task);
            task_failed_ = false;
        }
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    } catch (nb::python_error& error) {
        if (!raised_) raised_.emplace(std::move(error));
        cancel_.request();
    } catch (...) {
        error_ = std::current_exception();
        cancel_.request();
    }
}

void Foreground::submit(const std::function<void()>& task) {
    std::unique_lock lock(mutex_);
    task_ = &task;
    changed_.notify_all();
    changed_.wait(lock, [&] { return task_ == nullptr; });
    if (task_failed_) throw Abandoned();
}

}  // namespace spectralot::python
