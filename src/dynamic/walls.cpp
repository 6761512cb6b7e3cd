#include "dynamic/walls.hpp"

#include "dynamic/transform.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

namespace spectralot::dynamic {

namespace {

struct WallFace {
    Index below, above;  ///< the cells on both sides
    double resistance;   ///< h²
};

std::vector<WallFace> wall_faces(const Layout& layout) {
    std::vector<WallFace> faces;
    if (layout.inside.empty()) return faces;
    for (const Axis& axis : layout.axes) {
        for (Index c = 0; c + axis.stride < layout.n_cells; ++c) {
            const bool last = c / axis.stride % axis.n == axis.n - 1;
            if (!last && layout.is_inside(c) != layout.is_inside(c + axis.stride))
                faces.push_back({c, c + axis.stride, axis.h * axis.h});
        }
    }
    return faces;
}

Layout without_walls(Layout layout) {
    layout.inside.clear();
    for (Axis& axis : layout.axes) axis.open.clear();
    return layout;
}

class WallSolver : public PoissonSolver {
public:
    explicit WallSolver(const Layout& layout)
        : PoissonSolver(layout),
          box_layout_(without_walls(layout)),
          box_(make_poisson_solver(box_layout_)),
          faces_(wall_faces(layout)),
          time_(layout.n_times, false) {
        const auto n_faces = Index(faces_.size());
        Vector impulse = Vector::Unit(layout.n_times, 0);  // in the first slice: every mode has a part of it
        time_.forward(impulse.data(), impulse.size(), 1);
        inverses_.assign(std::size_t(layout.n_times), Matrix::Zero(n_faces, n_faces));
        Plane response(layout.n_times, layout.n_cells);
        for (Index f = 0; f < n_faces; ++f) {
            response.setZero();
            response(0, faces_[std::size_t(f)].below) = 1.0;
            response(0, faces_[std::size_t(f)].above) = -1.0;
            box_->solve(response);
            const Plane seen = differences(response);
            for (int k = 0; k < layout.n_times; ++k)
                inverses_[std::size_t(k)].col(f) = -seen.row(k).transpose() / impulse[k];
        }
        layout.for_slices([&](int k) {
            Matrix& C = inverses_[std::size_t(k)];
            for (Index f = 0; f < n_faces; ++f) C(f, f) += faces_[std::size_t(f)].resistance;
            C = Matrix(0.5 * (C + C.transpose()));
            if (k > 0) {
                C = C.ldlt().solve(Matrix::Identity(n_faces, n_faces));
                return;
            }
            // Constant in time, a constant in every part between the walls costs nothing: a kernel, which y need not
            // see, as the right side sums to zero in each.
            const Eigen::SelfAdjointEigenSolver<Matrix> eigen(C);
            const Vector& values = eigen.eigenvalues();
            const double least = kernel_tol * values[n_faces - 1];
            const Vector inverse = (values.array() > least).select(values.cwiseInverse(), 0.0);
            C = eigen.eigenvectors() * inverse.asDiagonal() * eigen.eigenvectors().transpose();
        });
    }

private:
    static constexpr double kernel_tol = 1e-10;

    void forward(Plane& /*r*/, int /*first*/, int /*count*/, int /*worker*/) const override {}
    void backward(Plane& /*r*/, int /*first*/, int /*count*/, int /*worker*/) const override {}

    void couple(Plane& r) const override {
        box_->solve(r);
        Plane y = differences(r);
        layout_.for_slices([&](int k) {
            const Vector mode = y.row(k);
            y.row(k) = inverses_[std::size_t(k)] * mode;
        });
        time_.backward(y.data(), y.size(), y.cols());
        Plane source = Plane::Zero(r.rows(), r.cols());
        for (Index s = 0; s < r.rows(); ++s) {
            for (std::size_t f = 0; f < faces_.size(); ++f) {
                source(s, faces_[f].below) += y(s, Index(f));
                source(s, faces_[f].above) -= y(s, Index(f));
            }
        }
        box_->solve(source);
        layout_.for_slices([&](int s) {
            for (Index c = 0; c < layout_.n_cells; ++c) r(s, c) = layout_.is_inside(c) ? r(s, c) + source(s, c) : 0.0;
        });
    }

    /// Across the wall faces, in cosine modes of time.
    Plane differences(const Plane& phi) const {
        Plane out(phi.rows(), Index(faces_.size()));
        for (Index s = 0; s < phi.rows(); ++s)
            for (std::size_t f = 0; f < faces_.size(); ++f)
                out(s, Index(f)) = phi(s, faces_[f].below) - phi(s, faces_[f].above);
        time_.forward(out.data(), out.size(), out.cols());
        return out;
    }

    Layout box_layout_;
    std::unique_ptr<PoissonSolver> box_;
    std::vector<WallFace> faces_;
    mutable AxisTransform time_;    // holds scratch
    std::vector<Matrix> inverses_;  // per mode, of S⁻¹ - EᵀA⁺E
};

}  // namespace

Index count_wall_faces(const Layout& layout) {
    return Index(wall_faces(layout).size());
}

std::unique_ptr<PoissonSolver> make_wall_solver(const Layout& layout) {
    return std::make_unique<WallSolver>(layout);
}

}  // namespace spectralot::dynamic
