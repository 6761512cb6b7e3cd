#include "fuzz.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"

// A stored result of two points and two points, of a transport or on the sphere: read, then verified.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    static const DiscreteMeasure mu{(Points(2, 2) << -1, 0, 1, 0).finished(), {}};
    static const DiscreteMeasure nu{(Points(2, 2) << 0, -1, 0, 1).finished(), {}};
    return fuzz::feed(data, size, [](std::string_view text) {
        const auto result = cli::result_from_json(io::parse_json(text, "result.json"), "result.json");
        if (const auto* of = std::get_if<cli::StoredTransport>(&result))
            verify(mu, nu, of->claim.gauge.gauge, of->plan, of->claim.metric, of->potentials);
        if (const auto* of = std::get_if<cli::StoredSphere>(&result))
            sphere::verify(sphere::project(mu.points, {}), sphere::project(nu.points, {}), of->claim.gauge.gauge,
                           of->coupling, of->claim.metric, of->potentials);
    });
}
