# `make run` and `make test` set everything up themselves. One line of progress a step.
.DEFAULT_GOAL := help
.PHONY: help run test install check bench bench-full chaos properties
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
# The first of these that is Python 3.11 or newer makes the .venv.
PYTHONS := $(strip $(PYTHON_BASE) python3 python3.14 python3.13 python3.12 python3.11 python)

# How many files of tests run at a time; most of their time they wait.
JOBS ?= 3

# The stock client from npm, for the tests that run one under Node.
NODE_CLIENTS := $(if $(shell command -v npm),tests/js/node_modules/.package-lock.json)

help:
	@echo "make run      start everything, with a demo company (DEMO=0 leaves it out); Ctrl-C stops all of it"
	@echo "make test     check the code and run all tests, JOBS=3 files at a time"
	@echo "make install  only set up .venv"
	@echo "make chaos    kill, cut, empty and pause everything, over SEEDS=10 seeds; FAULTS names some"
	@echo "make properties  generate working days for longer, PROPERTY_DAYS=4200 of them, elsewhere each time"
	@echo "make bench    measure Rollcall beside its peers, some minutes; make bench-full takes an hour or more"

run: $(INSTALLED)
	@exec $(PYTHON) -m dev run

# What this machine cannot run is left out, and said.
test: $(INSTALLED) check $(NODE_CLIENTS)
	@left_out=""; \
	if ! command -v npm >/dev/null; then \
	  left_out="$$left_out and not node"; echo "rollcall: no Node.js: leaving out the tests with stock clients under Node"; \
	fi; \
	if ! command -v chromium >/dev/null && ! [ -x "$$CHROMIUM" ]; then \
	  left_out="$$left_out and not browser"; echo "rollcall: no Chromium (set CHROMIUM to its path): leaving out the tests of the dashboard in a browser"; \
	fi; \
	if ! command -v cc >/dev/null; then \
	  left_out="$$left_out and not compiler"; echo "rollcall: no C compiler: leaving out the tests of the benchmarks' load client"; \
	fi; \
	if ! unshare --mount true 2>/dev/null; then \
	  left_out="$$left_out and not mount"; echo "rollcall: may not mount file systems: leaving out the tests on a full disk"; \
	fi; \
	echo "rollcall: tests that need no server"; \
	$(PYTHON) -m pytest -m "unit$$left_out" && \
	echo "rollcall: tests on real servers, $(JOBS) files at a time" && \
	exec $(PYTHON) -m pytest -m "not unit$$left_out" --numprocesses $(JOBS) --dist loadfile

# Beside Rollcall's peers and floors; needs a C compiler, zlib, OpenSSL and Node.js. Best on a machine that does nothing else.
bench: $(INSTALLED)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]' --constraint constraints.txt
	@exec $(PYTHON) -m dev.bench short

bench-full: $(INSTALLED)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]' --constraint constraints.txt
	@exec $(PYTHON) -m dev.bench full

# Each fault over many seeds, and a table of what viewers were owed and got: an hour or two. PUNCHES=20000 are submitted a fault.
chaos: $(INSTALLED) $(NODE_CLIENTS)
	@exec $(PYTHON) -m tests.chaos

properties: $(INSTALLED)
	@HYPOTHESIS_PROFILE=thorough exec $(PYTHON) -m pytest tests/properties

check: $(INSTALLED)
	@echo "rollcall: checking style, types and imports"
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-cache --no-logo >$(VENV)/.lint-imports || { cat $(VENV)/.lint-imports; exit 1; }

install: $(INSTALLED)

# Nothing is done again until one of the files that say what is installed changes.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "rollcall: needs Python 3.11 or newer, and found none among: $(PYTHONS). Name one with PYTHON_BASE=/path/to/python3" >&2; exit 2; \
	fi; \
	if ! [ -x $(PYTHON) ] || ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "rollcall: making $(VENV) with $$($$found --version)"; \
	  $$found -m venv --clear $(VENV) || { echo "rollcall: $$found cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }; \
	fi
	@echo "rollcall: installing what setup.cfg names, in the versions of constraints.txt (a minute or two)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@touch $@
	@echo "rollcall: installed"

tests/js/node_modules/.package-lock.json: tests/js/package-lock.json
	@echo "rollcall: installing the clients for the tests under Node"
	@cd tests/js && npm ci --silent --ignore-scripts
	@touch $@
