#include "bindings.hpp"
#include "spectralot/flow/coordination.hpp"

#include <limits>

namespace spectralot::python {

namespace {

using Energy = flow::CallbackObjective::Energy;
using Force = flow::CallbackObjective::Force;

/// A Python objective that raises answers NaN: the flow then stops with the states it has, and `Foreground::run`
/// passes the exception on.
Energy in_python(Energy energy) {
    return [energy = std::move(energy)](const Points& x, const Vector& weights) {
        try {
            return Foreground::in_python([&] { return energy(x, weights); });
        } catch (const Abandoned&) {
            return std::numeric_limits<double>::quiet_NaN();
        }
    };
}

Force in_python(Force force) {
    return [force = std::move(force)](const Points& x, const Vector& weights) {
        try {
            return Foreground::in_python([&] { return force(x, weights); });
        } catch (const Abandoned&) {
            return Points(Points::Constant(x.rows(), x.cols(), std::numeric_limits<double>::quiet_NaN()));
        }
    };
}

nb::dict run_flow(const flow::Objective& objective, const DiscreteMeasure& start, const Gauge& gauge, double step,
                  int n_steps, bool force_clock, int record_every, const ProgressCallback& callback) {
    const flow::FlowOptions options{.step = step,
                                    .n_steps = n_steps,
                                    .clock = force_clock ? flow::Clock::Force : flow::Clock::Coordinate,
                                    .record_every = record_every};
    const Observer observer = observer_for(callback);
    flow::Trajectory result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = flow::run(objective, start.points, start.weights, gauge, options, observer);
    });
    nb::dict out;
    out["times"] = std::move(result.times);
    out["points"] = nb::cast(std::move(result.points));
    out["weights"] = std::move(result.weights);
    out["energy"] = std::move(result.energy);
    out["dissipation"] = std::move(result.dissipation);
    out["balance_residual"] = std::move(result.balance_residual);
    out["status"] = text(to_string(result.status));
    out["n_steps"] = result.n_steps;
    out["interrupted"] = interrupted;
    return out;
}

}  // namespace

void bind_flow(nb::module_& m) {
    nb::class_<flow::Objective>(m, "Objective", "What a flow minimises")
        .def("energy", &flow::Objective::energy, "X"_a, "weights"_a, without_gil())
        .def(
            "force",
            [](const flow::Objective& self, const Points& X, const Vector& weights) {
                Points out;
                self.force(X, weights, out);
                return out;
            },
            "X"_a, "weights"_a, without_gil());
    nb::class_<flow::Mmd, flow::Objective>(m, "Mmd").def(
        "__init__",
        [](flow::Mmd* self, const DiscreteMeasure& target, double eps) { new (self) flow::Mmd(target, {.eps = eps}); },
        "target"_a, "eps"_a);
    nb::class_<flow::CallbackObjective, flow::Objective>(m, "CallbackObjective")
        .def(
            "__init__",
            [](flow::CallbackObjective* self, Energy energy, Force force) {
                new (self) flow::CallbackObjective(in_python(std::move(energy)), in_python(std::move(force)));
            },
            "energy"_a, "force"_a);
    m.def("coordination", &flow::coordination, "X"_a, "V"_a, "weights"_a, "k"_a, without_gil());
    m.def("run_flow", &run_flow, "objective"_a, "start"_a, "gauge"_a, "step"_a, "n_steps"_a, "force_clock"_a,
          "record_every"_a, "callback"_a.none());
}

}  // namespace spectralot::python
