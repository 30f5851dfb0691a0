# `make run` and `make test` set everything up themselves. One line of progress a step.
.DEFAULT_GOAL := help
.PHONY: again help run test install unit check fix docs dist test-package test-browser
.PHONY: bench bench-full chaos abuse properties flights company
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
# Each of these files says that what a target needs is installed: `make run`, beside it `make test`,
# beside both `make bench`.
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench

# The dashboard's client from npm. `make install` fetches it where npm's registry can be reached.
CLIENT := realtime/console/socket.io.esm.min.js
AGAIN := $(if $(filter install,$(MAKECMDGOALS)),$(if $(wildcard $(CLIENT)),,again))

# How many test files run at a time. They spend most of their time waiting.
JOBS ?= 4
IN_PARALLEL := --numprocesses $(JOBS) --dist loadfile

# The stock client from npm, for the tests that run it under Node.
NODE_CLIENTS := $(if $(shell command -v npm),tests/js/node_modules/.package-lock.json)

help:
	@echo "make run           start everything, with a demo company (DEMO=0: without); Ctrl-C stops it"
	@echo "make test          check the code and run all tests, JOBS=4 files at a time"
	@echo "make install       only set up .venv for make run; other targets add what they need"
	@echo "make unit          run the tests that need no server: a minute"
	@echo "make check         check style, types and imports"
	@echo "make fix           mend what Ruff can mend, and format"
	@echo "make docs          render docs/detection.md from the detectors"
	@echo "make dist          make what is published: wheel, sdist and constraints, in dist/"
	@echo "make test-package  build that, install the wheel elsewhere and run it there; needs Chromium"
	@echo "make test-browser  drive the dashboard in a headless Chromium"
	@echo "make chaos         kill, cut, empty and pause everything, over SEEDS=10; FAULTS names some"
	@echo "make abuse         one tenant does its worst; another's viewer gets all in its usual time"
	@echo "make properties    generate other working days each time, PROPERTY_DAYS=4200 of them"
	@echo "make flights       judge 319,807 flights, and reckon the impossible ones in a second way"
	@echo "make company       simulate 13 weeks of 200 people: all fraud is found, and nothing else"
	@echo "make bench         measure Rollcall beside its peers, some minutes"
	@echo "make bench-full    the same with years of history: an hour or more"

run: $(RUN)
	@exec $(PYTHON) -m dev run

# Tests that this machine cannot run are left out, and a line says so.
test: $(DEV) check $(NODE_CLIENTS)
	@left_out=" and not package"; \
	leave_out() { \
	  left_out="$$left_out and not $$1"; echo "rollcall: $$2: leaving out the tests $$3"; \
	}; \
	if ! command -v npm >/dev/null; then \
	  leave_out node "no Node.js" "with stock clients under Node"; \
	fi; \
	if ! command -v chromium >/dev/null && ! [ -x "$$CHROMIUM" ]; then \
	  leave_out browser "no Chromium (set CHROMIUM to its path)" "of the dashboard in a browser"; \
	elif ! [ -f $(CLIENT) ]; then \
	  leave_out browser "no client from npm's registry" "of the dashboard in a browser"; \
	fi; \
	if ! command -v cc >/dev/null; then \
	  leave_out compiler "no C compiler" "of the benchmarks' load client"; \
	fi; \
	if ! unshare --mount true 2>/dev/null; then \
	  leave_out mount "may not mount file systems" "on a full disk"; \
	fi; \
	echo "rollcall: tests that need no server"; \
	$(PYTHON) -m pytest -m "unit$$left_out" --numprocesses 2 --dist loadfile && \
	echo "rollcall: tests on real servers, $(JOBS) files at a time" && \
	$(PYTHON) -m pytest -m "not unit and not alone$$left_out" $(IN_PARALLEL) && \
	echo "rollcall: tests that compare waits, with nothing beside them" && \
	exec $(PYTHON) -m pytest -m "alone$$left_out" tests/abuse

dist: $(DEV)
	@exec $(PYTHON) -m dev.packing

test-package: $(DEV)
	@exec $(PYTHON) -m pytest -m package tests/dev/packing

test-browser: $(DEV)
	@exec $(PYTHON) -m pytest -m browser $(IN_PARALLEL)

# Rollcall beside its peers and floors. It needs a C compiler, zlib, OpenSSL and Node.js, and a
# machine that does nothing else meanwhile.
bench: $(BENCH)
	@exec $(PYTHON) -m dev.bench short

bench-full: $(BENCH)
	@exec $(PYTHON) -m dev.bench full

# Each fault over many seeds, and a table of what viewers were owed and got: an hour or two. A fault
# gets PUNCHES=20000 punches.
chaos: $(DEV) $(NODE_CLIENTS)
	@exec $(PYTHON) -m tests.chaos

# `make test` does a bounded part of it. It compares waits: let nothing else run meanwhile.
abuse: $(DEV)
	@ABUSE=full exec $(PYTHON) -m pytest tests/abuse -s

properties: $(DEV)
	@HYPOTHESIS_PROFILE=thorough exec $(PYTHON) -m pytest tests/properties

# `make test` runs both of these as well, over a few days only.
flights: $(DEV)
	@FLIGHTS=year exec $(PYTHON) -m pytest tests/end_to_end/test_flights.py

company: $(DEV)
	@COMPANY=quarter exec $(PYTHON) -m pytest tests/end_to_end/test_simulated_company.py -s

check: $(DEV)
	@echo "rollcall: checking style, types and imports"
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-cache --no-logo >$(VENV)/.lint-imports || \
	  { cat $(VENV)/.lint-imports; exit 1; }

unit: $(DEV)
	@exec $(PYTHON) -m pytest -m unit --numprocesses 2 --dist loadfile

fix: $(DEV)
	@$(VENV)/bin/ruff check --fix
	@exec $(VENV)/bin/ruff format

docs: $(DEV)
	@exec $(PYTHON) -m dev.detection_manual

install: $(RUN)

again:

# Nothing is installed again until a file changes that says what is needed. What the tests need is
# added to what runs, which stays as it is: `make test` does not disturb a `make run`. A client that
# could not be fetched is tried again by `make install`.
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
