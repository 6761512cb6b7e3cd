#include "spectralot/flow/objective.hpp"

#include "spectralot/core/errors.hpp"

#include <string>
#include <utility>

namespace spectralot::flow {

double Objective::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    force(x, weights, out);
    return energy(x, weights);
}

CallbackObjective::CallbackObjective(Energy energy, Force force)
    : energy_(std::move(energy)), force_(std::move(force)) {
    if (!energy_) throw_invalid("energy", "a callable", "nothing");
    if (!force_) throw_invalid("force", "a callable", "nothing");
}

double CallbackObjective::energy(const Points& x, const Vector& weights) const {
    return energy_(x, weights);
}

void CallbackObjective::force(const Points& x, const Vector& weights, Points& out) const {
    out = force_(x, weights);
    if (out.rows() != x.rows() || out.cols() != x.cols())
        throw_invalid("force", "an array of the shape of x",
                      std::to_string(out.rows()) + "x" + std::to_string(out.cols()));
}

}  // namespace spectralot::flow
