#include "spectralot/flow/newton_schulz.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <array>
#include <cmath>
#include <string>

namespace spectralot::flow {
namespace {

struct Odd {
    double a, b, c;  ///< aσ + bσ³ + cσ⁵
};

constexpr Odd quintic = {1.875, -1.25, 0.375};

constexpr std::array<Odd, 8> polar_express = {{{8.28721201814563, -23.595886519098837, 17.300387312530933},
                                               {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
                                               {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
                                               {3.3184196573706015, -2.488488024314874, 0.51004894012372},
                                               {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
                                               {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
                                               {1.8750014808534479, -1.2500016453999487, 0.3750001645474248},
                                               {1.875, -1.25, 0.375}}};

Odd coefficients(Schedule schedule, int iteration) {
    switch (schedule) {
        case Schedule::Cubic: return {1.5, -0.5, 0.0};
        case Schedule::Quintic: return quintic;
        case Schedule::Muon: return {3.4445, -4.7750, 2.0315};
        case Schedule::Exact: throw_invalid("schedule", "must be a Newton-Schulz schedule", "exact");
        case Schedule::PolarExpress:
            return static_cast<std::size_t>(iteration) < polar_express.size()
                       ? polar_express[static_cast<std::size_t>(iteration)]
                       : quintic;
    }
    return quintic;
}

}  // namespace

Matrix newton_schulz_map(const Matrix& S, Schedule schedule, int iterations, double bound) {
    if (iterations < 1) throw_invalid("iterations", "must be at least 1", std::to_string(iterations));
    if (!(bound >= 0.0) || std::isinf(bound)) throw_invalid("bound", "must be non-negative and finite", to_text(bound));
    const Index d = S.rows();
    const double alpha = bound > 0.0 ? bound : std::sqrt(S.trace());
    if (alpha == 0.0) return Matrix::Zero(d, d);
    const Matrix T = S / alpha / alpha;
    if (!T.allFinite()) return Matrix::Constant(d, d, std::nan(""));
    if (bound > 0.0) {
        const double largest = Eigen::SelfAdjointEigenSolver<Matrix>(T, Eigen::EigenvaluesOnly).eigenvalues()[d - 1];
        if (largest > 1.0 + 1e-9) return Matrix::Constant(d, d, std::nan(""));
    }
    // ZᵀZ = MTM, and everything commutes.
    Matrix M = Matrix::Identity(d, d);
    for (int k = 0; k < iterations; ++k) {
        const Odd p = coefficients(schedule, k);
        const Matrix P = M * T * M;
        M = M * (p.a * Matrix::Identity(d, d) + p.b * P + p.c * P * P);
        M = 0.5 * (M + M.transpose()).eval();
    }
    return M / alpha;
}

Points newton_schulz(const Points& G, const Vector& weights, Schedule schedule, int iterations, double bound) {
    if (!G.allFinite()) throw_invalid("G", "must have finite entries", "NaN or infinity");
    return G * newton_schulz_map(linalg::gram(G, weights), schedule, iterations, bound);
}

}  // namespace spectralot::flow
