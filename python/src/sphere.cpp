#include "bindings.hpp"

namespace spectralot::python {

namespace {

using sphere::SphericalMeasure;

sphere::Coupling coupling_of(std::vector<int> row, std::vector<int> col, std::vector<double> a, std::vector<double> b) {
    return {std::move(row), std::move(col), std::move(a), std::move(b)};
}

Vector vector_of(const std::vector<double>& values) {
    return Eigen::Map<const Vector>(values.data(), Index(values.size()));
}

nb::dict solve_sphere(Points dirs_0, Vector masses_0, Points dirs_1, Vector masses_1, const Gauge& gauge, double tol,
                      int max_iter, double max_seconds, const ProgressCallback& callback) {
    const SphericalMeasure nu0{std::move(dirs_0), std::move(masses_0)}, nu1{std::move(dirs_1), std::move(masses_1)};
    const Observer observer = observer_for(callback);
    sphere::SphereResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result =
            sphere::solve(nu0, nu1, gauge, {.tol = tol, .max_iter = max_iter, .max_seconds = max_seconds}, observer);
    });
    Points history(Index(result.history.size()), 3);
    for (Index k = 0; k < history.rows(); ++k) {
        const HistoryRow& row = result.history[std::size_t(k)];
        history.row(k) << row.lower, row.upper, row.seconds;
    }
    nb::dict out = certified_fields(result, interrupted);
    out["rows"] = nb::cast(std::move(result.coupling.row));
    out["cols"] = nb::cast(std::move(result.coupling.col));
    out["leaving"] = vector_of(result.coupling.a);
    out["arriving"] = vector_of(result.coupling.b);
    out["u"] = std::move(result.potentials.u);
    out["v"] = std::move(result.potentials.v);
    out["metric"] = std::move(result.metric);
    out["moment"] = std::move(result.moment);
    out["history"] = std::move(history);
    return out;
}

nb::dict verify_sphere(Points dirs_0, Vector masses_0, Points dirs_1, Vector masses_1, const Gauge& gauge,
                       std::vector<int> row, std::vector<int> col, std::vector<double> a, std::vector<double> b,
                       const Matrix& metric, Vector u, Vector v, double lower, double upper) {
    const SphericalMeasure nu0{std::move(dirs_0), std::move(masses_0)}, nu1{std::move(dirs_1), std::move(masses_1)};
    const sphere::Coupling coupling = coupling_of(std::move(row), std::move(col), std::move(a), std::move(b));
    const sphere::GrowthPotentials potentials{std::move(u), std::move(v)};
    return verification_fields({lower, upper}, [&](const CancelToken& cancel) {
        return sphere::verify(nu0, nu1, gauge, coupling, metric, potentials, cancel);
    });
}

nb::dict flow_sphere(const flow::Objective& objective, Points dirs, Vector masses, const Gauge& gauge, double step,
                     int n_steps, const std::string& method, int record_every, const ProgressCallback& callback) {
    sphere::SphereFlowOptions options{.step = step, .n_steps = n_steps, .record_every = record_every};
    bool known = false;
    for (const auto& [name, value] : names(options.method)) {
        if (name != method) continue;
        options.method = value;
        known = true;
    }
    if (!known) throw_invalid("method", "must be euler, heun or rk4", "'" + method + "'");
    const Observer observer = observer_for(callback);
    sphere::SphereTrajectory result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = sphere::flow(objective, {std::move(dirs), std::move(masses)}, gauge, options, observer);
    });
    nb::list directions, all_masses;
    for (SphericalMeasure& at : result.measures) {
        directions.append(nb::cast(std::move(at.directions)));
        all_masses.append(nb::cast(std::move(at.masses)));
    }
    nb::dict out;
    out["times"] = vector_of(result.times);
    out["directions"] = directions;
    out["masses"] = all_masses;
    out["energy"] = vector_of(result.energy);
    out["dissipation"] = vector_of(result.dissipation);
    out["status"] = text(interrupted ? "interrupted" : to_string(result.status));
    out["interrupted"] = interrupted;
    return out;
}

nb::tuple arrays_of(SphericalMeasure measure) {
    return nb::make_tuple(std::move(measure.directions), std::move(measure.masses));
}

}  // namespace

void bind_sphere(nb::module_& m) {
    m.def("sphere_solve", &solve_sphere, "dirs_0"_a, "masses_0"_a, "dirs_1"_a, "masses_1"_a, "gauge"_a, "tol"_a,
          "max_iter"_a, "max_seconds"_a, "callback"_a.none());
    m.def("sphere_flow", &flow_sphere, "objective"_a, "dirs"_a, "masses"_a, "gauge"_a, "step"_a, "n_steps"_a,
          "method"_a, "record_every"_a, "callback"_a.none());
    m.def("sphere_verify", &verify_sphere);
    m.def("sphere_geodesic", [](Points dirs_0, Vector masses_0, Points dirs_1, Vector masses_1, std::vector<int> row,
                                std::vector<int> col, std::vector<double> a, std::vector<double> b, double t) {
        return arrays_of(sphere::geodesic({std::move(dirs_0), std::move(masses_0)},
                                          {std::move(dirs_1), std::move(masses_1)},
                                          coupling_of(std::move(row), std::move(col), std::move(a), std::move(b)), t));
    });
    m.def("sphere_project",
          [](const Points& X, const Vector& weights) { return arrays_of(sphere::project(X, weights)); });
    m.def("sphere_fields", [](const Points& X, const Points& V) {
        sphere::SphericalFields fields = sphere::fields(X, V);
        return nb::make_tuple(std::move(fields.growth), std::move(fields.tangential));
    });
}

}  // namespace spectralot::python
