#include "transport/slice.hpp"

#include "discrete/ascending.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace spectralot {

namespace {

/// About `count` points with mass, spread over the whole measure.
DiscreteMeasure sample(const DiscreteMeasure& measure, Index count) {
    if (count >= measure.size()) return measure;
    std::vector<Index> atoms;
    for (Index i = 0; i < measure.size(); ++i) {
        if (measure.weights.size() == 0 || measure.weights(i) > 0.0) atoms.push_back(i);
    }
    const auto n = Index(atoms.size());
    std::vector<Index> index;
    constexpr double golden = 0.6180339887498949;
    for (Index k = 0; k < std::min(count, n); ++k) {
        const double t = golden * double(k + 1);
        index.push_back(atoms[std::size_t(std::min(Index((t - std::floor(t)) * double(n)), n - 1))]);
    }
    std::sort(index.begin(), index.end());
    index.erase(std::unique(index.begin(), index.end()), index.end());
    DiscreteMeasure part{measure.points(index, Eigen::all), {}};
    if (measure.weights.size() > 0) {
        part.weights = measure.weights(index) / measure.weights(index).maxCoeff();
        part.weights /= part.weights.sum();
    }
    return part;
}

/// S(P_u), to plain rounding.
Matrix sliced_moment(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Vector& u) {
    const std::vector<int> rows = ascending_order(mu.points * u), cols = ascending_order(nu.points * u);
    const auto mass = [](const DiscreteMeasure& m, double total, int i) {
        return m.weights.size() > 0 ? m.weights(i) / total : 1.0 / total;
    };
    const auto total = [](const DiscreteMeasure& m) {
        return m.weights.size() > 0 ? m.weights.sum() : double(m.size());
    };
    const double total_a = total(mu), total_b = total(nu);
    const Index d = mu.dimension();
    Matrix sum = Matrix::Zero(d, d);
    Vector step(d);
    std::size_t i = 0, j = 0;
    double left = mass(mu, total_a, rows[0]), room = mass(nu, total_b, cols[0]);
    while (i < rows.size() && j < cols.size()) {
        const double moved = std::min(left, room);
        step = nu.points.row(cols[j]) - mu.points.row(rows[i]);
        for (Index r = 0; r < d; ++r)
            for (Index s = 0; s <= r; ++s) sum(r, s) += moved * step(r) * step(s);
        // Where both run out at once, rounding must not leave a crumb that shifts all that follow.
        const bool row_ends = left <= room * (1.0 + 1e-12), col_ends = room <= left * (1.0 + 1e-12);
        left -= moved;
        room -= moved;
        if (row_ends && ++i < rows.size()) left = mass(mu, total_a, rows[i]);
        if (col_ends && ++j < cols.size()) room = mass(nu, total_b, cols[j]);
    }
    return sum.selfadjointView<Eigen::Lower>();
}

/// Fixed-point iterations with Anderson's acceleration; what they learnt on one sample serves the next.
class DirectionSearch {
public:
    explicit DirectionSearch(Vector u) : u_(std::move(u)) {}
    [[nodiscard]] const Vector& direction() const { return u_; }

    /// Takes the moment at the present direction; returns by how much, relatively, its largest eigenvalue exceeds the
    /// value along the direction.
    double advance(const Matrix& moment) {
        Vector image = moment * u_;
        const double value = u_.dot(image);
        image.normalize();
        const Vector residual = image - u_;
        if (has_last_) {
            constexpr std::size_t memory = 4;
            steps_.emplace_back(u_ - last_u_);
            changes_.emplace_back(residual - last_residual_);
            if (steps_.size() > memory) {
                steps_.erase(steps_.begin());
                changes_.erase(changes_.begin());
            }
        }
        last_u_ = u_;
        last_residual_ = residual;
        has_last_ = true;
        Vector next = image;
        if (!steps_.empty()) {
            Matrix S(u_.size(), Index(steps_.size())), C = S;
            for (std::size_t k = 0; k < steps_.size(); ++k) {
                S.col(Index(k)) = steps_[k];
                C.col(Index(k)) = changes_[k];
            }
            next -= (S + C) * C.completeOrthogonalDecomposition().solve(residual);
        }
        u_ = next.normalized();
        const double largest =
            Eigen::SelfAdjointEigenSolver<Matrix>(moment, Eigen::EigenvaluesOnly).eigenvalues().tail<1>()(0);
        return (largest - value) / largest;
    }
    /// What was learnt of another sample: its differences stay, its last point does not.
    void change_sample() { has_last_ = false; }

private:
    Vector u_, last_u_, last_residual_;
    bool has_last_ = false;
    std::vector<Vector> steps_, changes_;
};

std::optional<Vector> guess_direction(const Search& search) {
    constexpr Index first_sample = 256, second_sample = 2048, growth = 8;
    constexpr double flat = 1e-2;  // ratio of eigenvalues, or relative gap, above which another rank is likely
    const Index n = std::max(search.mu.size(), search.nu.size());

    const TransportResult coarse =
        solve(sample(search.mu, first_sample), sample(search.nu, first_sample), search.gauge, {.tol = 1e-3});
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(coarse.metric);
    const Vector& lambda = eigen.eigenvalues();
    if (!coarse.converged || lambda(lambda.size() - 2) > flat * lambda.tail<1>()(0)) return std::nullopt;

    DirectionSearch directions(eigen.eigenvectors().rightCols<1>());
    for (Index size = std::min(second_sample, n);; size = std::min(growth * size, n)) {
        const DiscreteMeasure mu = sample(search.mu, size), nu = sample(search.nu, size);
        const double enough = size == n ? 0.03 * search.options.tol : 1e-8;
        constexpr int most_steps = 6;
        double gap = infinity;
        Vector tried;
        directions.change_sample();
        for (int k = 0; k < most_steps && gap > enough && !search.must_stop(); ++k) {
            tried = directions.direction();
            gap = directions.advance(sliced_moment(mu, nu, tried));
        }
        if (!(gap <= flat)) return std::nullopt;
        if (size == n) return tried;
    }
}

}  // namespace

bool can_search_slices(const Search& search) {
    constexpr Index fewest_points = 1000;  // below, the general search takes no longer than the guess
    return search.mu.dimension() > 1 && std::max(search.mu.size(), search.nu.size()) > fewest_points;
}

bool search_slices(Search& search) {
    const std::optional<Vector> u = guess_direction(search);
    if (!u) return false;
    search.solve_vertex(*u * u->transpose());
    search.offer_last_plan();
    return search.finished();
}

}  // namespace spectralot
