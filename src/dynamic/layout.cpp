#include "dynamic/layout.hpp"

#include "discrete/context.hpp"

namespace spectralot::dynamic {

namespace {

/// out[c] = a·u[c] + b·u[face below c].
void combine_faces(const Axis& axis, const double* u, double a, double b, Index n_cells, double* out, bool add) {
    const Index stride = axis.stride;
    const Index head = std::min(stride, n_cells);
    if (!add) std::fill_n(out, head, 0.0);
    for (Index c = 0; c < head; ++c) out[c] += a * u[c];
    if (add) {
        for (Index c = stride; c < n_cells; ++c) out[c] += a * u[c] + b * u[c - stride];
    } else {
        for (Index c = stride; c < n_cells; ++c) out[c] = a * u[c] + b * u[c - stride];
    }
    if (!axis.periodic) return;
    const Index row = axis.n * stride;
    for (Index first = 0; first < n_cells; first += row) {
        for (Index c = first; c < first + stride; ++c) {
            const double below = c >= stride ? u[c - stride] : 0.0;
            out[c] += b * (u[c + row - stride] - below);
        }
    }
}

/// out[c] += open·(a·w[c] + b·w[cell above c]), on faces.
void combine_cells(const Axis& axis, const double* w, double a, double b, Index n_cells, double* out) {
    const Index stride = axis.stride, row = axis.n * stride;
    if (!axis.open.empty()) {
        for (Index c = 0; c + stride < n_cells; ++c)
            out[c] += axis.open[std::size_t(c)] * (a * w[c] + b * w[c + stride]);
        return;
    }
    for (Index first = 0; first < n_cells; first += row) {
        const Index last = first + row - stride;
        for (Index c = first; c < last; ++c) out[c] += a * w[c] + b * w[c + stride];
        if (axis.periodic) {
            for (Index c = last; c < last + stride; ++c) out[c] += a * w[c] + b * w[c - last + first];
        }
    }
}

}  // namespace

void Layout::for_slices(const std::function<void(int)>& body) const {
    for_each_block(n_times, n_threads, body);
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
    const double* before = u.rho.row(s).data();
    const double* after = u.rho.row(s + 1).data();
    for (Index c = 0; c < layout.n_cells; ++c) out[0][c] = 0.5 * (before[c] + after[c]);
    for (std::size_t a = 0; a < u.m.size(); ++a) {
        const double* m = u.m[a].row(s).data();
        if (a < layout.axes.size()) {
            combine_faces(layout.axes[a], m, 0.5, 0.5, layout.n_cells, out[a + 1], false);
        } else {
            std::copy_n(m, layout.n_cells, out[a + 1]);
        }
    }
    if (layout.growth) to_ambient(layout, out[1], out[2]);
}

void add_adjoint(const Layout& layout, const CellField& w, double scale, StaggeredField& u) {
    layout.for_slices([&](int s) {
        if (s > 0) u.rho.row(s) += (0.5 * scale) * (w.v[0].row(s - 1) + w.v[0].row(s));
        Plane turned;
        if (layout.growth) {
            turned.resize(2, layout.n_cells);
            turned << w.v[1].row(s), w.v[2].row(s);
            to_tangential(layout, turned.row(0).data(), turned.row(1).data());
            u.m[1].row(s) += scale * turned.row(1);
        }
        for (std::size_t a = 0; a < layout.axes.size(); ++a) {
            const double* from = layout.growth ? turned.data() : w.v[a + 1].row(s).data();
            combine_cells(layout.axes[a], from, 0.5 * scale, 0.5 * scale, layout.n_cells, u.m[a].row(s).data());
        }
    });
}

void divergence(const Layout& layout, const StaggeredField& u, Plane& out) {
    const double rate = layout.n_times;
    layout.for_slices([&](int s) {
        out.row(s) = rate * (u.rho.row(s + 1) - u.rho.row(s));
        for (std::size_t a = 0; a < layout.axes.size(); ++a) {
            const double per_h = 1.0 / layout.axes[a].h;
            combine_faces(layout.axes[a], u.m[a].row(s).data(), per_h, -per_h, layout.n_cells, out.row(s).data(), true);
        }
        if (layout.growth) out.row(s) -= 2.0 * u.m.back().row(s);
    });
}

void subtract_gradient(const Layout& layout, const Plane& phi, StaggeredField& u) {
    const double rate = layout.n_times;
    layout.for_slices([&](int s) {
        if (s > 0) u.rho.row(s) -= rate * (phi.row(s - 1) - phi.row(s));
        for (std::size_t a = 0; a < layout.axes.size(); ++a) {
            const double per_h = 1.0 / layout.axes[a].h;
            combine_cells(layout.axes[a], phi.row(s).data(), -per_h, per_h, layout.n_cells, u.m[a].row(s).data());
        }
        if (layout.growth) u.m.back().row(s) += 2.0 * phi.row(s);
    });
}

}  // namespace spectralot::dynamic
