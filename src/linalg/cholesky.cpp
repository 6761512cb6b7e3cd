#include "linalg/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linalg/cholesky.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::linalg::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
constexpr size_t tile_rows = 6, tile_columns = 2 * lanes;
constexpr size_t strip = 8;   // vectors of a row that the substitution holds at once
constexpr size_t block = 64;  // rows factored at once

/// The diagonal block, row by row. False after a pivot that is not positive.
bool factor_block(double* A, size_t b, size_t stride) {
    for (size_t r = 0; r < b; ++r) {
        double* const row = A + r * stride;
        if (!(row[r] > 0.0)) return false;
        const double scale = 1.0 / std::sqrt(row[r]);
        for (size_t j = r; j < b; ++j) row[j] *= scale;
        for (size_t s = r + 1; s < b; ++s) {
            double* const target = A + s * stride;
            for (size_t j = s; j < b; ++j) target[j] -= row[s] * row[j];
        }
    }
    return true;
}

/// Uᵀ X = A for one strip of columns of the rows beside the diagonal block U, in place.
void substitute(const double* U, size_t b, size_t stride, double* A) {
    const Tag tag;
    for (size_t r = 0; r < b; ++r) {
        Wide sum[strip];
        for (size_t v = 0; v < strip; ++v) sum[v] = hn::LoadU(tag, A + r * stride + v * lanes);
        for (size_t q = 0; q < r; ++q) {
            const Wide factor = hn::Set(tag, U[q * stride + r]);
            for (size_t v = 0; v < strip; ++v) {
                sum[v] = hn::NegMulAdd(factor, hn::LoadU(tag, A + q * stride + v * lanes), sum[v]);
            }
        }
        const Wide scale = hn::Set(tag, 1.0 / U[r * stride + r]);
        for (size_t v = 0; v < strip; ++v) hn::StoreU(hn::Mul(sum[v], scale), tag, A + r * stride + v * lanes);
    }
}

/// tile -= leftᵀ right for packed panels of b rows.
void subtract_product(const double* left, const double* right, size_t b, double* tile, size_t stride) {
    const Tag tag;
    Wide sum[tile_rows][2];
    for (size_t r = 0; r < tile_rows; ++r)
        for (size_t v = 0; v < 2; ++v) sum[r][v] = hn::LoadU(tag, tile + r * stride + v * lanes);
    for (size_t k = 0; k < b; ++k, left += tile_rows, right += tile_columns) {
        const Wide x0 = hn::LoadU(tag, right), x1 = hn::LoadU(tag, right + lanes);
        for (size_t r = 0; r < tile_rows; ++r) {
            const Wide factor = hn::Set(tag, left[r]);
            sum[r][0] = hn::NegMulAdd(factor, x0, sum[r][0]);
            sum[r][1] = hn::NegMulAdd(factor, x1, sum[r][1]);
        }
    }
    for (size_t r = 0; r < tile_rows; ++r)
        for (size_t v = 0; v < 2; ++v) hn::StoreU(sum[r][v], tag, tile + r * stride + v * lanes);
}

/// Columns [begin, end) of b rows, one after the other for every `width` columns.
void pack(const double* rows, size_t b, size_t stride, size_t begin, size_t end, size_t width, double* packed) {
    for (size_t first = begin; first < end; first += width)
        for (size_t k = 0; k < b; ++k, packed += width) std::copy_n(rows + k * stride + first, width, packed);
}

/// The n×n matrix in the upper triangle of A becomes U. There is room for whole strips behind every row and for whole
/// tiles below, filled with zeros.
bool factor_upper(double* A, size_t n, size_t stride) {
    std::vector<double> left(block * (n + tile_rows)), right(block * tile_columns);
    for (size_t first = 0; first < n; first += block) {
        const size_t b = std::min(block, n - first), rest = first + b;
        double* const rows = A + first * stride;
        if (!factor_block(rows + first, b, stride)) return false;
        for (size_t j = rest; j < n; j += strip * lanes) substitute(rows + first, b, stride, rows + j);
        pack(rows, b, stride, rest, n, tile_rows, left.data());
        for (size_t j = rest; j < n; j += tile_columns) {
            pack(rows, b, stride, j, j + tile_columns, tile_columns, right.data());
            for (size_t i = rest; i < std::min(n, j + tile_columns); i += tile_rows) {
                subtract_product(&left[(i - rest) * b], right.data(), b, A + i * stride + j, stride);
            }
        }
    }
    return true;
}

}  // namespace spectralot::linalg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::linalg {

HWY_EXPORT(factor_upper);

void Cholesky::compute(const Matrix& A) {
    constexpr Index room = 64;  // a strip of the widest vectors, and more rows than a tile has
    size_ = A.rows();
    upper_.setZero(size_ + room, size_ + room);
    for (Index i = 0; i < size_; ++i) upper_.row(i).segment(i, size_ - i) = A.col(i).tail(size_ - i);
    const bool done = HWY_DYNAMIC_DISPATCH(factor_upper)(upper_.data(), std::size_t(size_), std::size_t(upper_.cols()));
    info_ = done ? Eigen::Success : Eigen::NumericalIssue;
}

void Cholesky::solveInPlace(Vector& b) const {
    const auto U = upper_.topLeftCorner(size_, size_);
    U.transpose().triangularView<Eigen::Lower>().solveInPlace(b);
    U.triangularView<Eigen::Upper>().solveInPlace(b);
}

}  // namespace spectralot::linalg
#endif
