#include "gauge/program_point.hpp"

#include "gauge/spectrum.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::detail {

using Kind = GaugeLeaf::Kind;

ProgramPoint::ProgramPoint(const GaugeProgram& program_) : program(&program_) {
    tau = Vector::Ones(program->n_branches);
    for (const GaugeMaximum& maximum : program->maxima)
        tau.segment(maximum.first_branch, maximum.n_branches)
            .setConstant(maximum.weight * tau[maximum.branch] / maximum.n_branches);
    degree = static_cast<double>(program->n_branches - 1);
    for (const GaugeLeaf& form : program->leaves) {
        if (form.kind == Kind::Point) continue;
        const auto n = static_cast<Index>(form.block.size());
        const auto size = static_cast<double>(n);
        const double bound = tau[form.branch];
        LeafPoint leaf{
            .form = &form, .vectors = Matrix::Identity(n, n), .values = Vector::Constant(n, bound * form.k / size)};
        degree += size;
        if (form.kind == Kind::KyFan && form.k > 1) {
            leaf.room = Vector::Constant(n, bound - bound * form.k / size);
            degree += size;
        }
        if (form.kind == Kind::Schatten) {
            leaf.conjugate = conjugate(form.p);
            leaf.slack = bound / (size + 1.0);
            leaf.values.setConstant((bound - leaf.slack) * std::pow(size, -1.0 / leaf.conjugate));
            degree += 1.0;
        }
        leaves.push_back(std::move(leaf));
    }
}

Matrix ProgramPoint::metric() const {
    Matrix Q = Matrix::Zero(program->dimension, program->dimension);
    for (const GaugeLeaf& form : program->leaves)
        if (form.kind == Kind::Point) Q(form.block, form.block) += form.weight * tau[form.branch] * form.point;
    for (const LeafPoint& leaf : leaves)
        Q(leaf.form->block, leaf.form->block) +=
            leaf.form->weight * leaf.vectors * leaf.values.asDiagonal() * leaf.vectors.transpose();
    return 0.5 * (Q + Q.transpose());
}

void ProgramPoint::restore_equations() {
    for (const GaugeMaximum& maximum : program->maxima) {
        auto share = tau.segment(maximum.first_branch, maximum.n_branches);
        share *= maximum.weight * tau[maximum.branch] / share.sum();
    }
    for (LeafPoint& leaf : leaves) {
        const double bound = tau[leaf.form->branch];
        if (leaf.has_slack()) {
            leaf.slack = std::min(leaf.slack, 0.5 * bound);
            leaf.values *= (bound - leaf.slack) / vector_norm(leaf.values, leaf.conjugate);
        } else {
            leaf.values *= leaf.form->k * bound / leaf.values.sum();
        }
        if (!leaf.has_room()) continue;
        for (Index i = 0; i < leaf.values.size(); ++i) {
            if (leaf.values[i] < leaf.room[i])
                leaf.room[i] = bound - leaf.values[i];
            else
                leaf.values[i] = bound - leaf.room[i];
        }
    }
}

}  // namespace spectralot::detail
