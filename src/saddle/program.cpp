#include "saddle/program.hpp"

#include "linalg/decompositions.hpp"
#include "saddle/cone.hpp"

#include <cmath>
#include <ranges>

namespace spectralot::saddle {

double evaluate(const GaugeProgram& program, const Matrix& moment) {
    Vector h = Vector::Zero(program.n_branches);
    for (const GaugeLeaf& leaf : program.leaves) {
        const Matrix part = moment(leaf.block, leaf.block);
        double value = 0.0;
        if (leaf.kind == GaugeLeaf::Kind::Point) {
            value = inner(leaf.point, part);
        } else {
            const Vector lambda =
                Eigen::SelfAdjointEigenSolver<Matrix>(part, Eigen::EigenvaluesOnly).eigenvalues().cwiseMax(0.0);
            const double top = lambda.maxCoeff();
            if (leaf.kind == GaugeLeaf::Kind::KyFan) {
                value = lambda.tail(leaf.k).sum();
            } else if (top > 0) {
                value = top * std::pow((lambda / top).array().pow(leaf.p).sum(), 1.0 / leaf.p);
            }
        }
        h(leaf.branch) += leaf.weight * value;
    }
    for (const auto& maximum : std::views::reverse(program.maxima)) {
        h(maximum.branch) += maximum.weight * h.segment(maximum.first_branch, maximum.n_branches).maxCoeff();
    }
    return h(0);
}

const GaugeLeaf* single_ball(const std::optional<GaugeProgram>& program) {
    if (!program || !program->maxima.empty() || program->leaves.size() != 1) return nullptr;
    const GaugeLeaf& leaf = program->leaves.front();
    const bool is_ball = leaf.kind != GaugeLeaf::Kind::Point && Index(leaf.block.size()) == program->dimension;
    return is_ball ? &leaf : nullptr;
}

}  // namespace spectralot::saddle
