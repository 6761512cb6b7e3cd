#include "bindings.hpp"

#include <nanobind/stl/shared_ptr.h>

#include <limits>

namespace spectralot::python {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A Python function that raises answers `instead` of its arguments, NaN: the flow then stops with the states it has,
/// and `Foreground::run` passes the exception on.
template <class Result, class... Arguments, class Instead>
std::function<Result(const Arguments&...)> in_python(std::function<Result(const Arguments&...)> function,
                                                     Instead instead) {
    return [function = std::move(function), instead](const Arguments&... arguments) -> Result {
        try {
            return Foreground::in_python([&] { return function(arguments...); });
        } catch (const Abandoned&) {
            return instead(arguments...);
        }
    };
}

constexpr auto nan_like = [](const Points& x, const auto&...) -> Points {
    return Points::Constant(x.rows(), x.cols(), nan);
};

flow::ScalarField scalar_field(std::function<Vector(const Points&)> value,
                               std::function<Points(const Points&)> gradient) {
    return {in_python(std::move(value), [](const Points& x) -> Vector { return Vector::Constant(x.rows(), nan); }),
            in_python(std::move(gradient), nan_like)};
}

template <class Enum>
Enum enum_named(const std::string& argument, const std::string& name) {
    for (const auto& [text, value] : names(Enum{}))
        if (text == name) return value;
    throw_invalid(argument, "must be a known name", "'" + name + "'");
}

/// The fields of an options struct from a dictionary; what it lacks keeps its default.
template <class Options>
Options options_from(const nb::dict& given) {
    Options options;
    visit_fields(options, [&](const char* name, auto& field, const char*) {
        using Field = std::remove_reference_t<decltype(field)>;
        if (!given.contains(name)) return;
        if constexpr (std::is_enum_v<Field>)
            field = enum_named<Field>(name, nb::cast<std::string>(given[name]));
        else
            field = nb::cast<Field>(given[name]);
    });
    return options;
}

/// The scalars of a state, by name.
template <class State, class Visit>
void visit_state(State& state, const Visit& visit) {
    visit("step", state.step);
    visit("time", state.time);
    visit("time_rest", state.time_rest);
    visit("dissipated", state.dissipated);
    visit("dissipated_rest", state.dissipated_rest);
    visit("start_energy", state.start_energy);
    visit("trial_step", state.trial_step);
}

nb::dict to_dict(flow::FlowState state) {
    nb::dict out;
    visit_state(state, [&](const char* name, const auto& field) { out[name] = field; });
    out["points"] = std::move(state.points);
    out["weights"] = state.weights.size() ? nb::cast(std::move(state.weights)) : nb::none();
    out["momentum"] = state.momentum.size() ? nb::cast(std::move(state.momentum)) : nb::none();
    return out;
}

flow::FlowState state_from(const nb::dict& given) {
    flow::FlowState state;
    visit_state(state, [&](const char* name, auto& field) {
        field = nb::cast<std::remove_reference_t<decltype(field)>>(given[name]);
    });
    state.points = nb::cast<Points>(given["points"]);
    if (!given["weights"].is_none()) state.weights = nb::cast<Vector>(given["weights"]);
    if (!given["momentum"].is_none()) state.momentum = nb::cast<Points>(given["momentum"]);
    return state;
}

nb::dict run_flow(const flow::Objective& objective, const nb::dict& start, const Gauge& gauge, const nb::dict& options,
                  const ProgressCallback& callback) {
    const auto flow_options = options_from<flow::FlowOptions>(options);
    flow::FlowState state = state_from(start);
    const Observer observer = observer_for(callback);
    flow::Trajectory result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = flow::run(objective, std::move(state), gauge, flow_options, observer);
    });
    nb::list descent;
    for (const bool fell : result.descent) descent.append(fell);
    nb::dict out;
    out["times"] = std::move(result.times);
    out["points"] = nb::cast(std::move(result.points));
    out["weights"] = std::move(result.weights);
    out["energy"] = std::move(result.energy);
    out["dissipation"] = std::move(result.dissipation);
    out["balance_residual"] = std::move(result.balance_residual);
    out["kinetic"] = std::move(result.kinetic);
    out["descent"] = descent;
    out["dissipation_is_dual"] = result.dissipation_is_dual;
    out["status"] = text(to_string(result.status));
    out["reason"] = result.reason;
    out["n_steps"] = result.n_steps;
    out["state"] = to_dict(std::move(result.state));
    out["interrupted"] = interrupted;
    return out;
}

nb::dict jko_step(const flow::Objective& objective, const DiscreteMeasure& start, const Gauge& gauge, double tau,
                  const nb::dict& options, const ProgressCallback& callback) {
    const auto jko_options = options_from<flow::JkoOptions>(options);
    const Observer observer = observer_for(callback);
    flow::JkoResult result;
    const bool interrupted = Foreground(observer.cancel).run([&] {
        result = flow::jko_step(objective, start.points, start.weights, gauge, tau, jko_options, observer);
    });
    nb::dict out;
    out["points"] = std::move(result.points);
    out["energy_before"] = result.energy_before;
    out["energy"] = result.energy_after;
    out["pairing_cost"] = result.pairing_cost;
    out["lower"] = result.transport.lower;
    out["upper"] = result.transport.upper;
    out["certified"] = result.certified;
    out["gap"] = result.gap;
    out["n_iter"] = result.n_iter;
    out["converged"] = result.converged;
    out["status"] = text(interrupted ? "interrupted" : to_string(result.status));
    return out;
}

}  // namespace

void bind_flow(nb::module_& m) {
    using flow::Objective;
    nb::class_<Objective>(m, "Objective", "What a flow minimises")
        .def("energy", &Objective::energy, "X"_a, "weights"_a, without_gil())
        .def(
            "force",
            [](const Objective& self, const Points& X, const Vector& weights) {
                Points out;
                self.force(X, weights, out);
                return out;
            },
            "X"_a, "weights"_a, without_gil())
        .def(
            "batch_force",
            [](const Objective& self, const Points& X, const Vector& weights, const std::vector<Index>& indices) {
                Points out;
                self.batch_force(X, weights, indices, out);
                return out;
            },
            "X"_a, "weights"_a, "indices"_a, without_gil())
        .def_prop_ro("smoothness", &Objective::smoothness)
        .def_prop_ro("n_data", &Objective::n_data);
    nb::class_<flow::Mmd, Objective>(m, "Mmd").def(
        "__init__",
        [](flow::Mmd* self, const DiscreteMeasure& target, const nb::dict& options) {
            new (self) flow::Mmd(target, options_from<flow::MmdOptions>(options));
        },
        "target"_a, "options"_a);
    nb::class_<flow::Potential, Objective>(m, "Potential")
        .def(
            "__init__",
            [](flow::Potential* self, std::function<Vector(const Points&)> h,
               std::function<Points(const Points&)> grad_h, std::optional<double> smoothness) {
                new (self) flow::Potential(scalar_field(std::move(h), std::move(grad_h)), smoothness);
            },
            "h"_a, "grad_h"_a, "smoothness"_a.none());
    nb::class_<flow::Quadratic, Objective>(m, "Quadratic").def(nb::init<Vector, double>(), "centre"_a, "stiffness"_a);
    nb::class_<flow::Interaction, Objective>(m, "Interaction")
        .def(
            "__init__",
            [](flow::Interaction* self, std::function<Vector(const Points&)> w,
               std::function<Points(const Points&)> grad_w, std::optional<double> smoothness) {
                new (self) flow::Interaction(scalar_field(std::move(w), std::move(grad_w)), smoothness);
            },
            "w"_a, "grad_w"_a, "smoothness"_a.none());
    nb::class_<flow::TwoLayer, Objective>(m, "TwoLayer")
        .def(
            "__init__",
            [](flow::TwoLayer* self, Points inputs, Points outputs, const std::string& activation, int n_threads) {
                new (self)
                    flow::TwoLayer(std::move(inputs), std::move(outputs), flow::activation(activation), n_threads);
            },
            "inputs"_a, "outputs"_a, "activation"_a, "n_threads"_a)
        .def(
            "__init__",
            [](flow::TwoLayer* self, Points inputs, Points outputs, std::function<Points(const Points&)> value,
               std::function<Points(const Points&)> derivative) {
                new (self)
                    flow::TwoLayer(std::move(inputs), std::move(outputs),
                                   {in_python(std::move(value), nan_like), in_python(std::move(derivative), nan_like)});
            },
            "inputs"_a, "outputs"_a, "value"_a, "derivative"_a)
        .def("predict", &flow::TwoLayer::predict, "X"_a, "weights"_a, "inputs"_a);
    nb::class_<flow::Attention, Objective>(m, "Attention")
        .def(
            "__init__",
            [](flow::Attention* self, Points tokens, Points target, int d_head, int n_tokens, int n_threads) {
                new (self) flow::Attention(std::move(tokens), std::move(target), {d_head, n_tokens, n_threads});
            },
            "tokens"_a, "target"_a, "d_head"_a, "n_tokens"_a, "n_threads"_a)
        .def("predict", &flow::Attention::predict, "X"_a, "weights"_a);
    nb::class_<flow::CallbackObjective, Objective>(m, "CallbackObjective")
        .def(
            "__init__",
            [](flow::CallbackObjective* self, flow::CallbackObjective::Energy energy,
               flow::CallbackObjective::Force force, std::optional<double> smoothness, Index n_data,
               flow::CallbackObjective::BatchForce batch_force) {
                new (self) flow::CallbackObjective(
                    in_python(std::move(energy), [](const auto&...) { return nan; }),
                    in_python(std::move(force), nan_like),
                    {smoothness, n_data, batch_force ? in_python(std::move(batch_force), nan_like) : nullptr});
            },
            "energy"_a, "force"_a, "smoothness"_a.none(), "n_data"_a, "batch_force"_a.none());
    nb::class_<flow::SumObjective, Objective>(m, "SumObjective")
        .def(
            "__init__",
            [](flow::SumObjective* self, const std::vector<std::shared_ptr<Objective>>& terms,
               std::vector<double> coefficients) {
                new (self) flow::SumObjective({terms.begin(), terms.end()}, std::move(coefficients));
            },
            "terms"_a, "coefficients"_a);
    m.def("coordination", &flow::coordination, "X"_a, "V"_a, "weights"_a, "k"_a, without_gil());
    m.def(
        "newton_schulz",
        [](const Points& G, const Vector& weights, const std::string& schedule, int iterations, double bound) {
            return flow::newton_schulz(G, weights, enum_named<flow::Schedule>("schedule", schedule), iterations, bound);
        },
        "G"_a, "weights"_a, "schedule"_a, "iterations"_a, "bound"_a);
    m.def("run_flow", &run_flow, "objective"_a, "start"_a, "gauge"_a, "options"_a, "callback"_a.none());
    m.def("jko_step", &jko_step, "objective"_a, "start"_a, "gauge"_a, "tau"_a, "options"_a, "callback"_a.none());
}

}  // namespace spectralot::python
