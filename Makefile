# `make help` lists the commands. The first one that needs something installs it (scripts/setup.sh).
.DEFAULT_GOAL := all
.PHONY: all setup demo experiments test test-all bench sanitize tidy lint format fuzz determinism slow wheel clean help
MAKEFLAGS += --no-print-directory

# Debian's CMake before any other on the path; CMAKE=… to choose.
CMAKE ?= $(firstword $(wildcard /usr/bin/cmake) cmake)
CTEST ?= $(dir $(filter /%,$(CMAKE)))ctest
JOBS ?= $(shell nproc)
PYTHON_VENV := .venv/bin/python
CLANG_SETUP := scripts/setup.sh clang
SOURCES = $(shell git ls-files -co --exclude-standard 'include/*.hpp' '*.cpp' '*.hpp')
export CMAKE
# Timings and results must not depend on a BLAS that starts threads of its own.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

all: setup build/build.ninja  ## the library, build/spectralot and the Python package in .venv
	@$(CMAKE) --build build

setup:
	@scripts/setup.sh

build/build.ninja: CMakePresets.json Makefile | setup
	@$(CMAKE) --preset release --log-level=WARNING \
	    -DSPECTRALOT_BUILD_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON_VENV) >/dev/null

demo: build/build.ninja  ## Figures 1 and 2 of the paper into out/, with a certificate beside every cost
	@$(CMAKE) --build build --target _core_stub
	@$(PYTHON_VENV) -m experiments.demo

experiments: build/build.ninja  ## every figure into out/ against its stored numbers; EXPERIMENTS="--quick" for few steps
	@$(CMAKE) --build build --target _core_stub
	@$(PYTHON_VENV) -m experiments.all $(EXPERIMENTS)

test: all lint  ## the quick complete suite, C++ and Python
	$(CTEST) --test-dir build --output-on-failure --no-tests=error -j $(JOBS)
	$(PYTHON_VENV) -m pytest

test-all: test sanitize tidy determinism wheel fuzz slow  ## and sanitizers, tidy, fuzzing, determinism, long tests

bench: all  ## benchmarks against installed peers
	@scripts/setup.sh bench
	$(PYTHON_VENV) benchmarks/run.py

lint: setup  ## layers, ruff
	@$(PYTHON_VENV) scripts/check_layers.py
	@$(PYTHON_VENV) -m ruff check --quiet
	@$(PYTHON_VENV) -m ruff format --check --quiet

# By clang, which compiles instrumented Eigen in half the time and memory of GCC.
sanitize:  ## C++ tests under the address, undefined-behaviour and thread sanitizers
	@$(CLANG_SETUP)
	$(call run_preset,asan-ubsan)
	$(call run_preset,tsan)

tidy:  ## clang-tidy over the library and the tool; clang-format
	@$(CLANG_SETUP)
	clang-format-19 --dry-run --Werror $(SOURCES)
	@$(CMAKE) --preset tidy --log-level=WARNING
	run-clang-tidy-19 -quiet -j $(JOBS) -p build/tidy '$(CURDIR)/(src|apps)/'

format:  ## rewrites C++ and Python files in the house style
	@$(CLANG_SETUP)
	@clang-format-19 -i $(SOURCES)
	@$(PYTHON_VENV) -m ruff check --quiet --fix
	@$(PYTHON_VENV) -m ruff format --quiet

FUZZ_SECONDS ?= 60
fuzz: all  ## every file reader against a fuzzer, FUZZ_SECONDS (60) each, and transport problems for ten times that
	@$(CLANG_SETUP)
	@$(CMAKE) --preset fuzz --log-level=WARNING
	@$(CMAKE) --build build/fuzz
	scripts/fuzz.sh build/fuzz $(FUZZ_SECONDS)
	$(PYTHON_VENV) fuzz/fuzz_npz.py $(FUZZ_SECONDS) build/fuzz/npz

determinism: all  ## same bits for one and two threads
	$(PYTHON_VENV) scripts/check_determinism.py

wheel: all  ## builds the wheel as `pip install .` does and imports it
	scripts/test_wheel.sh

slow: all  ## the long tests
	@scripts/setup.sh browser long
	$(PYTHON_VENV) -m pytest -m slow

clean:  ## removes what was built; .venv and out/ stay
	rm -rf build dist python/spectralot/_core*.so

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

define run_preset
	@$(CMAKE) --preset $(1) --log-level=WARNING
	@$(CMAKE) --build build/$(1)
	$(CTEST) --preset $(1) -j $(JOBS)
endef
