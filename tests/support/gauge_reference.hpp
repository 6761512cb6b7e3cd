/// Slow readable references for the gauges: programs evaluated leaf by leaf, random matrices, a zoo of gauges.
#pragma once

#include "spectralot/gauge/gauges.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace spectralot::reference {

inline Matrix random_matrix(std::mt19937_64& random, Index rows, Index cols) {
    std::normal_distribution<double> normal;
    return Matrix::NullaryExpr(rows, cols, [&] { return normal(random); });
}

inline Points random_points(std::mt19937_64& random, Index rows, Index cols) {
    return random_matrix(random, rows, cols);
}

/// PSD of the given rank (full by default).
inline Matrix random_psd(std::mt19937_64& random, Index d, Index rank = -1) {
    const Matrix V = random_matrix(random, rank < 0 ? d + 2 : rank, d);
    return V.transpose() * V;
}

inline Matrix random_orthogonal(std::mt19937_64& random, Index d) {
    return random_matrix(random, d, d).householderQr().householderQ();
}

/// Decreasing, by the definition.
inline Vector eigenvalues(const Matrix& S) {
    return Eigen::SelfAdjointEigenSolver<Matrix>(S, Eigen::EigenvaluesOnly).eigenvalues().reverse();
}

/// γ(S) from the program: a maximum is the largest of its branches.
inline double evaluate(const GaugeProgram& program, const Matrix& S) {
    const auto leaf_value = [&](const GaugeLeaf& leaf) {
        const Matrix part = S(leaf.block, leaf.block);
        if (leaf.kind == GaugeLeaf::Kind::Point) return leaf.weight * (leaf.point * part).trace();
        const Vector lambda = eigenvalues(part).cwiseMax(0.0);
        if (leaf.kind == GaugeLeaf::Kind::KyFan) return leaf.weight * lambda.head(leaf.k).sum();
        return leaf.weight * std::pow(lambda.array().pow(leaf.p).sum(), 1.0 / leaf.p);
    };
    const std::function<double(int)> branch_value = [&](int branch) {
        double sum = 0.0;
        for (const GaugeLeaf& leaf : program.leaves)
            if (leaf.branch == branch) sum += leaf_value(leaf);
        for (const GaugeMaximum& maximum : program.maxima) {
            if (maximum.branch != branch) continue;
            double largest = -infinity;
            for (int v = 0; v < maximum.n_branches; ++v)
                largest = std::max(largest, branch_value(maximum.first_branch + v));
            sum += maximum.weight * largest;
        }
        return sum;
    };
    return branch_value(0);
}

struct NamedGauge {
    std::string name;
    Gauge gauge;
};

/// Every kind of monotone gauge with a program, on dimension 4, nested ones included.
inline std::vector<NamedGauge> monotone_gauges() {
    Matrix A(4, 4), B(2, 2);
    A << 2.0, 0.5, 0.0, 0.1, 0.5, 1.0, 0.2, 0.0, 0.0, 0.2, 3.0, -0.4, 0.1, 0.0, -0.4, 1.5;
    B << 1.0, -0.3, -0.3, 0.5;
    const Matrix first = Vector{{3.0, 1.0, 0.0, 0.5}}.asDiagonal();
    const Matrix second = Vector{{0.0, 1.0, 2.0, 1.0}}.asDiagonal();
    const Gauge two_blocks = BlockSum{{{3, 0}, {1, 2}}, {WeightedTrace{B}, operator_gauge()}};
    const Gauge largest_block = BlockMax{{{0}, {1, 3, 2}}, {trace_gauge(), Schatten{3.0}}, {0.5, 2.0}};
    return {
        {"trace", trace_gauge()},
        {"schatten 1.25", Schatten{1.25}},
        {"schatten 2", Schatten{2.0}},
        {"schatten 7", Schatten{7.0}},
        {"operator", operator_gauge()},
        {"ky fan 1", KyFan{1}},
        {"ky fan 2", KyFan{2}},
        {"ky fan 3", KyFan{3}},
        {"ky fan 4", KyFan{4}},
        {"weighted trace", WeightedTrace{A}},
        {"polyhedral", Polyhedral{{A, first, second}}},
        {"block sum", two_blocks},
        {"block max", largest_block},
        {"spectral sum", ConicSum{{Schatten{2.0}, operator_gauge(), KyFan{3}}, {0.7, 1.5, 0.2}}},
        {"operator and trace", ConicSum{{operator_gauge(), trace_gauge()}, {0.9, 0.1}}},
        {"mixed sum", ConicSum{{Schatten{1.5}, WeightedTrace{A}, KyFan{2}}, {1.0, 0.3, 2.0}}},
        {"sum of blocks", ConicSum{{two_blocks, largest_block, operator_gauge()}, {1.0, 2.0, 0.5}}},
        {"block of sums",
         BlockMax{{{0, 2}, {1, 3}},
                  {ConicSum{{operator_gauge(), WeightedTrace{B}}, {1.0, 1.0}}, Polyhedral{{B, Matrix::Identity(2, 2)}}},
                  {1.0, 0.7}}},
        {"nested maxima",
         ConicSum{{BlockMax{{{0, 1}, {2, 3}}, {Polyhedral{{B, 2.0 * B}}, KyFan{1}}, {}}, Polyhedral{{first, second}}},
                  {2.0, 1.0}}},
    };
}

}  // namespace spectralot::reference
