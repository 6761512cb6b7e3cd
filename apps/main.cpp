/// The command line tool: one command per verb, one JSON object on standard output, talk on standard error.
#include "arguments.hpp"
#include "spectralot/core/errors.hpp"

#include <exception>
#include <iostream>
#include <new>

namespace {

using namespace spectralot;

int parse_and_run(int argc, char** argv) {
    CLI::App app("Certified spectral Wasserstein distances and flows.", "spectralot");
    cli::Action action;
    app.set_version_flag("--version", "spectralot " SPECTRALOT_VERSION);
    cli::add_distance(app, action);
    cli::add_emd(app, action);
    cli::add_verify(app, action);
    cli::add_geodesic(app, action);
    cli::add_flow(app, action);
    cli::add_gaussian(app, action);
    cli::add_mixture(app, action);
    cli::add_barycenter(app, action);
    cli::add_dynamic(app, action);
    cli::add_selector(app, action);
    cli::add_sphere(app, action);
    app.footer(
        "Examples:\n"
        "  spectralot distance X.npy Y.npy --gauge schatten:2 --plan plan.csv --json result.json\n"
        "  spectralot emd      X.npy Y.npy --metric Q.npy --json result.json\n"
        "  spectralot verify   X.npy Y.npy result.json\n"
        "  spectralot geodesic X.npy Y.npy --gauge operator --times 0,0.25,0.5,0.75,1 --out frames/\n"
        "  spectralot flow mmd X.npy Y.npy --gauge operator --step 1.6 --steps 6000 --clock coordinate --out run.npz\n"
        "  spectralot gaussian pair.json --gauge schatten:inf\n"
        "  spectralot dynamic a.npy b.npy --gauge operator --frames out/\n"
        "  spectralot selector G.npy --gauge schatten:inf --out J.npy\n"
        "Exit code: 0 solved, 1 not solved (the best result is still written), 2 bad input, 3 file trouble.\n"
        "Costs are squared; every `lower` and `upper` is a proved bound.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? cli::Solved : cli::BadInput;
    }
    if (!action) {
        throw_invalid("command",
                      "must be distance, emd, verify, geodesic, flow mmd, flow relu, flow attention, gaussian, "
                      "mixture, barycenter, dynamic, selector or sphere (see --help)",
                      "none");
    }
    return action();
}

int complain(const std::exception& error, cli::ExitCode code) {
    std::cerr << "spectralot: " << error.what() << '\n';
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return parse_and_run(argc, argv);
    } catch (const InvalidArgument& error) {
        return complain(error, cli::BadInput);
    } catch (const FileError& error) {
        return complain(error, cli::FileTrouble);
    } catch (const std::bad_alloc&) {
        std::cerr << "spectralot: not enough memory for this problem\n";
        return cli::NotSolved;
    } catch (const std::exception& error) {
        return complain(error, cli::NotSolved);
    }
}
