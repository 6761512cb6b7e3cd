#include "dynamic/transform.hpp"

#include "dynamic/kernels.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace spectralot::dynamic {

using Complex = std::complex<double>;

constexpr auto width = Index(kernels::panel_width);

struct AxisTransform::Fft {
    Eigen::FFT<double> engine;
    std::vector<Complex> line, image, twiddle;
};

AxisTransform::AxisTransform(Index n, bool periodic) : n_(n), periodic_(periodic) {
    if (n <= dense_limit) {
        build_matrices();
        return;
    }
    fft_ = std::make_unique<Fft>();
    fft_->line.resize(std::size_t(n));
    fft_->image.resize(std::size_t(n));
    fft_->engine.SetFlag(Eigen::FFT<double>::Unscaled);
    for (Index k = 0; k < n; ++k)
        fft_->twiddle.push_back(std::polar(1.0, -std::numbers::pi * double(k) / (2.0 * double(n))));
}
AxisTransform::~AxisTransform() = default;
AxisTransform::AxisTransform(AxisTransform&&) noexcept = default;

double AxisTransform::eigenvalue(Index k) const {
    Index frequency = k;
    if (!fft_) {
        const Index rank = k < n_even_ ? k : k - n_even_;
        frequency = periodic_ ? rank + (k < n_even_ ? 0 : 1) : 2 * rank + (k < n_even_ ? 0 : 1);
    }
    const double half = std::numbers::pi * double(frequency) / (periodic_ ? double(n_) : 2.0 * double(n_));
    const double root = 2.0 * std::sin(half);
    return root * root;
}

void AxisTransform::forward(double* data, Index size, Index stride) {
    if (n_ == 1) return;
    if (fft_) return forward_fft(data, size, stride);
    dense(data, size, stride, true);
}

void AxisTransform::backward(double* data, Index size, Index stride) {
    if (n_ == 1) return;
    if (fft_) return backward_fft(data, size, stride);
    dense(data, size, stride, false);
}

void AxisTransform::dense(double* data, Index size, Index stride, bool forward) {
    if (stride == 1) {
        for (Index line = 0, n_lines = size / n_; line < n_lines; line += width)
            along_rows(data + line * n_, std::min(width, n_lines - line), forward);
        return;
    }
    for (double* block = data; block < data + size; block += n_ * stride)
        for (Index line = 0; line < stride; line += width)
            along_columns(block + line, stride, std::min(width, stride - line), forward);
}

/// Lines down the columns of an array of n_ rows, `count` of them, at most a panel.
void AxisTransform::along_columns(double* data, Index stride, Index count, bool forward) {
    double* sums = folded_.data();
    double* differences = sums + n_even_ * width;
    if (count < width) {  // a panel of its own, its other columns unused
        std::vector<double> panel(std::size_t(n_ * width), 0.0);
        for (Index i = 0; i < n_; ++i) std::copy_n(data + i * stride, count, panel.data() + i * width);
        along_columns(panel.data(), width, width, forward);
        for (Index i = 0; i < n_; ++i) std::copy_n(panel.data() + i * width, count, data + i * stride);
        return;
    }
    const auto at = [&](Index i) { return data + i * stride; };
    const kernels::RowsOf<double> modes[2] = {{at(0), std::size_t(stride)}, {at(n_even_), std::size_t(stride)}};
    const kernels::RowsOf<double> folded[2] = {{sums, std::size_t(width)}, {differences, std::size_t(width)}};
    if (forward) {
        for (Index i = 0; i < n_odd_; ++i)
            kernels::fold(at(first_ + i), at(mirror_ - i), std::size_t(width), sums + i * width,
                          differences + i * width);
        for (Index i = n_odd_; i < n_even_; ++i)
            std::copy_n(at(alone_[std::size_t(i - n_odd_)]), width, sums + i * width);
        even_.multiply_left(true, folded[0], modes[0]);
        odd_.multiply_left(true, folded[1], modes[1]);
        return;
    }
    even_.multiply_left(false, modes[0], folded[0]);
    odd_.multiply_left(false, modes[1], folded[1]);
    for (Index i = 0; i < n_odd_; ++i)
        kernels::fold(sums + i * width, differences + i * width, std::size_t(width), at(first_ + i), at(mirror_ - i));
    for (Index i = n_odd_; i < n_even_; ++i) std::copy_n(sums + i * width, width, at(alone_[std::size_t(i - n_odd_)]));
}

/// `count` contiguous lines, at most panel_width.
void AxisTransform::along_rows(double* data, Index count, bool forward) {
    double* sums = folded_.data();
    double* differences = sums + even_.stride * width;
    const auto even = std::size_t(even_.stride), odd = std::size_t(odd_.stride), n_odd = std::size_t(n_odd_);
    double* even_modes = modes_.data();
    double* odd_modes = even_modes + even_.stride * width;
    if (forward) {
        for (Index l = 0; l < count; ++l) {
            const double* line = data + l * n_;
            double* sum = sums + l * even_.stride;
            kernels::fold_line(line + first_, line + mirror_, n_odd, sum, differences + l * odd_.stride);
            for (Index i = n_odd_; i < n_even_; ++i) sum[i] = line[alone_[std::size_t(i - n_odd_)]];
        }
        even_.multiply_right(true, {sums, even}, count, {even_modes, even});
        odd_.multiply_right(true, {differences, odd}, count, {odd_modes, odd});
        for (Index l = 0; l < count; ++l) {
            std::copy_n(even_modes + l * even_.stride, n_even_, data + l * n_);
            std::copy_n(odd_modes + l * odd_.stride, n_odd_, data + l * n_ + n_even_);
        }
        return;
    }
    even_.multiply_right(false, {data, std::size_t(n_)}, count, {sums, even});
    odd_.multiply_right(false, {data + n_even_, std::size_t(n_)}, count, {differences, odd});
    for (Index l = 0; l < count; ++l) {
        double* line = data + l * n_;
        const double* sum = sums + l * even_.stride;
        kernels::unfold_line(sum, differences + l * odd_.stride, n_odd, line + first_, line + mirror_);
        for (Index i = n_odd_; i < n_even_; ++i) line[alone_[std::size_t(i - n_odd_)]] = sum[i];
    }
}

/// Rows of the DCT-II matrix are even or odd under j ↦ n-1-j, cosines and sines under j ↦ -j.
void AxisTransform::build_matrices() {
    first_ = periodic_ ? 1 : 0;
    mirror_ = n_ - 1;
    n_odd_ = (n_ - first_) / 2;
    n_even_ = n_ - n_odd_;
    alone_ = periodic_ ? std::array<Index, 2>{0, n_ / 2} : std::array<Index, 2>{n_ / 2, 0};

    const double scale = 1.0 / std::sqrt(double(n_));
    const auto entry = [&](Index k, Index j, bool even) {
        if (!periodic_) {
            const Index frequency = 2 * k + (even ? 0 : 1);
            const double angle = std::numbers::pi * double((2 * j + 1) * frequency % (4 * n_)) / (2.0 * double(n_));
            return (frequency == 0 ? 1.0 : std::numbers::sqrt2) * scale * std::cos(angle);
        }
        const Index frequency = k + (even ? 0 : 1);
        const double angle = 2.0 * std::numbers::pi * double(frequency * j % n_) / double(n_);
        const bool alone = even && (frequency == 0 || 2 * frequency == n_);
        return (alone ? 1.0 : std::numbers::sqrt2) * scale * (even ? std::cos(angle) : std::sin(angle));
    };
    for (Half* half : {&even_, &odd_}) {
        const bool even = half == &even_;
        const Index size = half->size = even ? n_even_ : n_odd_;
        half->stride = (size + width - 1) / width * width;
        half->forward.assign(std::size_t(size * half->stride), 0.0);
        half->backward = half->forward;
        for (Index k = 0; k < size; ++k) {
            for (Index i = 0; i < size; ++i) {
                const Index j = i < n_odd_ ? first_ + i : alone_[std::size_t(i - n_odd_)];
                half->forward[std::size_t(k * half->stride + i)] = half->backward[std::size_t(i * half->stride + k)] =
                    entry(k, j, even);
            }
        }
    }
    folded_.assign(std::size_t((even_.stride + odd_.stride) * width), 0.0);
    modes_.resize(folded_.size());
}

void AxisTransform::Half::multiply_left(bool forwards, kernels::RowsOf<double> in, kernels::RowsOf<double> out) const {
    const std::vector<double>& M = forwards ? forward : backward;
    const auto n = std::size_t(size);
    kernels::multiply({M.data(), std::size_t(stride)}, n, n, {in.data, in.stride}, kernels::panel_width, out);
}

void AxisTransform::Half::multiply_right(bool forwards, kernels::RowsOf<double> in, Index n_rows,
                                         kernels::RowsOf<double> out) const {
    const std::vector<double>& M = forwards ? backward : forward;
    kernels::multiply({in.data, in.stride}, std::size_t(n_rows), std::size_t(size), {M.data(), std::size_t(stride)},
                      std::size_t(stride), out);
}

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

void AxisTransform::forward_fft(double* data, Index size, Index stride) {
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
                const Complex t = fft_->twiddle[std::size_t(k)];
                a[k * stride] = s * (A.real() * t.real() - A.imag() * t.imag());
                b[k * stride] = s * (B.real() * t.real() - B.imag() * t.imag());
            }
        }
    });
}

void AxisTransform::backward_fft(double* data, Index size, Index stride) {
    if (periodic_) return forward_fft(data, size, stride);  // the Hartley transform is its own inverse
    const Index n = n_;
    Complex* z = fft_->line.data();
    Complex* Z = fft_->image.data();
    const double scale = 1.0 / std::sqrt(double(n));
    for_pairs(data, size, stride, [&](double* a, double* b) {
        Z[0] = {scale * a[0], scale * b[0]};
        const double s = scale / std::numbers::sqrt2;
        for (Index k = 1; k < n; ++k) {
            const Complex t = std::conj(fft_->twiddle[std::size_t(k)]);
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
