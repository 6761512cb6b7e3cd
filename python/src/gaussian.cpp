#include <nanobind/stl/pair.h>
#include "bindings.hpp"

#include <limits>

namespace spectralot::python {

namespace {

using gaussian::Gaussian;

nb::dict solve_gaussian(Vector m0, Matrix S0, Vector m1, Matrix S1, const Gauge& gauge, double tol, int max_iter,
                        const ProgressCallback& callback) {
    const Gaussian mu{std::move(m0), std::move(S0)}, nu{std::move(m1), std::move(S1)};
    const Observer observer = observer_for(callback);
    gaussian::GaussianResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = gaussian::solve(mu, nu, gauge, {.tol = tol, .max_iter = max_iter}, observer);
    });
    nb::dict out = certified_fields(result, interrupted);
    out["cross_covariance"] = std::move(result.cross_covariance);
    out["metric"] = std::move(result.metric);
    out["moment"] = std::move(result.moment);
    return out;
}

using PythonEnergy = std::function<double(const Vector&, const Matrix&)>;
using PythonForce = std::function<std::pair<Matrix, Vector>(const Vector&, const Matrix&)>;

/// A Python objective that raises answers NaN: the flow then stops with the states it has, and `Foreground::run`
/// passes the exception on.
gaussian::CallbackObjective callback_objective(PythonEnergy energy, PythonForce force) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {[energy = std::move(energy)](const Gaussian& at) {
                try {
                    return Foreground::in_python([&] { return energy(at.mean, at.covariance); });
                } catch (const Abandoned&) {
                    return nan;
                }
            },
            [force = std::move(force), nan](const Gaussian& at) -> gaussian::AffineForce {
                try {
                    auto [H, b] = Foreground::in_python([&] { return force(at.mean, at.covariance); });
                    return {std::move(H), std::move(b)};
                } catch (const Abandoned&) {
                    const Index d = at.dimension();
                    return {Matrix::Constant(d, d, nan), Vector::Constant(d, nan)};
                }
            }};
}

nb::dict run_gaussian_flow(const gaussian::Objective& objective, Vector mean, Matrix covariance, const Gauge& gauge,
                           double t_max, double rtol, double rank_tol, int max_steps) {
    const Gaussian start{std::move(mean), std::move(covariance)};
    const Observer observer;
    gaussian::Trajectory result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = gaussian::flow(objective, start, gauge, t_max,
                                {.rtol = rtol, .rank_tol = rank_tol, .max_steps = max_steps}, observer);
    });
    std::vector<Vector> means;
    std::vector<Matrix> covariances;
    for (Gaussian& at : result.gaussians) {
        means.push_back(std::move(at.mean));
        covariances.push_back(std::move(at.covariance));
    }
    nb::dict out;
    out["times"] = std::move(result.times);
    out["means"] = nb::cast(std::move(means));
    out["covariances"] = nb::cast(std::move(covariances));
    out["energy"] = std::move(result.energy);
    out["dissipation"] = std::move(result.dissipation);
    out["balance_residual"] = std::move(result.balance_residual);
    out["event_times"] = std::move(result.event_times);
    out["event_ranks"] = nb::cast(std::move(result.event_ranks));
    out["status"] = text(to_string(result.status));
    out["interrupted"] = interrupted;
    return out;
}

GaussianMixture mixture_of(const Vector& weights, const Points& means, std::vector<Matrix> covariances) {
    GaussianMixture mixture{weights, {}};
    for (Index k = 0; k < means.rows(); ++k)
        mixture.components.push_back({means.row(k), std::move(covariances[std::size_t(k)])});
    return mixture;
}

nb::dict run_mixture(const Vector& a, const Points& means_a, std::vector<Matrix> covariances_a, const Vector& b,
                     const Points& means_b, std::vector<Matrix> covariances_b, const Gauge& gauge, double tol,
                     int max_iter, const ProgressCallback& callback) {
    const GaussianMixture mu = mixture_of(a, means_a, std::move(covariances_a));
    const GaussianMixture nu = mixture_of(b, means_b, std::move(covariances_b));
    const Observer observer = observer_for(callback);
    MixtureResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = solve_mixture(mu, nu, gauge, {.tol = tol, .max_iter = max_iter}, observer);
    });
    nb::dict out = certified_fields(result, interrupted);
    out["plan"] = std::move(result.plan);
    out["metric"] = std::move(result.metric);
    out["moment"] = std::move(result.moment);
    return out;
}

nb::dict run_barycenter(const Points& means, std::vector<Matrix> covariances, const Vector& weights, const Gauge& gauge,
                        double tol, int max_iter, const ProgressCallback& callback) {
    const std::vector<Gaussian> components = mixture_of({}, means, std::move(covariances)).components;
    const Observer observer = observer_for(callback);
    gaussian::BarycenterResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = gaussian::barycenter(components, weights, gauge, {.tol = tol, .max_iter = max_iter}, observer);
    });
    nb::dict out = certified_fields(result, interrupted);
    out["mean"] = std::move(result.gaussian.mean);
    out["covariance"] = std::move(result.gaussian.covariance);
    out["metrics"] = nb::cast(std::move(result.metrics));
    return out;
}

nb::dict run_modal_flow(const Vector& r0, const Vector& s0, const Vector& beta, double p, double t_max, double rtol) {
    const CancelToken cancel;
    gaussian::ModalTrajectory result;
    const bool interrupted =
        Foreground(cancel).run([&] { result = gaussian::modal_flow(r0, s0, beta, p, t_max, {.rtol = rtol}, cancel); });
    nb::list events;
    for (const gaussian::ModalEvent& event : result.events) {
        const char* const names[] = {"lost_a", "lost_b", "settled"};
        events.append(nb::make_tuple(event.time, event.mode, names[int(event.kind)]));
    }
    nb::dict out;
    out["times"] = std::move(result.times);
    out["r"] = std::move(result.r);
    out["s"] = std::move(result.s);
    out["invariant"] = std::move(result.invariant);
    out["energy"] = std::move(result.energy);
    out["dissipation"] = std::move(result.dissipation);
    out["balance_residual"] = std::move(result.balance_residual);
    out["events"] = std::move(events);
    out["status"] = text(to_string(result.status));
    out["interrupted"] = interrupted;
    return out;
}

}  // namespace

void bind_gaussian(nb::module_& m) {
    nb::class_<gaussian::Objective>(m, "GaussianObjective", "What a Gaussian flow minimises")
        .def(
            "energy",
            [](const gaussian::Objective& self, Vector mean, Matrix covariance) {
                return self.energy({std::move(mean), std::move(covariance)});
            },
            "m"_a, "S"_a)
        .def(
            "force",
            [](const gaussian::Objective& self, Vector mean, Matrix covariance) {
                gaussian::AffineForce force = self.force({std::move(mean), std::move(covariance)});
                return nb::make_tuple(std::move(force.H), std::move(force.b));
            },
            "m"_a, "S"_a);
    nb::class_<gaussian::KullbackLeibler, gaussian::Objective>(m, "KullbackLeibler")
        .def("__init__", [](gaussian::KullbackLeibler* self, Vector mean, Matrix covariance) {
            new (self) gaussian::KullbackLeibler({std::move(mean), std::move(covariance)});
        });
    nb::class_<gaussian::LinearNetwork, gaussian::Objective>(m, "LinearNetwork")
        .def("__init__", [](gaussian::LinearNetwork* self, Matrix teacher, Matrix inputs) {
            new (self) gaussian::LinearNetwork(std::move(teacher), std::move(inputs));
        });
    nb::class_<gaussian::CallbackObjective, gaussian::Objective>(m, "GaussianCallbackObjective")
        .def("__init__", [](gaussian::CallbackObjective* self, PythonEnergy energy, PythonForce force) {
            new (self) gaussian::CallbackObjective(callback_objective(std::move(energy), std::move(force)));
        });
    m.def("gaussian_kl", [](Vector m0, Matrix S0, Vector m1, Matrix S1) {
        return gaussian::kl({std::move(m0), std::move(S0)}, {std::move(m1), std::move(S1)});
    });
    m.def("gaussian_velocity", [](const gaussian::Objective& objective, Vector mean, Matrix covariance,
                                  const Gauge& gauge, double rank_tol) {
        gaussian::Velocity v = gaussian::velocity(objective, {std::move(mean), std::move(covariance)}, gauge, rank_tol);
        return nb::make_tuple(std::move(v.mean), std::move(v.covariance), v.dissipation);
    });
    m.def("gaussian_flow", &run_gaussian_flow);
    m.def("modal_flow", &run_modal_flow);
    m.def("gaussian_mixture", &run_mixture, "a"_a, "means_a"_a, "covariances_a"_a, "b"_a, "means_b"_a,
          "covariances_b"_a, "gauge"_a, "tol"_a, "max_iter"_a, "callback"_a.none());
    m.def("gaussian_barycenter", &run_barycenter, "means"_a, "covariances"_a, "weights"_a, "gauge"_a, "tol"_a,
          "max_iter"_a, "callback"_a.none());
    m.def("gaussian_solve", &solve_gaussian, "m0"_a, "S0"_a, "m1"_a, "S1"_a, "gauge"_a, "tol"_a, "max_iter"_a,
          "callback"_a.none());
    m.def("gaussian_check",
          [](Vector mean, Matrix covariance, const std::string& mean_name, const std::string& covariance_name) {
              gaussian::check_gaussian({std::move(mean), std::move(covariance)}, mean_name, covariance_name);
          });
    m.def("gaussian_geodesic",
          [](Vector m0, Matrix S0, Vector m1, Matrix S1, const Gauge& gauge, const Matrix& cross, double t) {
              Gaussian at =
                  gaussian::geodesic({std::move(m0), std::move(S0)}, {std::move(m1), std::move(S1)}, gauge, cross, t);
              return nb::make_tuple(std::move(at.mean), std::move(at.covariance));
          });
    m.def("gaussian_map", [](Vector m0, Matrix S0, Vector m1, Matrix S1, const Matrix& cross) {
        return gaussian::affine_map({std::move(m0), std::move(S0)}, {std::move(m1), std::move(S1)}, cross);
    });
}

}  // namespace spectralot::python
