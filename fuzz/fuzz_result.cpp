#include "fuzz.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"

// A stored result of two points and two points: read, then verified.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    static const DiscreteMeasure mu{(Points(2, 2) << -1, 0, 1, 0).finished(), {}};
    static const DiscreteMeasure nu{(Points(2, 2) << 0, -1, 0, 1).finished(), {}};
    return fuzz::feed(data, size, [](std::string_view text) {
        const auto stored = cli::result_from_json(io::parse_json(text, "result.json"), "result.json");
        verify(mu, nu, stored.gauge.gauge, stored.plan, stored.metric, stored.potentials);
    });
}
