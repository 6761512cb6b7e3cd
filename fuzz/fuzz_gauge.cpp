#include "fuzz.hpp"
#include "gauge_json.hpp"
#include "spectralot/io/json.hpp"

// A gauge that was accepted can be evaluated in every dimension it accepts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    return fuzz::feed(data, size, [](std::string_view text) {
        const Gauge gauge = cli::gauge_from_json(io::parse_json(text, "gauge.json"), "gauge.json").gauge;
        for (const int d : {1, 2, 3}) {
            try {
                gauge.check_dimension(d);
            } catch (const InvalidArgument&) {
                continue;
            }
            const Matrix moment = Matrix::Identity(d, d);
            static_cast<void>(gauge.value(moment));
            static_cast<void>(gauge.active(moment));
        }
    });
}
