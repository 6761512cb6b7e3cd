/// The private module spectralot._core. Arrays cross as C-ordered float64; the Python layer checks and converts.
/// InvalidArgument is a std::invalid_argument, which arrives as ValueError.
#include "bindings.hpp"

NB_MODULE(_core, m) {
    // Gauges and objectives may hold Python functions; at exit the interpreter does not collect every one of them.
    nanobind::set_leak_warnings(false);
    m.doc() = "C++ core of spectralot (private)";
    m.attr("__version__") = SPECTRALOT_VERSION;
    spectralot::python::bind_gauge(m);
    spectralot::python::bind_transport(m);
    spectralot::python::bind_flow(m);
    spectralot::python::bind_gaussian(m);
    spectralot::python::bind_dynamic(m);
    spectralot::python::bind_sphere(m);
}
