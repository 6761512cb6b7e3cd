#include "fuzz.hpp"
#include "gaussian_json.hpp"
#include "spectralot/gaussian/barycenter.hpp"
#include "spectralot/io/json.hpp"

#include <cstdlib>

// A pair of Gaussians and its distance, or several and their barycenter, where that is quick: whatever ends the search,
// the bracket is in order.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    return fuzz::feed(data, size, [](std::string_view text) {
        const auto document = io::parse_json(text, "input.json");
        if (document.is_object() && document.contains("components")) {
            const auto [weights, components] = cli::gaussian_components_from_json(document, "input.json");
            if (components.size() > 3 || components.empty() || components.front().dimension() > 3) return;
            const auto found = gaussian::barycenter(components, weights, operator_gauge(), {.max_iter = 3});
            if (!(found.certificate.lower <= found.certificate.upper)) std::abort();
            return;
        }
        const cli::GaussianPair pair = cli::gaussian_pair_from_json(document, "input.json");
        if (pair.source.dimension() > 4) return;
        const auto result = gaussian::solve(pair.source, pair.target, operator_gauge(), {.max_iter = 20});
        if (!(result.certificate.lower <= result.certificate.upper)) std::abort();
    });
}
