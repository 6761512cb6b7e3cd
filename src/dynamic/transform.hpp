/// Orthonormal real transforms that diagonalise second differences along one axis of an array.
#pragma once

#include "spectralot/core/types.hpp"

#include <complex>
#include <memory>
#include <utility>
#include <vector>

namespace spectralot::dynamic {

/// DCT-II (reflecting ends) or a real Fourier transform (periodic) along an axis of `n` entries `stride` apart.
///
/// Up to `dense_limit` entries: products with the two halves of the matrix that act on the sums and differences of
/// mirrored entries, n²/2 multiply-adds at the machine's full width, for several lines at a time. Longer lines: FFTs of
/// pairs of lines, O(n log n) each. The modes come in an order of their own: `eigenvalue` knows it, mode 0 is the
/// constant. One object serves one thread at a time.
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
    template <class Panel>
    void for_panels(double* data, Index size, Index stride, Panel&& panel);
    template <class Line>
    void for_pairs(double* data, Index size, Index stride, Line&& line);
    void forward_fft(double* data, Index size, Index stride);
    void backward_fft(double* data, Index size, Index stride);

    Index n_;
    bool periodic_;
    // Dense: mirrored entries, first the pairs, then the entries that are their own mirror image.
    std::vector<std::pair<Index, Index>> mirrored_;
    Index n_even_ = 0, n_odd_ = 0;
    std::vector<double> even_, odd_, even_back_, odd_back_;  // row-major, the last two transposed
    std::vector<double> entries_, modes_;                    // panels
    // FFT
    struct Fft;
    std::unique_ptr<Fft> fft_;
};

}  // namespace spectralot::dynamic
