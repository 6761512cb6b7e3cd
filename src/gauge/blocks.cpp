#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

namespace {

using Blocks = std::vector<std::vector<int>>;

std::string blocks_text(const Blocks& blocks) {
    std::string text = "[";
    for (size_t b = 0; b < blocks.size(); ++b) {
        text += b ? ", [" : "[";
        for (size_t i = 0; i < blocks[b].size(); ++i) text += (i ? ", " : "") + std::to_string(blocks[b][i]);
        text += "]";
    }
    return text + "]";
}

void check_blocks(const Blocks& blocks, size_t n_gauges) {
    if (blocks.empty()) throw_invalid("blocks", "must not be empty", "none");
    if (blocks.size() != n_gauges)
        throw_invalid("gauges", "must be one per block, " + std::to_string(blocks.size()), std::to_string(n_gauges));
    std::vector<int> all;
    for (const std::vector<int>& block : blocks) {
        if (block.empty()) throw_invalid("blocks", "must not contain an empty block", blocks_text(blocks));
        all.insert(all.end(), block.begin(), block.end());
    }
    std::ranges::sort(all);
    if (all.front() < 0) throw_invalid("blocks", "must hold coordinates from 0 on", std::to_string(all.front()));
    for (size_t i = 0; i < all.size(); ++i) {
        if (i > 0 && all[i] == all[i - 1])
            throw_invalid("blocks", "must be disjoint", "coordinate " + std::to_string(all[i]) + " twice");
        if (all[i] > static_cast<int>(i))
            throw_invalid("blocks", "must cover every coordinate", "coordinate " + std::to_string(i) + " missing");
    }
}

/// What block sums and block maxima share: disjoint blocks of coordinates, each with a gauge of its own.
class BlockModel : public GaugeModel {
public:
    BlockModel(Blocks blocks, std::vector<Gauge> gauges) : blocks_(std::move(blocks)), gauges_(std::move(gauges)) {
        for (const auto& block : blocks_) dimension_ += static_cast<int>(block.size());
    }

    bool is_monotone() const override { return std::ranges::all_of(gauges_, &Gauge::is_monotone); }
    bool is_convex() const override { return std::ranges::all_of(gauges_, &Gauge::is_convex); }

    void check_dimension(int d) const override {
        if (d != dimension_)
            throw_invalid("blocks", "must cover the coordinates 0 to " + std::to_string(d - 1) + " exactly",
                          blocks_text(blocks_));
        for (size_t b = 0; b < size(); ++b) gauges_[b].check_dimension(static_cast<int>(blocks_[b].size()));
    }

    SelectorMap selector_map(const Vector& sigma, const Matrix& right) const override {
        // These rows have the second moment of the force, so they have its selector map.
        const Points force = sigma.asDiagonal() * right.transpose();
        return force_map(force, {}, -1.0).map;
    }

    ForceMap force_map(const Eigen::Ref<const Points>& force, const Vector& weights, double rtol) const override {
        ForceMap result{{Matrix::Zero(dimension_, dimension_), 0.0}};
        std::vector<SelectorMap> maps;
        for (size_t b = 0; b < size(); ++b) {
            const Points columns = force(Eigen::all, blocks_[b]);
            ForceMap part = gauges_[b].model().force_map(columns, weights, rtol);
            result.rank += part.rank;
            result.path = std::max(result.path, part.path);
            maps.push_back(std::move(part.map));
        }
        result.map.dual_norm = combine(maps);
        for (size_t b = 0; b < size(); ++b) add(maps[b].velocity_map, b, 1.0, result.map.velocity_map);
        return result;
    }

    double velocity_norm(const Eigen::Ref<const Points>& velocity, const Vector& weights) const override {
        Vector norms(static_cast<Index>(size()));
        for (size_t b = 0; b < size(); ++b) {
            const Points columns = velocity(Eigen::all, blocks_[b]);
            norms[static_cast<Index>(b)] = gauges_[b].model().velocity_norm(columns, weights);
        }
        return combine_velocities(norms);
    }

protected:
    [[nodiscard]] size_t size() const { return blocks_.size(); }
    [[nodiscard]] Matrix block_of(const Matrix& S, size_t b) const { return detail::submatrix(S, blocks_[b]); }
    void add(const Matrix& part, size_t b, double factor, Matrix& whole) const {
        whole(blocks_[b], blocks_[b]) += factor * part;
    }
    [[nodiscard]] std::string members_text() const {
        std::string text = blocks_text(blocks_) + ", [";
        for (size_t b = 0; b < size(); ++b) text += (b ? ", " : "") + gauges_[b].repr();
        return text + "]";
    }

    /// What entries outside the blocks can add to the level of Q: tr(ES) ≤ λ_max(E)·tr(S) ≤ λ_max(E)/c·γ(S).
    [[nodiscard]] double level_outside_blocks(const Matrix& Q) const {
        Matrix outside = Q;
        for (const auto& block : blocks_) outside(block, block).setZero();
        if (outside.cwiseAbs().maxCoeff() == 0.0) return 0.0;
        const detail::Spectrum s = detail::spectrum(outside);
        return s.scale * s.values[0] / comparison_constants(dimension_).lower;
    }

    /// N* from those of the blocks; scales the velocity maps of the blocks to those of the whole.
    virtual double combine(std::vector<SelectorMap>& maps) const = 0;

    /// N from those of the blocks.
    [[nodiscard]] virtual double combine_velocities(const Vector& norms) const = 0;

    Blocks blocks_;
    std::vector<Gauge> gauges_;
    int dimension_ = 0;
};

class BlockSumModel final : public BlockModel {
public:
    using BlockModel::BlockModel;

    double value(const Matrix& S) const override {
        double sum = 0.0;
        for (size_t b = 0; b < size(); ++b) sum += gauges_[b].model().value(block_of(S, b));
        return sum;
    }

    Matrix active(const Matrix& S) const override {
        Matrix Q = Matrix::Zero(S.rows(), S.cols());
        for (size_t b = 0; b < size(); ++b) add(gauges_[b].model().active(block_of(S, b)), b, 1.0, Q);
        return Q;
    }

    std::string repr() const override { return "BlockSum(" + members_text() + ")"; }

    ComparisonConstants comparison_constants(int) const override {
        ComparisonConstants constants{infinity, 0.0};
        for (size_t b = 0; b < size(); ++b) {
            const auto [lower, upper] = gauges_[b].model().comparison_constants(static_cast<int>(blocks_[b].size()));
            constants.lower = std::min(constants.lower, lower);
            constants.upper = std::max(constants.upper, upper);
        }
        return constants;
    }

    std::optional<double> metric_level(const Matrix& Q) const override {
        double level = 0.0;
        for (size_t b = 0; b < size(); ++b) {
            const auto part = gauges_[b].model().metric_level(block_of(Q, b));
            if (!part) return std::nullopt;
            level = std::max(level, *part);
        }
        return level + level_outside_blocks(Q);
    }

    double membership_excess(const Matrix& Q) const override {
        double excess = 0.0;
        for (size_t b = 0; b < size(); ++b)
            excess = std::max(excess, gauges_[b].model().membership_excess(block_of(Q, b)));
        return excess + level_outside_blocks(Q);
    }

    std::optional<GaugeProgram> program(int d) const override {
        GaugeProgram program{.dimension = d};
        for (size_t b = 0; b < size(); ++b) {
            const auto member = gauges_[b].program(static_cast<int>(blocks_[b].size()));
            if (!member) return std::nullopt;
            detail::append(program, *member, blocks_[b], 1.0, 0);
        }
        return program;
    }

private:
    /// The blocks do not see each other: N*² = Σ N_b*².
    double combine(std::vector<SelectorMap>& maps) const override {
        Vector norms(static_cast<Index>(size()));
        for (size_t b = 0; b < size(); ++b) norms[static_cast<Index>(b)] = maps[b].dual_norm;
        return detail::vector_norm(norms, 2.0);
    }
    double combine_velocities(const Vector& norms) const override { return detail::vector_norm(norms, 2.0); }
};

class BlockMaxModel final : public BlockModel {
public:
    BlockMaxModel(Blocks blocks, std::vector<Gauge> gauges, std::vector<double> eta)
        : BlockModel(std::move(blocks), std::move(gauges)), eta_(std::move(eta)) {}

    double value(const Matrix& S) const override {
        double largest = 0.0;
        for (size_t b = 0; b < size(); ++b) largest = std::max(largest, block_value(S, b));
        return largest;
    }

    /// At ties the mean over the maximising blocks.
    Matrix active(const Matrix& S) const override {
        const double threshold = value(S) * (1.0 - 8.0 * static_cast<double>(S.rows()) * epsilon);
        Matrix Q = Matrix::Zero(S.rows(), S.cols());
        int ties = 0;
        for (size_t b = 0; b < size(); ++b) {
            if (block_value(S, b) < threshold) continue;
            add(gauges_[b].model().active(block_of(S, b)), b, 1.0 / (eta_[b] * eta_[b]), Q);
            ++ties;
        }
        return Q / ties;
    }

    std::string repr() const override {
        std::string text = "BlockMax(" + members_text() + ", [";
        for (size_t b = 0; b < size(); ++b) text += (b ? ", " : "") + detail::python_text(eta_[b]);
        return text + "])";
    }

    /// Least when all blocks tie: 1/c = Σ η_b²/c_b.
    ComparisonConstants comparison_constants(int) const override {
        double inverse = 0.0;
        double upper = 0.0;
        for (size_t b = 0; b < size(); ++b) {
            const auto constants = gauges_[b].model().comparison_constants(static_cast<int>(blocks_[b].size()));
            inverse += eta_[b] * eta_[b] / constants.lower;
            upper = std::max(upper, constants.upper / (eta_[b] * eta_[b]));
        }
        return {1.0 / inverse, upper};
    }

    std::optional<double> metric_level(const Matrix& Q) const override {
        double level = 0.0;
        for (size_t b = 0; b < size(); ++b) {
            const auto part = gauges_[b].model().metric_level(block_of(Q, b));
            if (!part) return std::nullopt;
            level += eta_[b] * eta_[b] * *part;
        }
        return level + level_outside_blocks(Q);
    }

    std::optional<GaugeProgram> program(int d) const override {
        GaugeProgram program{.dimension = d};
        const int first = detail::open_maximum(program, static_cast<int>(size()), 1.0, 0);
        for (size_t b = 0; b < size(); ++b) {
            const auto member = gauges_[b].program(static_cast<int>(blocks_[b].size()));
            if (!member) return std::nullopt;
            detail::append(program, *member, blocks_[b], 1.0 / (eta_[b] * eta_[b]), first + static_cast<int>(b));
        }
        return program;
    }

private:
    [[nodiscard]] double block_value(const Matrix& S, size_t b) const {
        return gauges_[b].model().value(block_of(S, b)) / (eta_[b] * eta_[b]);
    }

    /// N* = Σ η_b N_b* and J_b = N* η_b J_{γ_b}(G_b)/N_b*.
    double combine(std::vector<SelectorMap>& maps) const override {
        double norm = 0.0;
        for (size_t b = 0; b < size(); ++b) norm += eta_[b] * maps[b].dual_norm;
        for (size_t b = 0; b < size(); ++b)
            if (maps[b].dual_norm > 0.0) maps[b].velocity_map *= eta_[b] * (norm / maps[b].dual_norm);
        return norm;
    }
    double combine_velocities(const Vector& norms) const override {
        double largest = 0.0;
        for (size_t b = 0; b < size(); ++b) largest = std::max(largest, norms[static_cast<Index>(b)] / eta_[b]);
        return largest;
    }

    std::vector<double> eta_;
};

}  // namespace

BlockSum::operator Gauge() const {
    check_blocks(blocks, gauges.size());
    return Gauge(std::make_shared<BlockSumModel>(blocks, gauges));
}

BlockMax::operator Gauge() const {
    check_blocks(blocks, gauges.size());
    if (!eta.empty() && eta.size() != blocks.size())
        throw_invalid("eta", "must be one per block, " + std::to_string(blocks.size()), std::to_string(eta.size()));
    for (const double x : eta)
        if (!(x > 0.0) || std::isinf(x)) throw_invalid("eta", "must be positive and finite", to_text(x));
    return Gauge(
        std::make_shared<BlockMaxModel>(blocks, gauges, eta.empty() ? std::vector<double>(blocks.size(), 1.0) : eta));
}

}  // namespace spectralot
