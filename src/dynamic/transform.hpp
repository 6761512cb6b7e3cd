/// Orthonormal real transforms that diagonalise second differences along one axis of an array.
#pragma once

#include "spectralot/core/types.hpp"

#include <complex>
#include <memory>
#include <vector>

namespace spectralot::dynamic {

/// DCT-II (reflecting ends) or the discrete Hartley transform (periodic) along an axis of `n` entries `stride` apart.
/// Lines are transformed in pairs, as the real and imaginary part of one complex FFT. O(n log n) per line.
class AxisTransform {
public:
    AxisTransform(Index n, bool periodic);
    ~AxisTransform();
    AxisTransform(AxisTransform&&) noexcept;
    AxisTransform& operator=(AxisTransform&&) = delete;
    AxisTransform(const AxisTransform&) = delete;
    AxisTransform& operator=(const AxisTransform&) = delete;

    /// Transforms every line of an array of `size` entries, in place. One object serves one thread at a time.
    void forward(double* data, Index size, Index stride);
    void backward(double* data, Index size, Index stride);

    /// Eigenvalue of minus the second difference (unit spacing) on mode k.
    [[nodiscard]] double eigenvalue(Index k) const;

private:
    template <class Line>
    void for_pairs(double* data, Index size, Index stride, Line&& line);

    Index n_;
    bool periodic_;
    std::vector<std::complex<double>> twiddle_;
    struct Fft;
    std::unique_ptr<Fft> fft_;
};

}  // namespace spectralot::dynamic
