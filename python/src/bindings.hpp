/// What the binding files share: type casters and one registration function per file.
#pragma once

#include <nanobind/eigen/dense.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "foreground.hpp"
#include "spectralot/spectralot.hpp"

namespace spectralot::python {

namespace nb = nanobind;
using namespace nb::literals;

/// For functions that compute without Python: other threads run meanwhile. What the C++ code asks of Python on the way
/// (a custom gauge) takes the GIL itself.
using without_gil = nb::call_guard<nb::gil_scoped_release>;

/// Called with (iteration, lower, upper, seconds, seconds left) after each iteration; a true answer stops the solver.
using ProgressCallback = std::function<bool(int, double, double, double, double)>;

/// An observer whose progress goes to `callback` on the calling Python thread, and whose token stops the work.
inline Observer observer_for(const ProgressCallback& callback) {
    Observer observer;
    if (callback) {
        observer.on_progress = [callback, cancel = observer.cancel](const Progress& at) {
            try {
                if (Foreground::in_python(
                        [&] { return callback(at.iteration, at.lower, at.upper, at.seconds, at.seconds_left); }))
                    cancel.request();
            } catch (const Abandoned&) {  // the solver stops with its best result; `run` rethrows what Python raised
            }
        };
    }
    return observer;
}

inline nb::str text(std::string_view value) {
    return nb::str(value.data(), value.size());
}

/// What every solver reports beside its own fields.
template <class Result>
nb::dict certified_fields(const Result& result, bool interrupted) {
    nb::dict out;
    out["lower"] = result.certificate.lower;
    out["upper"] = result.certificate.upper;
    out["converged"] = result.converged;
    out["status"] = text(to_string(result.status));
    out["n_iter"] = result.n_iter;
    out["seconds"] = result.seconds;
    out["interrupted"] = interrupted;
    return out;
}

/// What a second computation says of the bracket that a result claims; the work may be cancelled.
template <class Verify>
nb::dict verification_fields(const Certificate& claimed, const Verify& verify) {
    const CancelToken cancel;
    Verification result;
    Foreground(cancel).run_whole([&] { result = verify(cancel); });
    nb::dict out;
    out["lower"] = result.certificate.lower;
    out["upper"] = result.certificate.upper;
    out["ok"] = result.confirms(claimed);
    out["marginal_error"] = result.marginal_error;
    out["metric_excess"] = result.metric_excess;
    out["worst_slack"] = result.worst_slack;
    return out;
}

void bind_gauge(nb::module_& m);
void bind_transport(nb::module_& m);
void bind_flow(nb::module_& m);
void bind_gaussian(nb::module_& m);
void bind_dynamic(nb::module_& m);
void bind_sphere(nb::module_& m);

}  // namespace spectralot::python
