#include "spectralot/linalg/tall_svd.hpp"

#include "linalg/decompositions.hpp"
#include "linalg/kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spectralot::linalg {
namespace {

using Rows = Eigen::Ref<const Points>;

constexpr double gram_condition = 6.0;         // above, the squared condition number costs more than c·eps·κ allows
constexpr double second_pass_condition = 1e7;  // above, the first Gram matrix says nothing of the smallest directions
constexpr double square_min = 1e-200, square_max = 1e200;  // σ² in this range neither overflows nor loses digits

/// Pairwise sum of per-block Gram matrices, so that rounding grows with log n. `block(first, count, S)` adds to S.
template <class AddBlock>
void add_pairwise(Index first, Index count, Index block_rows, Points& S, const AddBlock& add_block) {
    if (count <= block_rows) return add_block(first, count, S);
    const Index half = ((count / 2 + block_rows - 1) / block_rows) * block_rows;
    Points right = Points::Zero(S.rows(), S.cols());
    add_pairwise(first, half, block_rows, S, add_block);
    add_pairwise(first + half, count - half, block_rows, right, add_block);
    S += right;
}

Index block_rows_for(Index d) {
    return std::clamp<Index>(std::max(65536 / d, 4 * d), 128, 8192);
}

Matrix mirror_upper(const Points& S) {
    return S.selfadjointView<Eigen::Upper>();
}

void check_weight_count(const Rows& G, const Vector& weights) {
    if (weights.size() != 0 && weights.size() != G.rows())
        throw_invalid("weights", "one per row of G (" + std::to_string(G.rows()) + ")", std::to_string(weights.size()));
}

void check_weights(const Rows& G, const Vector& weights) {
    check_weight_count(G, weights);
    for (const double w : weights)
        if (!(w >= 0.0) || std::isinf(w)) throw_invalid("weights", "finite and ≥ 0", to_text(w));
}

Matrix checked_gram(const Rows& G, const Vector& weights) {
    const Index d = G.cols();
    Points S = Points::Zero(d, d);
    if (d > 0 && G.rows() > 0)
        add_pairwise(0, G.rows(), block_rows_for(d), S, [&](Index first, Index count, Points& sum) {
            kernels::add_gram(G.data() + first * G.outerStride(), G.outerStride(), count, d,
                              weights.size() ? weights.data() + first : nullptr, sum.data());
        });
    return mirror_upper(S);
}

/// Gram matrix of diag(√w)·G·X without storing the product.
Matrix gram_of_product(const Rows& G, const Vector& weights, const Matrix& X) {
    const Index d = G.cols(), block_rows = block_rows_for(d);
    Points product(std::min(block_rows, G.rows()), d);
    Points S = Points::Zero(d, d);
    add_pairwise(0, G.rows(), block_rows, S, [&](Index first, Index count, Points& sum) {
        apply_right(G.middleRows(first, count), X, 1.0, product.topRows(count));
        kernels::add_gram(product.data(), d, count, d, weights.size() ? weights.data() + first : nullptr, sum.data());
    });
    return mirror_upper(S);
}

Matrix weighted_rows(const Rows& G, const Vector& weights, Index first, Index count) {
    if (weights.size() == 0) return G.middleRows(first, count);
    return weights.segment(first, count).cwiseSqrt().asDiagonal() * G.middleRows(first, count);
}

/// A matrix R of few rows with RᵀR = Gᵀ diag(w) G: diag(√w)·G itself if that is short, else the triangle left by
/// Householder reflections block by block.
Matrix short_factor(const Rows& G, const Vector& weights) {
    const Index n = G.rows(), d = G.cols(), block_rows = std::max<Index>(4 * d, 64);
    Matrix R = weighted_rows(G, weights, 0, std::min(block_rows, n));
    for (Index first = block_rows; first < n; first += block_rows) {
        R = Matrix(Eigen::HouseholderQR<Matrix>(R).matrixQR().topRows(d).triangularView<Eigen::Upper>());
        const Index count = std::min(block_rows, n - first);
        R.conservativeResize(d + count, d);
        R.bottomRows(count) = weighted_rows(G, weights, first, count);
    }
    return R;
}

/// Keeps sigma > rtol·σ_max, in decreasing order, with the matching columns.
RightSvd sorted(const Vector& sigma, const Matrix& right, double rtol, SvdPath path) {
    std::vector<Index> order(sigma.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return sigma[a] > sigma[b]; });
    const double threshold = sigma.size() ? rtol * sigma[order.front()] : 0.0;
    std::erase_if(order, [&](Index i) { return !(sigma[i] > threshold); });
    if (order.empty()) return {Vector(), Matrix(right.rows(), 0), SvdPath::Zero};
    return {sigma(order), right(Eigen::all, order), path};
}

/// Orthogonalises the columns of A by plane rotations from the right (one-sided Jacobi): A becomes U diag(σ).
void orthogonalise_columns(Matrix& A) {
    const double tol = epsilon * std::sqrt(static_cast<double>(A.rows()));
    constexpr int max_sweeps = 40;  // convergence is quadratic: five or six in practice
    for (int sweep = 0; sweep < max_sweeps; ++sweep) {
        bool rotated = false;
        for (Index p = 0; p + 1 < A.cols(); ++p) {
            for (Index q = p + 1; q < A.cols(); ++q) {
                const double alpha = A.col(p).squaredNorm(), beta = A.col(q).squaredNorm();
                const double gamma = A.col(p).dot(A.col(q));
                if (std::abs(gamma) <= tol * std::sqrt(alpha) * std::sqrt(beta)) continue;
                rotated = true;
                const double zeta = (beta - alpha) / (2.0 * gamma);
                const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(1.0, zeta));
                const double c = 1.0 / std::hypot(1.0, t);
                A.applyOnTheRight(p, q, Eigen::JacobiRotation<double>(c, c * t));
            }
        }
        if (!rotated) return;
    }
}

/// SVD of R·basisᵀ, R upper triangular with rows of decreasing size, basis orthogonal.
RightSvd svd_of_triangle(const Matrix& R, const Matrix& basis, double rtol, SvdPath path) {
    Matrix columns = R.transpose();
    orthogonalise_columns(columns);
    const Vector sigma = columns.colwise().norm();
    const Vector inverse = (sigma.array() > 0.0).select(sigma.cwiseInverse(), 0.0);
    return sorted(sigma, basis * (columns * inverse.asDiagonal()), rtol, path);
}

RightSvd qr_svd(const Rows& G, const Vector& weights, double rtol) {
    const Eigen::ColPivHouseholderQR<Matrix> qr(short_factor(G, weights));
    const Index rank = std::min(qr.rows(), qr.cols());
    const Matrix R = qr.matrixQR().topRows(rank).triangularView<Eigen::Upper>();
    return svd_of_triangle(R, qr.colsPermutation().toDenseMatrix().cast<double>(), rtol, SvdPath::QR);
}

/// All entries of diag(√w)·G in a safe range.
RightSvd svd_in_range(const Rows& G, const Vector& weights, const Matrix& S, double rtol) {
    if (G.rows() < G.cols()) return qr_svd(G, weights, rtol);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(S);
    const Vector squares = eigen.eigenvalues().reverse();
    const Matrix W = eigen.eigenvectors().rowwise().reverse();
    const double condition = std::sqrt(squares[0] / std::max(squares.tail<1>()[0], 0.0));
    if (condition <= gram_condition) return sorted(squares.cwiseSqrt(), W, rtol, SvdPath::Gram);
    if (condition > second_pass_condition) return qr_svd(G, weights, rtol);

    // CholeskyQR2 with G·W·diag(1/σ) in place of G·R⁻¹: columns that are only scaled keep the backward error at
    // eps·‖G‖.
    const Vector sigma = squares.cwiseSqrt();
    const Matrix S2 = gram_of_product(G, weights, W * sigma.cwiseInverse().asDiagonal());
    const Eigen::LLT<Matrix> cholesky(S2);
    const bool nearly_orthonormal = (S2 - Matrix::Identity(S2.rows(), S2.cols())).norm() < 0.5;
    if (!nearly_orthonormal || cholesky.info() != Eigen::Success) return qr_svd(G, weights, rtol);
    const Matrix R = Matrix(cholesky.matrixU()) * sigma.asDiagonal();
    return svd_of_triangle(R, W, rtol, SvdPath::CholeskyQR);
}

/// Multiplies by the power of two that brings the largest entry to [1, 2); returns its exponent.
int normalise(Points& G) {
    const double largest = G.size() ? G.cwiseAbs().maxCoeff() : 0.0;
    if (largest == 0.0) return 0;
    const int exponent = std::ilogb(largest);
    G = G.unaryExpr([&](double x) { return std::ldexp(x, -exponent); });
    return exponent;
}

}  // namespace

Matrix gram(const Rows& G, const Vector& weights) {
    check_weight_count(G, weights);
    return checked_gram(G, weights);
}

void apply_right(const Rows& G, const Matrix& B, double alpha, Eigen::Ref<Points> out) {
    if (B.rows() != G.cols() || B.cols() != G.cols())
        throw_invalid("B", "a square matrix of size " + std::to_string(G.cols()),
                      std::to_string(B.rows()) + "x" + std::to_string(B.cols()));
    if (out.rows() != G.rows() || out.cols() != G.cols())
        throw_invalid("out", "the shape of G", std::to_string(out.rows()) + "x" + std::to_string(out.cols()));
    if (G.size() == 0) return;
    const Points scaled = alpha * B;
    kernels::apply_right(G.data(), G.outerStride(), G.rows(), G.cols(), scaled.data(), scaled.cols(), out.data(),
                         out.outerStride());
}

double largest_magnitude(const Rows& G) {
    if (G.outerStride() == G.cols()) return kernels::largest_magnitude(G.data(), std::size_t(G.size()));
    double largest = 0.0;
    for (Index i = 0; i < G.rows() && !std::isnan(largest); ++i) {
        const double in_row = kernels::largest_magnitude(G.row(i).data(), std::size_t(G.cols()));
        largest = in_row <= largest ? largest : in_row;
    }
    return largest;
}

RightSvd right_svd(const Rows& G, const Vector& weights, double rtol) {
    check_weights(G, weights);
    if (rtol < 0.0) rtol = epsilon * static_cast<double>(std::max(G.rows(), G.cols()));
    if (G.rows() >= G.cols()) {
        const Matrix S = checked_gram(G, weights);
        const double trace = S.trace();
        if (trace > square_min && trace < square_max) return svd_in_range(G, weights, S, rtol);
    }
    if (!G.allFinite()) throw_invalid("G", "finite entries", "NaN or infinity");
    Points scaled = G;
    int exponent = normalise(scaled);
    if (weights.size()) {
        scaled = weights.cwiseSqrt().asDiagonal() * scaled;
        exponent += normalise(scaled);
    }
    if (scaled.isZero(0.0)) return {Vector(), Matrix(G.cols(), 0), SvdPath::Zero};
    RightSvd result =
        svd_in_range(scaled, {}, scaled.rows() < scaled.cols() ? Matrix() : checked_gram(scaled, {}), rtol);
    result.sigma = result.sigma.unaryExpr([&](double s) { return std::ldexp(s, exponent); });
    return result;
}

}  // namespace spectralot::linalg
