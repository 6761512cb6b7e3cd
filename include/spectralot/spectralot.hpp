/// Everything public: spectral Wasserstein distances, their plans and geodesics, and spectral gradient flows.
#pragma once

#include "spectralot/core/errors.hpp"
#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/core/types.hpp"
#include "spectralot/discrete/exact_transport.hpp"
#include "spectralot/discrete/measure.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/flow/run.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gauge/selector.hpp"
#include "spectralot/gaussian/flow.hpp"
#include "spectralot/gaussian/modal.hpp"
#include "spectralot/gaussian/solve.hpp"
#include "spectralot/transport/interpolate.hpp"
#include "spectralot/transport/solve.hpp"
#include "spectralot/transport/verify.hpp"
