# tunesmith on a fresh machine: only Python (with pip and venv) and make are needed.
#
#   make demo                      set up, then run the main job on the embedded sample
#   make test                      set up, then run all checks
#   make test PYTHON=python3.13    the same with another interpreter
#   make test WORKERS=0 SEED=7     in one process, with other random numbers
#   make demo TORCH_FLAGS="--index-url ..."   take torch from another index, such as its CPU builds

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH_FLAGS ?=
LOCK_FLAGS ?=
WORKERS ?= 2
SEED ?= 1
PYTEST_FLAGS ?=
STAMP := $(VENV)/.installed

.PHONY: help setup demo test test-exports test-benchmarks test-faults check lint types tests bench docs lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         set up in $(VENV) and train on the embedded sample, three minutes at most"
	@echo "make test         set up in $(VENV) and run every check"
	@echo "make check        every check, in the environment as it is: lint, types, tests"
	@echo "make test-exports every architecture, task and format of export, ten minutes"
	@echo "make test-benchmarks  a small trial of every benchmark, five minutes"
	@echo "make test-faults  kill runs with SIGKILL KILLS times (default 100) and compare what they end in, half an hour"
	@echo "make bench        tunesmith and its peers side by side on DATASET (default banking77), many hours; all of"
	@echo "                  BENCHMARKS, by default \"$(BENCHMARKS)\"; others are in benchmarks/README.md"
	@echo "make docs         the documentation in English and Chinese, built into build/site without a network"
	@echo "make lock         bring requirements/lock.txt in line with pyproject.toml (LOCK_FLAGS=--upgrade: newest versions)"
	@echo "make clean        remove the environment and what tools left"

# The stamp is older than a requirement: install again. Locked packages come first, so that torch finds what it
# asks for in place and fetches nothing unchecked; --no-deps keeps each step to what its file lists. pip would compile
# 19,000 modules on one core, a minute of three; of those left out a few are imported, and what cannot be compiled is a
# template.
$(STAMP): requirements/torch.txt requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; choose one with PYTHON=")'
	@echo "setting up $(VENV) with $$($(PYTHON) --version); the first time takes a few minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "  1 of 3  packages of requirements/lock.txt"
	@$(PIP) install -qq --no-compile --no-deps --require-hashes -r requirements/lock.txt
	@echo "  2 of 3  $$(cat requirements/torch.txt)"
	@$(PIP) install -qq --no-compile $(TORCH_FLAGS) -r requirements/torch.txt
	@echo "  3 of 3  tunesmith itself"
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@$(BIN)/python -W ignore -m compileall -qq -j 0 -x "/tests?/|transformers/models/" $(VENV)/lib || true
	@touch $@

setup: $(STAMP)

demo: $(STAMP)
	@$(BIN)/tunesmith demo

test: $(STAMP)
	@$(MAKE) --no-print-directory check

test-exports: $(STAMP)
	@TUNESMITH_EXPORTS=all $(MAKE) --no-print-directory tests PYTEST_FLAGS="tests/export tests/ladder/test_every_task.py"

test-benchmarks: $(STAMP)
	@TUNESMITH_TRIALS=all $(MAKE) --no-print-directory tests PYTEST_FLAGS="tests/benchmarks"

KILLS ?= 100
test-faults: $(STAMP)
	@TUNESMITH_KILLS=$(KILLS) $(BIN)/python -m pytest tests/ladder/test_resume.py tests/run/test_kill.py

# One after the other: two cores are soon full, and the tests' closing lines stay last.
check:
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory tests

lint:
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@echo "lint   ok"

types:
	@$(BIN)/mypy --no-error-summary --num-workers 2
	@$(BIN)/mypy --no-error-summary --num-workers 2 --explicit-package-bases benchmarks docs
	@echo "types  ok"

# Threads of two workers that spin while they wait for one another keep the cores from those that compute. What tests
# write is in memory where 8 GB of it are free: a climb waits for the disk after each of a hundred small files.
MEMORY := /dev/shm
tests:
	@room=$$(df -Pk $(MEMORY) 2>/dev/null | awk 'END {print $$4}'); \
	if test "$${room:-0}" -gt 8000000 && folder=$$(mktemp -d $(MEMORY)/XXXXXX 2>/dev/null); then \
		export TMPDIR="$$folder"; trap 'rm -rf "$$folder"' EXIT; trap 'exit 130' INT TERM HUP; \
	fi; \
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --randomly-seed=$(SEED) $(PYTEST_FLAGS)

# Those that hold tunesmith to others, and what the README tells of beside. Each but train_time, which begins anew, goes on where it was stopped.
DATASET ?= banking77
BENCHMARKS ?= inference train_memory scaling compression train_time
bench: $(STAMP)
	@for name in $(BENCHMARKS); do \
	    case $$name in inference|train_time) data="$(DATASET)" ;; *) data="" ;; esac; \
	    echo "benchmarks/$$name"; $(BIN)/python -m benchmarks.$$name.run $$data || exit 1; done

# English first: a build clears its folder, and the Chinese pages lie within that of the English ones.
docs: $(STAMP)
	@for config in mkdocs.yml mkdocs.zh.yml; do \
	    NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --config-file $$config || exit 1; done
	@echo "open build/site/index.html"

lock:
	@test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install -qq uv; }
	@build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package torch \
	    --constraint requirements/torch.txt --excludes requirements/excludes.txt --extra dev --extra base-model \
	    --extra bench --custom-compile-command "make lock" $(LOCK_FLAGS) --output-file requirements/lock.txt pyproject.toml
	@echo "requirements/lock.txt: $$(grep -c '^[a-z].*==' requirements/lock.txt) packages"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
