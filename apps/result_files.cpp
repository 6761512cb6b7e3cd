#include "result_files.hpp"

#include "arguments.hpp"
#include "result_json.hpp"
#include "spectralot/io/file.hpp"
#include "spectralot/io/json.hpp"

#include <ostream>

namespace spectralot::cli {
namespace {

void write_plan(const std::filesystem::path& path, const SparsePlan& plan) {
    io::write_atomically(path, [&](std::ostream& out) {
        out << "row,col,mass\n";
        for (std::size_t t = 0; t < plan.size(); ++t) {
            out << plan.row[t] << ',' << plan.col[t] << ',' << to_text(plan.mass[t]) << '\n';
        }
    });
}

}  // namespace

void ResultFiles::add_to(CLI::App& command) {
    command.add_option("--plan", plan, "write the plan as CSV: row,col,mass");
    command.add_option("--json", json, "write the whole result, which `verify` reads");
}

void ResultFiles::check() const {
    check_output(plan);
    check_output(json);
}

void ResultFiles::write(const TransportResult& result, const DescribedGauge& gauge, const DiscreteMeasure& mu,
                        const DiscreteMeasure& nu, nlohmann::ordered_json options) const {
    nlohmann::ordered_json object = summary_of(result, gauge, mu, nu, std::move(options));
    print(object);
    if (!plan.empty()) write_plan(plan, result.plan);
    if (!json.empty()) {
        add_arrays(object, result);
        io::write_json(json, object);
    }
}

}  // namespace spectralot::cli
