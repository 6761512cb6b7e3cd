#include "linalg/product.hpp"

#include "linalg/kernels.hpp"

#include <cassert>

namespace spectralot::linalg {

Matrix product(const Matrix& A, const Matrix& B) {
    assert(A.cols() == B.rows());
    Matrix C(A.rows(), B.cols());
    if (A.rows() < 24 || B.cols() < 24 || A.cols() == 0) {
        C.noalias() = A * B;
    } else {  // column by column, Cᵀ = BᵀAᵀ is what the row-major kernel computes
        kernels::apply_right(B.data(), B.rows(), B.cols(), B.rows(), A.data(), A.rows(), C.data(), C.rows());
    }
    return C;
}

Points rows_times(const Points& points, const Matrix& B) {
    assert(points.cols() == B.rows());
    Points image(points.rows(), B.cols());
    if (image.size() == 0) return image;
    const Points by_rows = B;
    kernels::apply_right(points.data(), points.cols(), points.rows(), points.cols(), by_rows.data(), B.cols(),
                         image.data(), B.cols());
    return image;
}

}  // namespace spectralot::linalg
