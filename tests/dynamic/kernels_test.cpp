#include "dynamic/kernels.hpp"

#include "spectralot/core/types.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace spectralot;
using namespace spectralot::dynamic;

namespace {

/// d + 1 rows of n cells, masses positive, and the pointers that kernels take.
struct Cells {
    Cells(int d, Index n, std::mt19937& random) {
        std::normal_distribution<double> normal;
        values = Points::NullaryExpr(d + 1, n, [&] { return normal(random); });
        values.row(0) = values.row(0).cwiseAbs();
        for (int i = 0; i <= d; ++i) rows.push_back(values.row(i).data());
    }
    Points values;
    std::vector<const double*> rows;
};

}  // namespace

TEST(Kernels, MomentsAndLargestFormsAreThoseOfPlainLoops) {
    std::mt19937 random(7);
    for (const int d : {1, 2, 3}) {
        for (const Index n : {1, 7, 64, 101}) {
            const Cells cells(d, n, random);
            const Matrix M = Matrix::Random(d, d), form = M + M.transpose();
            double sums[6], entries[6], largest = -infinity;
            Matrix moment = Matrix::Zero(d, d), size = moment;
            for (Index c = 0; c < n; ++c) {
                const Vector m = cells.values.col(c).tail(d);
                const Matrix term = m * m.transpose() / cells.values(0, c);
                moment += term;
                size += term.cwiseAbs();
                largest = std::max(largest, cells.values(0, c) + m.dot(form * m));
            }
            for (int i = 0, e = 0; i < d; ++i)
                for (int j = i; j < d; ++j, ++e) entries[e] = form(i, j);
            EXPECT_TRUE(kernels::moment(d, cells.rows.data(), std::size_t(n), sums));
            for (int i = 0, e = 0; i < d; ++i)
                for (int j = i; j < d; ++j, ++e)
                    EXPECT_NEAR(sums[e], moment(i, j), epsilon * double(n + 4) * size(i, j));
            EXPECT_NEAR(kernels::largest_form(d, entries, cells.rows.data(), std::size_t(n)), largest, 1e-13);
        }
    }
}

TEST(Kernels, AMomentNeedsMassWhereSomethingMoves) {
    std::mt19937 random(8);
    double sums[6];
    for (const Index at : {Index(3), Index(20)}) {  // in a whole vector, and in what is left over
        Cells cells(2, 21, random);
        const auto legal = [&] { return kernels::moment(2, cells.rows.data(), 21, sums); };
        cells.values(0, at) = 0.0;
        EXPECT_FALSE(legal());
        cells.values.col(at).setZero();
        EXPECT_TRUE(legal());
        cells.values(0, at) = -1e-300;
        EXPECT_FALSE(legal());
    }
}
