#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

namespace spectralot {

namespace {

void check_size(Index rows, int d, const std::string& argument) {
    if (rows != d)
        throw_invalid(argument, "must be " + std::to_string(d) + "x" + std::to_string(d) + ", the dimension",
                      std::to_string(rows) + "x" + std::to_string(rows));
}

class WeightedTraceModel final : public GaugeModel {
public:
    explicit WeightedTraceModel(Matrix A) : A_(std::move(A)), root_(A_) {}

    double value(const Matrix& S) const override { return A_.cwiseProduct(S).sum(); }
    Matrix active(const Matrix&) const override { return A_; }
    bool is_monotone() const override { return true; }
    std::string repr() const override { return "WeightedTrace(" + detail::python_text(A_) + ")"; }
    void check_dimension(int d) const override { check_size(A_.rows(), d, "A"); }

    ComparisonConstants comparison_constants(int) const override {
        const detail::Spectrum s = detail::spectrum(A_);
        return {s.scale * s.values[s.values.size() - 1], s.scale * s.values[0]};
    }

    /// λ_max(L⁻¹QL⁻ᵀ), A = LLᵀ.
    std::optional<double> metric_level(const Matrix& Q) const override {
        const Matrix half = root_.matrixL().solve(Q);
        const Matrix whitened = root_.matrixL().solve(Matrix(half.transpose()));
        const detail::Spectrum s = detail::spectrum(0.5 * (whitened + whitened.transpose()));
        return std::max(0.0, s.scale * s.values[0]);
    }

    std::optional<GaugeProgram> program(int) const override { return detail::point_program(A_); }

    /// B = A⁻¹ and N*² = tr(A⁻¹S) = ‖L⁻¹W diag(σ)‖².
    SelectorMap selector_map(const Vector& sigma, const Matrix& right) const override {
        const Matrix inverse = root_.solve(Matrix::Identity(A_.rows(), A_.rows()));
        const Matrix whitened = root_.matrixL().solve(Matrix(right * (sigma / sigma[0]).asDiagonal()));
        return {0.5 * (inverse + inverse.transpose()), sigma[0] * whitened.norm()};
    }

private:
    Matrix A_;
    Eigen::LLT<Matrix> root_;
};

class PolyhedralModel final : public GaugeModel {
public:
    explicit PolyhedralModel(std::vector<Matrix> matrices) : matrices_(std::move(matrices)) {}

    double value(const Matrix& S) const override {
        double best = -infinity;
        for (const Matrix& A : matrices_) best = std::max(best, A.cwiseProduct(S).sum());
        return best;
    }

    /// At ties the mean of the maximisers.
    Matrix active(const Matrix& S) const override {
        const double threshold = value(S) * (1.0 - 8.0 * static_cast<double>(S.rows()) * epsilon);
        Matrix mean = Matrix::Zero(S.rows(), S.cols());
        int ties = 0;
        for (const Matrix& A : matrices_) {
            if (A.cwiseProduct(S).sum() < threshold) continue;
            mean += A;
            ++ties;
        }
        return mean / ties;
    }

    bool is_monotone() const override { return true; }
    void check_dimension(int d) const override { check_size(matrices_.front().rows(), d, "matrices"); }

    std::string repr() const override {
        std::string text = "Polyhedral([";
        for (size_t k = 0; k < matrices_.size(); ++k) text += (k ? ", " : "") + detail::python_text(matrices_[k]);
        return text + "])";
    }

    /// C is exact. c = max over Q in K of λ_min(Q) is bounded below by the mean of the A_k and by each of them.
    ComparisonConstants comparison_constants(int d) const override {
        ComparisonConstants constants{0.0, 0.0};
        Matrix mean = Matrix::Zero(d, d);
        const auto eigenvalues = [](const Matrix& A) {
            return Vector(Eigen::SelfAdjointEigenSolver<Matrix>(A, Eigen::EigenvaluesOnly).eigenvalues());
        };
        for (const Matrix& A : matrices_) {
            const Vector lambda = eigenvalues(A);
            constants.lower = std::max(constants.lower, lambda.minCoeff());
            constants.upper = std::max(constants.upper, lambda.maxCoeff());
            mean += A / static_cast<double>(matrices_.size());
        }
        constants.lower = std::max(constants.lower, eigenvalues(mean).minCoeff());
        return constants;
    }

    std::optional<GaugeProgram> program(int d) const override {
        if (matrices_.size() == 1) return detail::point_program(matrices_.front());
        GaugeProgram program{.dimension = d};
        const int first = detail::open_maximum(program, static_cast<int>(matrices_.size()), 1.0, 0);
        for (size_t k = 0; k < matrices_.size(); ++k)
            detail::append(program, detail::point_program(matrices_[k]), detail::all_coordinates(d), 1.0,
                           first + static_cast<int>(k));
        return program;
    }

private:
    std::vector<Matrix> matrices_;
};

Matrix symmetrised(const Matrix& A) {
    return 0.5 * (A + A.transpose());
}

}  // namespace

WeightedTrace::operator Gauge() const {
    detail::check_symmetric(A, "A");
    const detail::Spectrum s = detail::spectrum(A);
    const double smallest = s.values[s.values.size() - 1];
    if (smallest <= static_cast<double>(A.rows()) * epsilon * s.values[0])
        throw_invalid("A", "must be positive definite", "smallest eigenvalue " + to_text(s.scale * smallest));
    return Gauge(std::make_shared<WeightedTraceModel>(symmetrised(A)));
}

Polyhedral::operator Gauge() const {
    if (matrices.empty()) throw_invalid("matrices", "must not be empty", "none");
    std::vector<Matrix> symmetric;
    Matrix sum = Matrix::Zero(matrices.front().rows(), matrices.front().cols());
    for (size_t k = 0; k < matrices.size(); ++k) {
        const std::string argument = "matrices[" + std::to_string(k) + "]";
        detail::check_symmetric(matrices[k], argument);
        if (matrices[k].rows() != sum.rows())
            throw_invalid(argument, "must be of the same size as the first, " + std::to_string(sum.rows()),
                          std::to_string(matrices[k].rows()));
        const detail::Spectrum s = detail::spectrum(matrices[k]);
        const double smallest = s.values[s.values.size() - 1];
        if (smallest < -8.0 * static_cast<double>(sum.rows()) * epsilon * std::abs(s.values[0]))
            throw_invalid(argument, "must be positive semidefinite",
                          "smallest eigenvalue " + to_text(s.scale * smallest));
        symmetric.push_back(symmetrised(matrices[k]));
        sum += symmetric.back();
    }
    const detail::Spectrum s = detail::spectrum(sum);
    const double smallest = s.values[s.values.size() - 1];
    if (smallest <= 8.0 * static_cast<double>(sum.rows()) * epsilon * s.values[0])
        throw_invalid("matrices", "must have a positive definite sum",
                      "smallest eigenvalue " + to_text(s.scale * smallest));
    return Gauge(std::make_shared<PolyhedralModel>(std::move(symmetric)));
}

}  // namespace spectralot
