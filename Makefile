# The commands a newcomer needs: make demo, make test, make bench, make lint.
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := help
.NOTPARALLEL:
# The tests start hundreds of processes: what a module compiles to is kept, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo test test-full bench shots lint lock clean environment environment-dev system-packages python

BIN := .venv/bin
# The first Python on PATH that is new enough; PYTHON=... names another.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
endif
# Options handed on: make demo ARGS=..., make test ARGS="-k snapshot"
ARGS ?=
# make demo PORT=... LAB_PORT=...; what the surroundings call PORT is not meant
DEMO_PORTS := $(if $(filter command,$(firstword $(origin PORT))),--port $(PORT)) \
	$(if $(filter command,$(firstword $(origin LAB_PORT))),--lab-port $(LAB_PORT))
LOCK := $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet $(ARGS)

help:
	@echo "make demo       run FirstFive with a local Slack and a sick Go service; nothing else is needed"
	@echo "make test       install what the tests need, lint, run every test (big matrices by sample)"
	@echo "make test-full  the same with the whole of every matrix"
	@echo "make bench      print the figures and their bounds"
	@echo "make shots      write a picture of every message, form and page into ./shots, to look at"
	@echo "make lint       ruff, mypy and the layers"
	@echo "make lock       pin the newest versions that pyproject.toml allows (ARGS=--upgrade)"
	@echo "make clean      remove what make and the tests made, the environment included"

demo: environment
	@exec $(BIN)/firstfive demo $(DEMO_PORTS) $(ARGS)

test: system-packages environment-dev
	@exec $(BIN)/python -m tests.lanes $(ARGS)

test-full: system-packages environment-dev
	@exec $(BIN)/python -m tests.lanes --whole-matrix $(ARGS)

bench: environment-dev
	@exec $(BIN)/python -m tests.bench $(ARGS)

shots: system-packages environment-dev
	@exec $(BIN)/python -m tests.shots $(ARGS)

lint: environment-dev
	@failed=0; \
	$(BIN)/ruff check --quiet || failed=1; \
	$(BIN)/ruff format --check --quiet || failed=1; \
	$(BIN)/mypy --no-error-summary || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	exit $$failed

lock: environment-dev
	@$(LOCK) --output-file requirements-dev.lock --group dev
	@$(LOCK) --output-file requirements.lock --constraint requirements-dev.lock
	@echo "Pinned. The next make installs what changed."

clean:
	@rm -rf .venv build dist shots firstfive.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment: python
	@"$(PYTHON)" .ci/environment.py core

environment-dev: python
	@"$(PYTHON)" .ci/environment.py dev

system-packages:
	@sh .ci/system-packages

python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed: install it," \
		"or name it with make PYTHON=/path/to/python3" >&2; exit 1; }
