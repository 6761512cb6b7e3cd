#include "dynamic/transform.hpp"

#include "dynamic/kernels.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

namespace spectralot::dynamic {

using Complex = std::complex<double>;

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
    for_panels(data, size, stride, [&](auto&& row) {
        constexpr auto width = Index(kernels::panel_width);
        double* sums = entries_.data();
        double* differences = sums + n_even_ * width;
        for (Index i = 0; i < n_even_; ++i) {
            const auto [p, q] = mirrored_[std::size_t(i)];
            double* sum = sums + i * width;
            row.read(p, sum);
            if (i >= n_odd_) continue;
            std::array<double, kernels::panel_width> other;
            row.read(q, other.data());
            double* difference = differences + i * width;
            for (Index l = 0; l < width; ++l) {
                difference[l] = sum[l] - other[std::size_t(l)];
                sum[l] += other[std::size_t(l)];
            }
        }
        kernels::multiply_panel(even_.data(), std::size_t(n_even_), std::size_t(n_even_), sums, modes_.data());
        kernels::multiply_panel(odd_.data(), std::size_t(n_odd_), std::size_t(n_odd_), differences,
                                modes_.data() + n_even_ * width);
        for (Index k = 0; k < n_; ++k) row.write(k, modes_.data() + k * width);
    });
}

void AxisTransform::backward(double* data, Index size, Index stride) {
    if (n_ == 1) return;
    if (fft_) return backward_fft(data, size, stride);
    for_panels(data, size, stride, [&](auto&& row) {
        constexpr auto width = Index(kernels::panel_width);
        for (Index k = 0; k < n_; ++k) row.read(k, modes_.data() + k * width);
        double* sums = entries_.data();
        double* differences = sums + n_even_ * width;
        kernels::multiply_panel(even_back_.data(), std::size_t(n_even_), std::size_t(n_even_), modes_.data(), sums);
        kernels::multiply_panel(odd_back_.data(), std::size_t(n_odd_), std::size_t(n_odd_),
                                modes_.data() + n_even_ * width, differences);
        for (Index i = 0; i < n_even_; ++i) {
            const auto [p, q] = mirrored_[std::size_t(i)];
            double* sum = sums + i * width;
            if (i >= n_odd_) {
                row.write(p, sum);
                continue;
            }
            const double* difference = differences + i * width;
            std::array<double, kernels::panel_width> other;
            for (Index l = 0; l < width; ++l) {
                other[std::size_t(l)] = sum[l] - difference[l];
                sum[l] += difference[l];
            }
            row.write(p, sum);
            row.write(q, other.data());
        }
    });
}

/// Rows of the DCT-II matrix are even or odd under j ↦ n-1-j, cosines and sines under j ↦ -j.
void AxisTransform::build_matrices() {
    const Index first = periodic_ ? 1 : 0;
    const auto mirror = [&](Index j) { return periodic_ ? n_ - j : n_ - 1 - j; };
    for (Index j = first; j < mirror(j); ++j) mirrored_.emplace_back(j, mirror(j));
    n_odd_ = Index(mirrored_.size());
    n_even_ = n_ - n_odd_;
    if (periodic_) mirrored_.emplace_back(0, 0);
    if (Index(mirrored_.size()) < n_even_) mirrored_.emplace_back(n_ / 2, n_ / 2);

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
    const auto fill = [&](Index size, bool even, std::vector<double>& matrix, std::vector<double>& transposed) {
        matrix.resize(std::size_t(size * size));
        transposed.resize(matrix.size());
        for (Index k = 0; k < size; ++k)
            for (Index i = 0; i < size; ++i)
                matrix[std::size_t(k * size + i)] = transposed[std::size_t(i * size + k)] =
                    entry(k, mirrored_[std::size_t(i)].first, even);
    };
    fill(n_even_, true, even_, even_back_);
    fill(n_odd_, false, odd_, odd_back_);
    entries_.resize(std::size_t(n_) * kernels::panel_width);
    modes_.resize(entries_.size());
}

/// Calls panel(row) for every panel_width lines, where row.read(i, out) and row.write(i, in) move their entries i. A
/// panel that is not full is filled up with zeros.
template <class Panel>
void AxisTransform::for_panels(double* data, Index size, Index stride, Panel&& panel) {
    constexpr auto width = Index(kernels::panel_width);
    const Index n_lines = size / n_;
    const auto start = [&](Index line) { return line / stride * (n_ * stride) + line % stride; };
    struct Neighbours {  // lines side by side
        double* first;
        Index stride;
        void read(Index i, double* out) const { std::memcpy(out, first + i * stride, width * sizeof(double)); }
        void write(Index i, const double* in) const { std::memcpy(first + i * stride, in, width * sizeof(double)); }
    };
    struct Scattered {
        std::array<double*, kernels::panel_width> lines;
        Index count, stride;
        void read(Index i, double* out) const {
            for (Index l = 0; l < count; ++l) out[l] = lines[std::size_t(l)][i * stride];
            std::fill(out + count, out + width, 0.0);
        }
        void write(Index i, const double* in) const {
            for (Index l = 0; l < count; ++l) lines[std::size_t(l)][i * stride] = in[l];
        }
    };
    for (Index line = 0; line < n_lines; line += width) {
        const Index count = std::min(width, n_lines - line);
        if (count == width && line % stride + width <= stride) {
            panel(Neighbours{data + start(line), stride});
            continue;
        }
        Scattered rows{{}, count, stride};
        for (Index l = 0; l < count; ++l) rows.lines[std::size_t(l)] = data + start(line + l);
        panel(rows);
    }
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
