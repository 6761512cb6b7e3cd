#include "spectralot/flow/objective.hpp"

#include "spectralot/core/errors.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace spectralot::flow {
namespace {

void check_shape(const Points& x, const Points& force) {
    if (force.rows() != x.rows() || force.cols() != x.cols())
        throw_invalid("force", "must be an array of the shape of x",
                      std::to_string(force.rows()) + "x" + std::to_string(force.cols()));
}

}  // namespace

double Objective::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    force(x, weights, out);
    return energy(x, weights);
}

void Objective::batch_force(const Points&, const Vector&, const std::vector<Index>&, Points&) const {
    throw_invalid("batch_size", "must be 0: this objective is no average over data", "a mini-batch");
}

CallbackObjective::CallbackObjective(Energy energy, Force force, Extras extras)
    : energy_(std::move(energy)), force_(std::move(force)), extras_(std::move(extras)) {
    if (!energy_) throw_invalid("energy", "must be a callable", "nothing");
    if (!force_) throw_invalid("force", "must be a callable", "nothing");
}

double CallbackObjective::energy(const Points& x, const Vector& weights) const {
    return energy_(x, weights);
}

void CallbackObjective::force(const Points& x, const Vector& weights, Points& out) const {
    out = force_(x, weights);
    check_shape(x, out);
}

void CallbackObjective::batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                                    Points& out) const {
    if (!extras_.batch_force) return Objective::batch_force(x, weights, batch, out);
    out = extras_.batch_force(x, weights, batch);
    check_shape(x, out);
}

SumObjective::SumObjective(std::vector<std::shared_ptr<const Objective>> terms, std::vector<double> coefficients)
    : terms_(std::move(terms)), coefficients_(std::move(coefficients)) {
    if (terms_.empty()) throw_invalid("terms", "must have at least one objective", "none");
    if (coefficients_.size() != terms_.size())
        throw_invalid("coefficients", "must be one per term (" + std::to_string(terms_.size()) + ")",
                      std::to_string(coefficients_.size()));
    for (const double c : coefficients_)
        if (!std::isfinite(c)) throw_invalid("coefficients", "must be finite", to_text(c));
    for (const auto& term : terms_) {
        if (term->n_data() == 0) continue;
        if (n_data_ != 0 && n_data_ != term->n_data()) {
            n_data_ = 0;  // no common data to draw from
            break;
        }
        n_data_ = term->n_data();
    }
}

double SumObjective::energy(const Points& x, const Vector& weights) const {
    double sum = 0.0;
    for (std::size_t t = 0; t < terms_.size(); ++t) sum += coefficients_[t] * terms_[t]->energy(x, weights);
    return sum;
}

void SumObjective::force(const Points& x, const Vector& weights, Points& out) const {
    Points part;
    out.setZero(x.rows(), x.cols());
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        terms_[t]->force(x, weights, part);
        out += coefficients_[t] * part;
    }
}

double SumObjective::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    Points part;
    double sum = 0.0;
    out.setZero(x.rows(), x.cols());
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        sum += coefficients_[t] * terms_[t]->energy_and_force(x, weights, part);
        out += coefficients_[t] * part;
    }
    return sum;
}

std::optional<double> SumObjective::smoothness() const {
    double sum = 0.0;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const std::optional<double> L = terms_[t]->smoothness();
        if (!L || coefficients_[t] < 0.0) return std::nullopt;
        sum += coefficients_[t] * *L;
    }
    return sum;
}

void SumObjective::batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                               Points& out) const {
    if (n_data_ == 0) return Objective::batch_force(x, weights, batch, out);
    Points part;
    out.setZero(x.rows(), x.cols());
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        if (terms_[t]->n_data() > 0)
            terms_[t]->batch_force(x, weights, batch, part);
        else
            terms_[t]->force(x, weights, part);
        out += coefficients_[t] * part;
    }
}

}  // namespace spectralot::flow
