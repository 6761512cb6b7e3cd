#include "fuzz.hpp"
#include "gaussian_json.hpp"
#include "spectralot/io/json.hpp"

#include <cstdlib>

// A pair of Gaussians, and its distance where that is quick: whatever ends the search, the bracket is in order.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    return fuzz::feed(data, size, [](std::string_view text) {
        const cli::GaussianPair pair = cli::gaussian_pair_from_json(io::parse_json(text, "pair.json"), "pair.json");
        if (pair.source.dimension() > 4) return;
        const auto result = gaussian::solve(pair.source, pair.target, operator_gauge(), {.max_iter = 20});
        if (!(result.certificate.lower <= result.certificate.upper)) std::abort();
    });
}
