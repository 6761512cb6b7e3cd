/// Orthonormal real transforms that diagonalise second differences along one axis of an array.
#pragma once

#include "dynamic/kernels.hpp"
#include "spectralot/core/types.hpp"

#include <array>
#include <complex>
#include <memory>
#include <vector>

namespace spectralot::dynamic {

/// DCT-II (reflecting ends) or a real Fourier transform (periodic) along an axis of `n` entries `stride` apart.
///
/// Up to `dense_limit` entries: products with the two halves of the matrix that act on the sums and differences of
/// mirrored entries, n²/2 multiply-adds per line at the machine's full width, on the array where it lies. Longer lines:
/// FFTs of pairs of lines, O(n log n) each. The modes come in an order of their own: `eigenvalue` knows it, mode 0 is
/// the constant. One object serves one thread at a time.
class AxisTransform {
public:
    static constexpr Index dense_limit = 256;

    AxisTransform(Index n, bool periodic);
    ~AxisTransform();
    AxisTransform(AxisTransform&&) noexcept;
    AxisTransform& operator=(AxisTransform&&) = delete;
    AxisTransform(const AxisTransform&) = delete;
    AxisTransform& operator=(const AxisTransform&) = delete;

    /// Transforms every line of an array of `size` entries, in place.
    void forward(double* data, Index size, Index stride);
    void backward(double* data, Index size, Index stride);

    /// Eigenvalue of minus the second difference (unit spacing) on mode k.
    [[nodiscard]] double eigenvalue(Index k) const;

private:
    void build_matrices();
    void dense(double* data, Index size, Index stride, bool forward);
    void along_columns(double* data, Index stride, Index count, bool forward);
    void along_rows(double* data, Index count, bool forward);
    template <class Line>
    void for_pairs(double* data, Index size, Index stride, Line&& line);
    void forward_fft(double* data, Index size, Index stride);
    void backward_fft(double* data, Index size, Index stride);

    Index n_;
    bool periodic_;
    // Dense. Entry first_ + i is mirrored in mirror_ - i, for i < n_odd_; those that are their own mirror image follow.
    Index first_ = 0, mirror_ = 0, n_even_ = 0, n_odd_ = 0;
    std::array<Index, 2> alone_{};
    struct Half {  // of the modes: even or odd. Row-major, rows padded to whole panels
        Index size = 0, stride = 0;
        std::vector<double> forward{}, backward{};  // mode × entry, and transposed

        void multiply_left(bool forwards, kernels::RowsOf<double> in, kernels::RowsOf<double> out) const;
        void multiply_right(bool forwards, kernels::RowsOf<double> in, Index n_rows, kernels::RowsOf<double> out) const;
    };
    Half even_, odd_;
    std::vector<double> folded_, modes_;
    // FFT
    struct Fft;
    std::unique_ptr<Fft> fft_;
};

}  // namespace spectralot::dynamic
