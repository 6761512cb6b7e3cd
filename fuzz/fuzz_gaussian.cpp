#include "fuzz.hpp"
#include "gaussian_json.hpp"
#include "spectralot/gaussian/barycenter.hpp"
#include "spectralot/io/json.hpp"

#include <cstdlib>

namespace {

using namespace spectralot;

/// Whatever ends a search, the bracket is in order.
void check(const Certificate& certificate) {
    if (!(certificate.lower <= certificate.upper)) std::abort();
}

bool is_small(const GaussianMixture& mixture) {
    return mixture.components.size() <= 3 &&
           (mixture.components.empty() || mixture.components.front().dimension() <= 3);
}

void solve_barycenter(const nlohmann::json& document) {
    const GaussianMixture all = cli::gaussian_components_from_json(document, "input.json");
    if (is_small(all))
        check(gaussian::barycenter(all.components, all.weights, operator_gauge(), {.max_iter = 3}).certificate);
}

void solve_mixtures(const nlohmann::json& document) {
    const cli::MixturePair pair = cli::mixture_pair_from_json(document, "input.json");
    if (is_small(pair.source) && is_small(pair.target))
        check(solve_mixture(pair.source, pair.target, operator_gauge(), {.max_iter = 10}).certificate);
}

void solve_pair(const nlohmann::json& document) {
    const cli::GaussianPair pair = cli::gaussian_pair_from_json(document, "input.json");
    if (pair.source.dimension() <= 4)
        check(gaussian::solve(pair.source, pair.target, operator_gauge(), {.max_iter = 20}).certificate);
}

bool has(const nlohmann::json& document, const char* field) {
    return document.is_object() && document.contains(field);
}

}  // namespace

// A pair of Gaussians or of mixtures and its distance, or several Gaussians and their barycenter, where that is quick.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return fuzz::feed(data, size, [](std::string_view text) {
        const auto document = io::parse_json(text, "input.json");
        if (has(document, "components"))
            solve_barycenter(document);
        else if (has(document, "source") && has(document["source"], "components"))
            solve_mixtures(document);
        else
            solve_pair(document);
    });
}
