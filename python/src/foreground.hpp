/// Long C++ work that stays friendly to Python: the GIL is free, Ctrl-C is seen, callbacks run where they were made.
///
/// The work runs on a second thread. The calling Python thread waits without the GIL, wakes every 50 ms to look for
/// signals, and runs whatever the work asks of Python: user code keeps its own thread, and an exception it raises
/// cancels the work and reaches the caller unchanged.
#pragma once

#include <nanobind/nanobind.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "spectralot/core/observer.hpp"

namespace spectralot::python {

/// Thrown on the working thread when Python code that it needs has raised.
class Abandoned : public std::runtime_error {
public:
    Abandoned() : std::runtime_error("Python code called by the solver raised an exception") {}
};

/// Runs `task`, which calls Python and holds the GIL. When Python fails to make an argument of such a call (Ctrl-C in
/// the middle of a copy), nanobind goes on with Python's error pending, and throws one of its own or the SystemError
/// that Python then raises: the first one is the one to pass on.
template <class Task>
auto with_python_errors(const Task& task) -> decltype(task()) {
    try {
        return task();
    } catch (nanobind::python_error& error) {
        const nanobind::object cause = nanobind::steal(PyException_GetCause(error.value().ptr()));
        if (!error.matches(PyExc_SystemError) || !cause.is_valid()) throw;
        PyErr_SetObject(cause.type().ptr(), cause.ptr());
        throw nanobind::python_error();
    } catch (...) {
        if (PyErr_Occurred() != nullptr) throw nanobind::python_error();
        throw;
    }
}

class Foreground {
public:
    explicit Foreground(CancelToken cancel) : cancel_(std::move(cancel)) {}

    /// Runs `work` to its end; the GIL is held on entry and on return. True if Ctrl-C cancelled it. Rethrows what
    /// `work` threw, and any other Python exception raised meanwhile.
    bool run(const std::function<void()>& work);

    /// The same for work that has nothing to show before its end: Ctrl-C is raised.
    void run_whole(const std::function<void()>& work);

    /// Runs `task` under the GIL: on the waiting Python thread when called from inside `run`, else right here.
    /// Throws Abandoned if the task raised.
    template <class Task>
    static auto in_python(Task task) -> decltype(task());

private:
    void submit(const std::function<void()>& task);
    void serve(const std::function<void()>* task);

    static thread_local Foreground* current_;  ///< set on the working thread only

    CancelToken cancel_;
    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void()>* task_ = nullptr;
    bool task_failed_ = false;
    bool done_ = false;
    std::optional<nanobind::python_error> raised_;
    std::exception_ptr error_;
};

template <class Task>
auto Foreground::in_python(Task task) -> decltype(task()) {
    if (current_ == nullptr) {
        const nanobind::gil_scoped_acquire held;
        return with_python_errors(task);
    }
    std::optional<decltype(task())> result;
    current_->submit([&] { result.emplace(task()); });
    return *std::move(result);
}

}  // namespace spectralot::python
