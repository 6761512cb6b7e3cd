#include "dynamic/transform.hpp"

#include <unsupported/Eigen/FFT>

#include <cmath>
#include <numbers>

namespace spectralot::dynamic {

using Complex = std::complex<double>;

struct AxisTransform::Fft {
    Eigen::FFT<double> engine;
    std::vector<Complex> line, image;
};

AxisTransform::AxisTransform(Index n, bool periodic)
    : n_(n), periodic_(periodic), twiddle_(std::size_t(n)), fft_(std::make_unique<Fft>()) {
    fft_->line.resize(std::size_t(n));
    fft_->image.resize(std::size_t(n));
    fft_->engine.SetFlag(Eigen::FFT<double>::Unscaled);
    for (Index k = 0; k < n; ++k)
        twiddle_[std::size_t(k)] = std::polar(1.0, -std::numbers::pi * double(k) / (2.0 * double(n)));
}
AxisTransform::~AxisTransform() = default;
AxisTransform::AxisTransform(AxisTransform&&) noexcept = default;

double AxisTransform::eigenvalue(Index k) const {
    const double half = std::numbers::pi * double(k) / (periodic_ ? double(n_) : 2.0 * double(n_));
    const double root = 2.0 * std::sin(half);
    return root * root;
}

/// Calls line(a, b) for pairs of lines; b may equal a when their number is odd.
template <class Line>
void AxisTransform::for_pairs(double* data, Index size, Index stride, Line&& line) {
    const Index row = n_ * stride;
    double* waiting = nullptr;
    for (Index first = 0; first < size; first += row) {
        for (Index c = first; c < first + stride; ++c) {
            if (waiting == nullptr) {
                waiting = data + c;
            } else {
                line(waiting, data + c);
                waiting = nullptr;
            }
        }
    }
    if (waiting != nullptr) line(waiting, waiting);
}

void AxisTransform::forward(double* data, Index size, Index stride) {
    if (n_ == 1) return;
    const Index n = n_;
    Complex* z = fft_->line.data();
    Complex* Z = fft_->image.data();
    const double scale = 1.0 / std::sqrt(double(n));
    for_pairs(data, size, stride, [&](double* a, double* b) {
        if (periodic_) {
            for (Index i = 0; i < n; ++i) z[i] = {a[i * stride], b[i * stride]};
        } else {  // Makhoul's order: even entries upwards, then odd ones downwards
            for (Index i = 0, j = 0; j < n; ++i, j += 2) z[i] = {a[j * stride], b[j * stride]};
            for (Index i = n - 1, j = 1; j < n; --i, j += 2) z[i] = {a[j * stride], b[j * stride]};
        }
        fft_->engine.fwd(Z, z, n);
        for (Index k = 0; k < n; ++k) {
            const Complex other = std::conj(Z[k == 0 ? 0 : n - k]);
            const Complex A = 0.5 * (Z[k] + other), B = Complex(0.0, -0.5) * (Z[k] - other);
            if (periodic_) {
                a[k * stride] = scale * (A.real() - A.imag());
                b[k * stride] = scale * (B.real() - B.imag());
            } else {
                const double s = k == 0 ? scale : std::numbers::sqrt2 * scale;
                const Complex t = twiddle_[std::size_t(k)];
                a[k * stride] = s * (A.real() * t.real() - A.imag() * t.imag());
                b[k * stride] = s * (B.real() * t.real() - B.imag() * t.imag());
            }
        }
    });
}

void AxisTransform::backward(double* data, Index size, Index stride) {
    if (periodic_ || n_ == 1) return forward(data, size, stride);  // the Hartley transform is its own inverse
    const Index n = n_;
    Complex* z = fft_->line.data();
    Complex* Z = fft_->image.data();
    const double scale = 1.0 / std::sqrt(double(n));
    for_pairs(data, size, stride, [&](double* a, double* b) {
        Z[0] = {scale * a[0], scale * b[0]};
        const double s = scale / std::numbers::sqrt2;
        for (Index k = 1; k < n; ++k) {
            const Complex t = std::conj(twiddle_[std::size_t(k)]);
            const Complex A = t * Complex(a[k * stride], -a[(n - k) * stride]);
            const Complex B = t * Complex(b[k * stride], -b[(n - k) * stride]);
            Z[k] = s * (A + Complex(-B.imag(), B.real()));
        }
        fft_->engine.inv(z, Z, n);
        for (Index i = 0, j = 0; j < n; ++i, j += 2) {
            a[j * stride] = z[i].real();
            b[j * stride] = z[i].imag();
        }
        for (Index i = n - 1, j = 1; j < n; --i, j += 2) {
            a[j * stride] = z[i].real();
            b[j * stride] = z[i].imag();
        }
    });
}

}  // namespace spectralot::dynamic
