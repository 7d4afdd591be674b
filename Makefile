# `make` alone prints this list. Everything installs what it needs first; see scripts/setup.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow lint bench clean

PY := .venv/bin/python
SCRIPTS := $(wildcard scripts/* .ci/run jetson-setup.sh)
SHELL_SCRIPTS = $(shell grep -lE '^\#!.*(bash|/sh)$$' $(SCRIPTS))

export CAMERA

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
	while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: ## install what is needed: Debian packages, .venv, models
	@scripts/setup

run: ## start broker, cloud, box and demo cameras; CAMERA=rtsp://... (or a file, /dev/video0) shows your own
	@scripts/setup --quiet
	@exec $(PY) -m demo $(if $(CAMERA),--camera "$$CAMERA")

test: ## run the tests; ARGS="tests/store -k outbox" chooses
	@scripts/setup --quiet
	@$(PY) -m pytest -q -m "not slow" $(ARGS)

test-slow: ## run the slow tests
	@scripts/setup --quiet
	@$(PY) -m pytest -q -m slow $(ARGS)

lint: ## check style, types, shell scripts and (when Go is there) the chaincode
	@scripts/setup --quiet
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@shellcheck $(SHELL_SCRIPTS)
	@if ls chaincode/*.go >/dev/null 2>&1; then \
		test -z "$$(gofmt -l chaincode)" || { echo "gofmt would change: $$(gofmt -l chaincode)"; exit 1; }; \
		cd chaincode && go vet ./...; fi

bench: ## run the benchmarks; BENCH=recognise runs one
	@scripts/setup --quiet
	@for name in $(or $(BENCH),$(patsubst bench/%.py,%,$(filter-out bench/_%,$(wildcard bench/*.py)))); do \
		echo "== bench.$$name"; $(PY) -m bench.$$name || exit 1; done

clean: ## remove .venv, var (demo data, caches, models) and tool caches
	@rm -rf .venv var build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
