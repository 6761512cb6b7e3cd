#include "dynamic/layout.hpp"

#include "discrete/context.hpp"
#include "dynamic/kernels.hpp"

#include <algorithm>
#include <thread>

namespace spectralot::dynamic {

namespace {

/// out[c] = base[c] + a·u[c] + b·u[face below c]; base null: zero.
void combine_faces(const Axis& axis, const double* base, const double* u, double a, double b, Index n_cells,
                   double* out) {
    const Index stride = axis.stride;
    kernels::combine_below(base, u, a, b, std::size_t(stride), std::size_t(n_cells), out);
    if (!axis.periodic) return;
    const Index row = axis.n * stride;
    for (Index first = 0; first < n_cells; first += row) {
        for (Index c = first; c < first + stride; ++c) {
            const double below = c >= stride ? u[c - stride] : 0.0;
            out[c] += b * (u[c + row - stride] - below);
        }
    }
}

/// out[c] = base[c] + open·(a·w[c] + b·w[cell above c]), on faces; base null: zero. `out` may be `base`.
void combine_cells(const Axis& axis, const double* base, const double* w, double a, double b, Index n_cells,
                   double* out) {
    const Index stride = axis.stride, row = axis.n * stride;
    if (!axis.open.empty()) {
        for (Index c = 0; c + stride < n_cells; ++c)
            out[c] = (base ? base[c] : 0.0) + axis.open[std::size_t(c)] * (a * w[c] + b * w[c + stride]);
        std::fill_n(out + n_cells - stride, stride, 0.0);
        return;
    }
    if (!axis.periodic) {
        kernels::add_two(base, w, a, w + stride, b, std::size_t(n_cells - stride), out);
        for (Index last = row - stride; last < n_cells; last += row) std::fill_n(out + last, stride, 0.0);
        return;
    }
    for (Index first = 0; first < n_cells; first += row) {
        const Index last = first + row - stride;
        kernels::add_two(base ? base + first : nullptr, w + first, a, w + first + stride, b, std::size_t(row - stride),
                         out + first);
        kernels::add_two(base ? base + last : nullptr, w + last, a, w + first, b, std::size_t(stride), out + last);
    }
}

/// kernels::step from the cells below and above every face.
void step_faces(const Axis& axis, const double* w, double a, const double* phi, double b, double r, Index n_cells,
                double* u, double* ahead) {
    const Index stride = axis.stride, row = axis.n * stride;
    const auto step = [&](Index from, Index above, Index n) {
        kernels::step(w + from, w + above, a, phi + from, phi + above, b, r, std::size_t(n), u + from, ahead + from);
    };
    if (axis.periodic) {
        for (Index first = 0; first < n_cells; first += row) {
            step(first, first + stride, row - stride);
            step(first + row - stride, first, stride);
        }
        return;
    }
    step(0, stride, n_cells - stride);
    const auto close = [&](Index first, Index n) {
        std::fill_n(u + first, n, 0.0);
        std::fill_n(ahead + first, n, 0.0);
    };
    if (axis.open.empty()) {
        for (Index last = row - stride; last < n_cells; last += row) close(last, stride);
        return;
    }
    for (Index c = 0; c < n_cells; ++c)
        if (axis.open[std::size_t(c)] == 0.0) close(c, 1);
}

}  // namespace

int Layout::n_workers() const {
    const int threads = n_threads > 0 ? n_threads : int(std::max(1U, std::thread::hardware_concurrency()));
    return std::min(threads, n_times);
}

void Layout::for_slices(const std::function<void(int)>& body) const {
    for_each_block(n_times, n_threads, body);
}

Index parent_of(const Layout& fine, const Layout& coarse, Index cell) {
    Index parent = 0;
    for (std::size_t a = 0; a < fine.axes.size(); ++a) {
        const Index ratio = fine.axes[a].n / coarse.axes[a].n;
        parent += cell / fine.axes[a].stride % fine.axes[a].n / ratio * coarse.axes[a].stride;
    }
    return parent;
}

StaggeredField::StaggeredField(const Layout& layout)
    : rho(Plane::Zero(layout.n_times + 1, layout.n_cells)),
      m(std::size_t(layout.dimension()), Plane::Zero(layout.n_times, layout.n_cells)) {}

CellField::CellField(const Layout& layout)
    : v(std::size_t(layout.dimension()) + 1, Plane::Zero(layout.n_times, layout.n_cells)) {}

void to_ambient(const Layout& layout, double* first, double* second) {
    for (Index c = 0; c < layout.n_cells; ++c) {
        const double m = first[c], g = second[c];
        first[c] = g * layout.cosine[c] - m * layout.sine[c];
        second[c] = g * layout.sine[c] + m * layout.cosine[c];
    }
}

void to_tangential(const Layout& layout, double* first, double* second) {
    for (Index c = 0; c < layout.n_cells; ++c) {
        const double x = first[c], y = second[c];
        first[c] = y * layout.cosine[c] - x * layout.sine[c];
        second[c] = x * layout.cosine[c] + y * layout.sine[c];
    }
}

void interpolate(const Layout& layout, const StaggeredField& u, int s, std::span<double* const> out) {
    kernels::add_two(nullptr, u.rho.row(s).data(), 0.5, u.rho.row(s + 1).data(), 0.5, std::size_t(layout.n_cells),
                     out[0]);
    for (std::size_t a = 0; a < u.m.size(); ++a) {
        const double* m = u.m[a].row(s).data();
        if (a < layout.axes.size()) {
            combine_faces(layout.axes[a], nullptr, m, 0.5, 0.5, layout.n_cells, out[a + 1]);
        } else {
            std::copy_n(m, layout.n_cells, out[a + 1]);
        }
    }
    if (layout.growth) to_ambient(layout, out[1], out[2]);
}

void add_momenta(const Layout& layout, ConstRows base, double scale, ConstRows m, Rows out) {
    const auto n = std::size_t(layout.n_cells);
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const double* from = layout.growth ? nullptr : base[a + 1];
        const double half = layout.growth ? 0.5 : 0.5 * scale;
        combine_faces(layout.axes[a], from, m[a], half, half, layout.n_cells, out[a + 1]);
    }
    if (!layout.growth) return;
    std::copy_n(m[1], n, out[2]);
    to_ambient(layout, out[1], out[2]);
    for (const std::size_t k : {1, 2}) kernels::add_two(base[k], out[k], scale, out[k], 0.0, n, out[k]);
}

void add_adjoint_momenta(const Layout& layout, ConstRows base, const CellField& w, double scale, int s, Rows m) {
    const double half = 0.5 * scale;
    Plane turned;
    if (layout.growth) {
        turned.resize(2, layout.n_cells);
        turned << w.v[1].row(s), w.v[2].row(s);
        to_tangential(layout, turned.row(0).data(), turned.row(1).data());
        kernels::add_two(base.empty() ? nullptr : base[1], turned.row(1).data(), scale, turned.row(1).data(), 0.0,
                         std::size_t(layout.n_cells), m[1]);
    }
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const double* from = layout.growth ? turned.data() : w.v[a + 1].row(s).data();
        combine_cells(layout.axes[a], base.empty() ? nullptr : base[a], from, half, half, layout.n_cells, m[a]);
    }
}

namespace {

void divergence_of_momenta(const Layout& layout, ConstRows m, double* out) {
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const double per_h = 1.0 / layout.axes[a].h;
        combine_faces(layout.axes[a], a == 0 ? nullptr : out, m[a], per_h, -per_h, layout.n_cells, out);
    }
    if (layout.growth) kernels::add_two(out, m[1], -2.0, m[1], 0.0, std::size_t(layout.n_cells), out);
}

}  // namespace

namespace {

/// out += e(w[cell above] - w[cell below]), with -w of the cell itself beyond a wall: a divergence of averages.
void add_central_differences(const Axis& axis, const double* w, double e, Index n_cells, double* out) {
    const Index stride = axis.stride, row = axis.n * stride;
    if (axis.n == 1) return;
    if (n_cells > 2 * stride)
        kernels::add_two(out + stride, w + 2 * stride, e, w, -e, std::size_t(n_cells - 2 * stride), out + stride);
    for (Index first = 0; first < n_cells; first += row) {  // at walls that saw the next row of cells, or nothing
        for (Index c = first; c < first + stride; ++c)
            out[c] += e * (w[c] + (c < stride ? w[c + stride] : w[c - stride]));
        for (Index c = first + row - stride; c < first + row; ++c)
            out[c] -= e * (w[c] + (c + stride < n_cells ? w[c + stride] : w[c - stride]));
    }
}

}  // namespace

void add_divergence_of_masses(const Layout& layout, const Plane& w_0, double scale, int s, const double* base,
                              double* out) {
    // Masses at times 1 … n_times - 1 are the means of w_0 before and after; at the ends there are none.
    const double rate = 0.5 * scale * layout.n_times;
    const bool first = s == 0, last = s + 1 == layout.n_times;
    kernels::add_two(base, w_0.row(last ? s : s + 1).data(), last ? -rate : rate, w_0.row(first ? s : s - 1).data(),
                     first ? rate : -rate, std::size_t(layout.n_cells), out);
}

void divergence_of_adjoint(const Layout& layout, const CellField& w, double scale, int s, Rows m, double* out) {
    const bool box = !layout.growth && std::none_of(layout.axes.begin(), layout.axes.end(), [](const Axis& axis) {
        return axis.periodic || !axis.open.empty();
    });
    if (box) {
        add_divergence_of_masses(layout, w.v[0], scale, s, nullptr, out);
        for (std::size_t a = 0; a < layout.axes.size(); ++a)
            add_central_differences(layout.axes[a], w.v[a + 1].row(s).data(), 0.5 * scale / layout.axes[a].h,
                                    layout.n_cells, out);
        return;
    }
    add_adjoint_momenta(layout, {}, w, scale, s, m);
    divergence_of_momenta(layout, {m.data(), m.size()}, out);
    add_divergence_of_masses(layout, w.v[0], scale, s, out, out);
}

void step_masses(const Layout& layout, const Plane& w_0, double tau, const Plane& phi, double r, int s,
                 StaggeredField& u, double* ahead) {
    kernels::step(w_0.row(s - 1).data(), w_0.row(s).data(), 0.5 * tau, phi.row(s - 1).data(), phi.row(s).data(),
                  -double(layout.n_times), r, std::size_t(layout.n_cells), u.rho.row(s).data(), ahead);
}

void step_momenta(const Layout& layout, const CellField& w, double tau, const Plane& phi, double r, int s, Rows u,
                  Rows ahead) {
    const double* potential = phi.row(s).data();
    Plane turned;
    if (layout.growth) {
        turned.resize(2, layout.n_cells);
        turned << w.v[1].row(s), w.v[2].row(s);
        to_tangential(layout, turned.row(0).data(), turned.row(1).data());
        for (Index c = 0; c < layout.n_cells; ++c) {
            const double g = tau * turned(1, c) - 2.0 * potential[c];
            ahead[1][c] = u[1][c] - 2.0 * g;
            u[1][c] -= r * g;
        }
    }
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const double* from = layout.growth ? turned.data() : w.v[a + 1].row(s).data();
        step_faces(layout.axes[a], from, 0.5 * tau, potential, -1.0 / layout.axes[a].h, r, layout.n_cells, u[a],
                   ahead[a]);
    }
}

void divergence(const Layout& layout, const StaggeredField& u, Plane& out) {
    layout.for_slices([&](int s) {
        double* row = out.row(s).data();
        divergence_of_momenta(layout, MomentumRows(u, s), row);
        const double rate = layout.n_times;
        kernels::add_two(row, u.rho.row(s + 1).data(), rate, u.rho.row(s).data(), -rate, std::size_t(layout.n_cells),
                         row);
    });
}

void subtract_gradient_of_masses(const Layout& layout, const Plane& phi, StaggeredField& u) {
    const double rate = layout.n_times;
    layout.for_slices([&](int s) {
        double* rho = u.rho.row(s).data();
        if (s > 0)
            kernels::add_two(rho, phi.row(s - 1).data(), -rate, phi.row(s).data(), rate, std::size_t(layout.n_cells),
                             rho);
    });
}

void subtract_gradient_of_momenta(const Layout& layout, const Plane& phi, StaggeredField& u) {
    layout.for_slices([&](int s) {
        const double* row = phi.row(s).data();
        for (std::size_t a = 0; a < layout.axes.size(); ++a) {
            const double per_h = 1.0 / layout.axes[a].h;
            double* m = u.m[a].row(s).data();
            combine_cells(layout.axes[a], m, row, -per_h, per_h, layout.n_cells, m);
        }
        if (!layout.growth) return;
        double* growth = u.m[1].row(s).data();
        kernels::add_two(growth, row, 2.0, row, 0.0, std::size_t(layout.n_cells), growth);
    });
}

void subtract_gradient(const Layout& layout, const Plane& phi, StaggeredField& u) {
    subtract_gradient_of_masses(layout, phi, u);
    subtract_gradient_of_momenta(layout, phi, u);
}

}  // namespace spectralot::dynamic
