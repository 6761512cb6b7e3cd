#include "bindings.hpp"

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
    nb::dict out;
    out["lower"] = result.certificate.lower;
    out["upper"] = result.certificate.upper;
    out["converged"] = result.converged;
    out["status"] = text(to_string(result.status));
    out["n_iter"] = result.n_iter;
    out["seconds"] = result.seconds;
    out["cross_covariance"] = std::move(result.cross_covariance);
    out["metric"] = std::move(result.metric);
    out["moment"] = std::move(result.moment);
    out["interrupted"] = interrupted;
    return out;
}

}  // namespace

void bind_gaussian(nb::module_& m) {
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
