# `make run` and `make test` set everything up themselves. One line of progress a step.
.DEFAULT_GOAL := help
.PHONY: again help run test install unit check fix docs dist test-package test-browser bench bench-full chaos properties flights company
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
# What is installed already: what `make run` needs, with what `make test` needs, with what `make bench` needs.
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench

# The dashboard's client from npm, which the installation brings where npm's registry answers.
CLIENT := realtime/console/socket.io.esm.min.js
AGAIN := $(if $(filter install,$(MAKECMDGOALS)),$(if $(wildcard $(CLIENT)),,again))

# How many files of tests run at a time; most of their time they wait.
JOBS ?= 4
IN_PARALLEL := --numprocesses $(JOBS) --dist loadfile

# The stock client from npm, for the tests that run one under Node.
NODE_CLIENTS := $(if $(shell command -v npm),tests/js/node_modules/.package-lock.json)

help:
	@echo "make run           start everything, with a demo company (DEMO=0 leaves it out); Ctrl-C stops all of it"
	@echo "make test          check the code and run all tests, JOBS=4 files at a time"
	@echo "make install       only set up .venv for make run; whatever else needs more adds it by itself"
	@echo "make unit          run the tests that need no server: half a minute"
	@echo "make check         check style, types and imports"
	@echo "make fix           mend what Ruff can mend, and format"
	@echo "make docs          render docs/detection.md from the detectors"
	@echo "make dist          make what is published: wheel, sdist and constraints, in dist/"
	@echo "make test-package  build that, install the wheel elsewhere and run all of it from there; needs Chromium"
	@echo "make test-browser  drive the dashboard in a headless Chromium"
	@echo "make chaos         kill, cut, empty and pause everything, over SEEDS=10 seeds; FAULTS names some"
	@echo "make properties    generate working days for longer, PROPERTY_DAYS=4200 of them, elsewhere each time"
	@echo "make flights       judge all 319,807 flights of a year, and reckon what is impossible once more beside it"
	@echo "make company       simulate thirteen weeks of a company of 200: the honest are left alone, no fraud is missed"
	@echo "make bench         measure Rollcall beside its peers, some minutes"
	@echo "make bench-full    the same with years of history: an hour or more"

run: $(RUN)
	@exec $(PYTHON) -m dev run

# What this machine cannot run is left out, and said.
test: $(DEV) check $(NODE_CLIENTS)
	@left_out=" and not package"; \
	if ! command -v npm >/dev/null; then \
	  left_out="$$left_out and not node"; echo "rollcall: no Node.js: leaving out the tests with stock clients under Node"; \
	fi; \
	if ! command -v chromium >/dev/null && ! [ -x "$$CHROMIUM" ]; then \
	  left_out="$$left_out and not browser"; echo "rollcall: no Chromium (set CHROMIUM to its path): leaving out the tests of the dashboard in a browser"; \
	elif ! [ -f $(CLIENT) ]; then \
	  left_out="$$left_out and not browser"; echo "rollcall: no client from npm's registry: leaving out the tests of the dashboard in a browser"; \
	fi; \
	if ! command -v cc >/dev/null; then \
	  left_out="$$left_out and not compiler"; echo "rollcall: no C compiler: leaving out the tests of the benchmarks' load client"; \
	fi; \
	if ! unshare --mount true 2>/dev/null; then \
	  left_out="$$left_out and not mount"; echo "rollcall: may not mount file systems: leaving out the tests on a full disk"; \
	fi; \
	echo "rollcall: tests that need no server"; \
	$(PYTHON) -m pytest -m "unit$$left_out" --numprocesses 2 --dist loadfile && \
	echo "rollcall: tests on real servers, $(JOBS) files at a time" && \
	exec $(PYTHON) -m pytest -m "not unit$$left_out" $(IN_PARALLEL)

dist: $(DEV)
	@exec $(PYTHON) -m dev.packing

test-package: $(DEV)
	@exec $(PYTHON) -m pytest -m package tests/dev/packing

test-browser: $(DEV)
	@exec $(PYTHON) -m pytest -m browser $(IN_PARALLEL)

# Beside Rollcall's peers and floors; needs a C compiler, zlib, OpenSSL and Node.js. Best on a machine that does nothing else.
bench: $(BENCH)
	@exec $(PYTHON) -m dev.bench short

bench-full: $(BENCH)
	@exec $(PYTHON) -m dev.bench full

# Each fault over many seeds, and a table of what viewers were owed and got: an hour or two. PUNCHES=20000 are submitted a fault.
chaos: $(DEV) $(NODE_CLIENTS)
	@exec $(PYTHON) -m tests.chaos

properties: $(DEV)
	@HYPOTHESIS_PROFILE=thorough exec $(PYTHON) -m pytest tests/properties

# Of both, `make test` takes some days only.
flights: $(DEV)
	@FLIGHTS=year exec $(PYTHON) -m pytest tests/end_to_end/test_flights.py

company: $(DEV)
	@COMPANY=quarter exec $(PYTHON) -m pytest tests/end_to_end/test_simulated_company.py -s

check: $(DEV)
	@echo "rollcall: checking style, types and imports"
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-cache --no-logo >$(VENV)/.lint-imports || { cat $(VENV)/.lint-imports; exit 1; }

unit: $(DEV)
	@exec $(PYTHON) -m pytest -m unit --numprocesses 2 --dist loadfile

fix: $(DEV)
	@$(VENV)/bin/ruff check --fix
	@exec $(VENV)/bin/ruff format

docs: $(DEV)
	@exec $(PYTHON) -m dev.detection_manual

install: $(RUN)

again:

# Nothing is done again until one of the files that say what is installed changes. What tests it is added to what runs,
# which stays as it is: `make test` disturbs no `make run`. `make install` tries again to fetch a client that could not be had.
$(RUN): setup.cfg pyproject.toml constraints.txt dev/packing/package-lock.json $(AGAIN)
	@python=$$(sh dev/install/find_python.sh) && exec "$$python" -m dev.install run

$(DEV): $(RUN)
	@exec $(PYTHON) -m dev.install dev

$(BENCH): $(DEV)
	@exec $(PYTHON) -m dev.install bench

tests/js/node_modules/.package-lock.json: tests/js/package-lock.json
	@echo "rollcall: installing the clients for the tests under Node"
	@cd tests/js && npm ci --silent --ignore-scripts
	@touch $@
