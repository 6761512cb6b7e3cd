#include "linalg/product.hpp"

#include <gtest/gtest.h>

using namespace spectralot;

TEST(Product, IsThatOfEigenForEveryShape) {
    for (const Index m : {1, 7, 24, 31, 64}) {
        for (const Index k : {0, 1, 5, 24, 40}) {
            for (const Index n : {1, 24, 29, 65}) {
                const Matrix A = Matrix::Random(m, k), B = Matrix::Random(k, n);
                const Matrix expected = k > 0 ? Matrix(A.lazyProduct(B)) : Matrix::Zero(m, n);
                const Matrix found = linalg::product(A, B);
                ASSERT_EQ(found.rows(), m);
                ASSERT_EQ(found.cols(), n);
                EXPECT_LE((found - expected).cwiseAbs().maxCoeff(), double(k) * epsilon) << m << ' ' << k << ' ' << n;
            }
        }
    }
}
