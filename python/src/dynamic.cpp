#include "bindings.hpp"
#include "spectralot/io/png.hpp"

namespace spectralot::python {

namespace {

template <class Solve>
nb::dict run_dynamic(const ProgressCallback& callback, Solve&& solve) {
    const Observer observer = observer_for(callback);
    dynamic::DynamicResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] { result = solve(observer); });
    nb::dict out = certified_fields(result, interrupted);
    out["n_coarse"] = result.n_coarse;
    out["density"] = std::move(result.density);
    out["momentum"] = nb::cast(std::move(result.momentum));
    out["growth"] = std::move(result.growth);
    out["action"] = std::move(result.action);
    out["metrics"] = nb::cast(std::move(result.metrics));
    nb::list history;
    for (const Progress& at : result.history)
        history.append(nb::make_tuple(at.iteration, at.lower, at.upper, at.seconds));
    out["history"] = std::move(history);
    return out;
}

nb::dict solve_grid(const Vector& density_0, const Vector& density_1, std::vector<int> shape,
                    std::vector<double> lengths, bool periodic, std::vector<bool> mask, const Gauge& gauge, int n_times,
                    double tol, int max_iter, double max_seconds, int n_threads, bool coarse_start,
                    const ProgressCallback& callback) {
    const dynamic::Grid grid{
        .shape = std::move(shape),
        .lengths = std::move(lengths),
        .boundary = periodic ? dynamic::Boundary::Periodic : dynamic::Boundary::NoFlux,
        .mask = std::move(mask),
    };
    const dynamic::DynamicOptions options{.n_times = n_times,
                                          .tol = tol,
                                          .max_iter = max_iter,
                                          .max_seconds = max_seconds,
                                          .n_threads = n_threads,
                                          .coarse_start = coarse_start};
    return run_dynamic(callback, [&](const Observer& observer) {
        return dynamic::solve(density_0, density_1, grid, gauge, options, observer);
    });
}

nb::dict solve_circle(const Vector& masses_0, const Vector& masses_1, const Gauge& gauge, int n_times, double tol,
                      int max_iter, double max_seconds, const ProgressCallback& callback) {
    const dynamic::DynamicOptions options{
        .n_times = n_times, .tol = tol, .max_iter = max_iter, .max_seconds = max_seconds};
    return run_dynamic(callback, [&](const Observer& observer) {
        return dynamic::solve_circle(masses_0, masses_1, gauge, options, observer);
    });
}

}  // namespace

void bind_dynamic(nb::module_& m) {
    m.def("dynamic_solve", &solve_grid, "density_0"_a, "density_1"_a, "shape"_a, "lengths"_a, "periodic"_a, "mask"_a,
          "gauge"_a, "n_times"_a, "tol"_a, "max_iter"_a, "max_seconds"_a, "n_threads"_a, "coarse_start"_a,
          "callback"_a.none());
    m.def("dynamic_circle", &solve_circle, "masses_0"_a, "masses_1"_a, "gauge"_a, "n_times"_a, "tol"_a, "max_iter"_a,
          "max_seconds"_a, "callback"_a.none());
    nb::exception<FileError>(m, "FileError", PyExc_OSError);
    m.def("read_png", [](const std::string& path) { return io::read_png(std::filesystem::path(path)); }, "path"_a);
    m.def("dynamic_action", [](const Vector& mass, const Points& momentum, const Gauge& gauge) {
        return dynamic::action(mass, momentum, gauge);
    });
}

}  // namespace spectralot::python
