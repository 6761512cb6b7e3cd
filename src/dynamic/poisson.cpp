#include "dynamic/poisson.hpp"

#include "discrete/context.hpp"
#include "dynamic/kernels.hpp"
#include "dynamic/transform.hpp"
#include "dynamic/walls.hpp"

#include <Eigen/SparseCholesky>

#include <algorithm>

namespace spectralot::dynamic {

namespace {

constexpr double growth_shift = 4.0;  // the growth column of D is -2

class BoxSolver : public PoissonSolver {
public:
    explicit BoxSolver(const Layout& layout) : PoissonSolver(layout) {
        const Index C = layout.n_cells;
        // Enough slices at once for full panels of lines.
        for (const Axis& axis : layout.axes)
            group_ = std::max(group_, int((Index(kernels::panel_width) * axis.n + C - 1) / C));
        for (int worker = 0; worker < layout.n_workers(); ++worker) {
            transforms_.emplace_back();
            for (const Axis& axis : layout.axes) transforms_.back().emplace_back(axis.n, axis.periodic);
        }
        Vector lambda = Vector::Constant(C, layout.growth ? growth_shift : 0.0);
        for (std::size_t a = 0; a < layout.axes.size(); ++a) {
            const Axis& axis = layout.axes[a];
            for (Index c = 0; c < C; ++c)
                lambda[c] += transforms_[0][a].eigenvalue(c / axis.stride % axis.n) / (axis.h * axis.h);
        }
        // Pivots of the tridiagonal systems; the last one vanishes where constants are in the kernel.
        const double link = double(layout.n_times) * double(layout.n_times);
        inverse_pivots_.resize(layout.n_times, C);
        for (Index c = 0; c < C; ++c) {
            double before = 0.0;
            for (int k = 0; k < layout.n_times; ++k) {
                const int links = (k > 0 ? 1 : 0) + (k + 1 < layout.n_times ? 1 : 0);
                const double pivot = links * link + lambda[c] - link * link * before;
                const bool kernel = k + 1 == layout.n_times && lambda[c] == 0.0;
                before = inverse_pivots_(k, c) = kernel ? 0.0 : 1.0 / pivot;
            }
        }
    }

private:
    void forward(Plane& r, int first, int count, int worker) const override {
        for (std::size_t a = 0; a < layout_.axes.size(); ++a)
            transforms_[std::size_t(worker)][a].forward(r.row(first).data(), count * layout_.n_cells,
                                                        layout_.axes[a].stride);
    }

    void backward(Plane& r, int first, int count, int worker) const override {
        for (std::size_t a = 0; a < layout_.axes.size(); ++a)
            transforms_[std::size_t(worker)][a].backward(r.row(first).data(), count * layout_.n_cells,
                                                         layout_.axes[a].stride);
    }

    void couple(Plane& r) const override {
        const double link = double(layout_.n_times) * double(layout_.n_times);
        constexpr Index chunk = 1024;
        const auto n_chunks = int((layout_.n_cells + chunk - 1) / chunk);
        for_each_block(n_chunks, layout_.n_threads, [&](int block) {
            const Index first = block * chunk;
            const auto n = std::size_t(std::min(chunk, layout_.n_cells - first));
            const auto row = [&](int k) { return r.row(k).data() + first; };
            const auto pivot = [&](int k) { return inverse_pivots_.row(k).data() + first; };
            const int last = layout_.n_times - 1;
            for (int k = 1; k <= last; ++k) kernels::eliminate(row(k - 1), link, pivot(k - 1), n, row(k));
            kernels::substitute(row(last), 0.0, pivot(last), n, row(last));
            for (int k = last - 1; k >= 0; --k) kernels::substitute(row(k + 1), link, pivot(k), n, row(k));
        });
    }

    Plane inverse_pivots_;
    mutable std::vector<std::vector<AxisTransform>> transforms_;  // per worker: they hold scratch
};

class MaskSolver : public PoissonSolver {
public:
    explicit MaskSolver(const Layout& layout) : PoissonSolver(layout), factors_(std::size_t(layout.n_times)) {
        const Index C = layout.n_cells;
        std::vector<Eigen::Triplet<double>> entries;
        entries.reserve(std::size_t(C) * (1 + 3 * layout.axes.size()));
        for (Index c = 0; c < C; ++c) entries.emplace_back(c, c, layout.is_inside(c) ? 0.0 : 1.0);
        for (const Axis& axis : layout.axes) {
            const double link = 1.0 / (axis.h * axis.h);
            for (Index c = 0; c + axis.stride < C; ++c) {
                if (axis.open[std::size_t(c)] == 0.0) continue;
                const Index d = c + axis.stride;
                entries.emplace_back(c, c, link);
                entries.emplace_back(d, d, link);
                entries.emplace_back(d, c, -link);
            }
        }
        Sparse laplacian(C, C);
        laplacian.setFromTriplets(entries.begin(), entries.end());
        // Every connected part has one constant in the kernel of the first mode: hold one of its cells.
        const std::vector<Index> anchors = parts(layout);
        const AxisTransform time(layout.n_times, false);
        for_each_block(layout.n_times, layout.n_threads, [&](int k) {
            Sparse system = laplacian;
            const double shift = time.eigenvalue(k) * double(layout.n_times) * double(layout.n_times);
            for (Index c = 0; c < C; ++c) system.coeffRef(c, c) += shift;
            if (k == 0) {
                for (const Index c : anchors) system.coeffRef(c, c) += 1.0;
            }
            factors_[std::size_t(k)].compute(system);
        });
    }

private:
    void forward(Plane& /*r*/, int /*first*/, int /*count*/, int /*worker*/) const override {}
    void backward(Plane& /*r*/, int /*first*/, int /*count*/, int /*worker*/) const override {}

    void couple(Plane& r) const override {
        AxisTransform time(layout_.n_times, false);
        time.forward(r.data(), r.size(), layout_.n_cells);
        layout_.for_slices([&](int k) {
            const Vector mode = r.row(k);
            r.row(k) = factors_[std::size_t(k)].solve(mode);
        });
        time.backward(r.data(), r.size(), layout_.n_cells);
        // Long lines are transformed in pairs, and rounding leaks from one to the other.
        for (Index c = 0; c < layout_.n_cells; ++c)
            if (!layout_.is_inside(c)) r.col(c).setZero();
    }

    using Sparse = Eigen::SparseMatrix<double>;

    static std::vector<Index> parts(const Layout& layout) {
        std::vector<Index> anchors;
        std::vector<char> seen(std::size_t(layout.n_cells), 0);
        std::vector<Index> stack;
        for (Index start = 0; start < layout.n_cells; ++start) {
            if (!layout.is_inside(start) || seen[std::size_t(start)]) continue;
            anchors.push_back(start);
            stack.assign(1, start);
            seen[std::size_t(start)] = 1;
            while (!stack.empty()) {
                const Index c = stack.back();
                stack.pop_back();
                for_neighbours(layout, c, [&](Index other) {
                    if (seen[std::size_t(other)]) return;
                    seen[std::size_t(other)] = 1;
                    stack.push_back(other);
                });
            }
        }
        return anchors;
    }

    std::vector<Eigen::SimplicialLDLT<Sparse>> factors_;
};

}  // namespace

void PoissonSolver::for_groups(const std::function<void(int, int, int)>& body) const {
    const int n_groups = (layout_.n_times + group_ - 1) / group_, n_workers = layout_.n_workers();
    for_each_block(n_workers, layout_.n_threads, [&](int worker) {
        for (int g = worker; g < n_groups; g += n_workers)
            body(g * group_, std::min(group_, layout_.n_times - g * group_), worker);
    });
}

void PoissonSolver::solve(Plane& r) const {
    solve(r, [](int, int) {});
}

void PoissonSolver::solve(Plane& r, const std::function<void(int, int)>& fill) const {
    for_groups([&](int first, int count, int worker) {
        for (int s = first; s < first + count; ++s) fill(s, worker);
        forward(r, first, count, worker);
    });
    couple(r);
    for_groups([&](int first, int count, int worker) { backward(r, first, count, worker); });
}

std::unique_ptr<PoissonSolver> make_poisson_solver(const Layout& layout) {
    const Index n_faces = count_wall_faces(layout);
    if (n_faces == 0) return std::make_unique<BoxSolver>(layout);
    // Sparse factors have some 20 numbers per cell in the plane, and are slower to read than dense matrices.
    if (n_faces * n_faces <= 8 * layout.n_cells) return make_wall_solver(layout);
    return std::make_unique<MaskSolver>(layout);
}

void project(const Layout& layout, const PoissonSolver& solver, StaggeredField& u, Plane& phi) {
    divergence(layout, u, phi);
    solver.solve(phi);
    subtract_gradient(layout, phi, u);
}

}  // namespace spectralot::dynamic
