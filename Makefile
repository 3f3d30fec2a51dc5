# Every target sets itself up from nothing but Python ≥ 3.10 with venv, a C++ compiler and a package index.
# To take torch from another place: make test PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
PIP_ARGS ?=
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt
HOST_INSTALL = .venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints-$*.txt
export MPLBACKEND ?= Agg

.PHONY: demo test test-compiled test-triton test-nequip test-mace test-lammps wheel test-wheel test-matrix docs lint format bench clean
.DEFAULT_GOAL := test

demo: .venv/installed
	$(BIN)/python examples/quickstart.py --overwrite

# a process for each core, and a thread for each process
TESTS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal
test: .venv/installed
	$(TESTS) -m "not compiler"

# what torch's compilers make of the layers and potentials
test-compiled: .venv/installed
	$(TESTS) -m compiler tests

# the kernels for GPUs, in Triton's interpreter; on the CPU, so without torch for CUDA
TRITON_TESTS = TRITON_INTERPRET=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto
test-triton: .venv/installed
	$(INSTALL) triton
	$(TRITON_TESTS) $(wildcard tests/ops/test_triton_*.py)
	$(TRITON_TESTS) -k "triton and not finite and not far_pairs" $(addprefix tests/ops/test_, \
		gaussian_moments.py derivatives.py sparse_product.py convolution.py)

# inside other projects' trainers, each in its own environment: they need different e3nn. Both need Python ≥ 3.11.
HOST_TESTS = OMP_NUM_THREADS=1 .venv-$(1)/bin/python -m pytest -c tests/hosts/$(1)/pytest.ini --rootdir=. --confcutdir=. --numprocesses auto --dist loadfile

test-nequip: .venv-nequip/installed
	$(call HOST_TESTS,nequip) tests/hosts/nequip src/anisoap_e3nn/interop/nequip

# and, on e3nn 0.4.4, what this package does with e3nn
E3NN_TESTS = tests/networks tests/test_conventions.py tests/test_layout.py $(addprefix tests/nn/test_, \
	embedding.py embedding_data.py equivariance.py power_spectrum.py tensor_product.py tensor_product_refusals.py \
	reference_values.py densities.py export.py tensor_map.py)
test-mace: .venv-mace/installed
	$(call HOST_TESTS,mace) tests/hosts/mace src/anisoap_e3nn/interop/mace $(E3NN_TESTS)

# LAMMPS on one, two and four ranks of MPI
test-lammps: .venv-lammps/installed
	OMP_NUM_THREADS=1 .venv-lammps/bin/python -m pytest -c tests/hosts/lammps/pytest.ini --rootdir=. --confcutdir=. tests/hosts/lammps src/anisoap_e3nn/interop/lammps

# the source distribution, and from it the wheel, into dist
wheel: .venv/installed
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

# the wheel in a fresh environment, where no compiler is
test-wheel: wheel
	OMP_NUM_THREADS=1 PIP_ARGS="$(PIP_ARGS)" $(BIN)/python -m pytest -c tests/distribution/pytest.ini --rootdir=. --confcutdir=tests/distribution tests/distribution

# The core tests with the lowest versions that pyproject.toml allows, with the newest there are, and with those of
# constraints.txt on each Python. Each pythonX.Y has to be on the PATH. Warnings are errors with constraints.txt alone.
MATRIX = lowest newest python3.10 python3.12 python3.13
test-matrix: $(MATRIX:%=test-%)
$(MATRIX:%=test-%): test-%: .venv-%/installed
	OMP_NUM_THREADS=1 .venv-$*/bin/python -m pytest --numprocesses auto --dist worksteal -m "not slow" $(WARNINGS_$*) tests

# the pages into build/docs; then their blocks of code are run. A warning is an error.
SPHINX = OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --doctree-dir build/doctrees
docs: .venv/installed-docs
	$(SPHINX) docs build/docs
	$(SPHINX) --builder doctest docs build/doctest

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# measures, aggregates and plots into results; BENCH=--quick takes two minutes
bench: .venv/installed
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf .venv .venv-* build dist docs/generated docs/gallery/*.json

# torch comes first, at the version that everything else was tested with
.venv/installed: constraints.txt pyproject.toml CMakeLists.txt $(wildcard src/csrc/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, found %d.%d; name one with make PYTHON=…" % sys.version_info[:2])'
	@echo "Setting up .venv; this takes a few minutes the first time."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) pip
	$(INSTALL) torch
	$(INSTALL) scikit-build-core nanobind cmake ninja
	$(INSTALL) --no-build-isolation --editable ".[all,test,lint]"
	touch $@

.venv/installed-docs: .venv/installed
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The documentation needs Python 3.11 or newer; name one with make docs PYTHON=… after make clean")'
	$(INSTALL) --no-build-isolation --editable ".[docs]"
	touch $@

HOST_PACKAGES_nequip = nequip nequip-allegro
HOST_PACKAGES_mace = mace-torch
HOST_PACKAGES_lammps = lammps mpich
.venv-%/installed: constraints-%.txt pyproject.toml CMakeLists.txt $(wildcard src/csrc/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found %d.%d; name one with make PYTHON=…" % sys.version_info[:2])'
	@echo "Setting up .venv-$*; this takes a few minutes the first time."
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	$(HOST_INSTALL) pip
	$(HOST_INSTALL) torch
	$(HOST_INSTALL) scikit-build-core nanobind cmake ninja
	$(HOST_INSTALL) $(HOST_PACKAGES_$*) pytest pytest-xdist hypothesis sphericart
	$(HOST_INSTALL) --no-build-isolation --editable ".[ase,metatensor]"
	touch $@

WARNINGS_lowest = -W default
WARNINGS_newest = -W default
PYTHON_lowest = python3.10
PYTHON_newest = python3.13
VERSIONS_lowest = -c constraints-lowest.txt
VERSIONS_newest = --upgrade
MATRIX_INSTALL = .venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) $(or $(VERSIONS_$*),-c constraints.txt)
$(MATRIX:%=.venv-%/installed): .venv-%/installed: constraints.txt constraints-lowest.txt pyproject.toml CMakeLists.txt $(wildcard src/csrc/*)
	test -x .venv-$*/bin/python || $(or $(PYTHON_$*),$*) -m venv .venv-$*
	$(MATRIX_INSTALL) pip
	$(MATRIX_INSTALL) torch
	$(MATRIX_INSTALL) scikit-build-core nanobind cmake ninja
	$(MATRIX_INSTALL) --no-build-isolation --editable ".[all,test]"
	touch $@
