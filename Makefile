# `make` alone prints this list. Everything installs what it needs first; see scripts/setup.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow test-fabric checks lint bench clean

PY := .venv/bin/python
SCRIPTS := $(wildcard scripts/* .ci/run jetson-setup.sh)
SHELL_SCRIPTS = $(shell grep -lE '^\#!.*(bash|/sh)$$' $(SCRIPTS))

export CAMERA LEDGER
GO := $(CURDIR)/.venv/bin/go
GOFMT = $$($(GO) env GOROOT)/bin/gofmt
export GOTOOLCHAIN := local
export GOFLAGS := -mod=readonly -buildvcs=false
# Bytecode is kept, in one folder: the processes of a demo and the many of the tests then start in half the time.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/cache/bytecode
# Tests wait more than they compute, so more of them run at a time than there are processors.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 8 ? 2 * n : 16)))

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
	while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: ## install what is needed: Debian packages, .venv, models
	@scripts/setup

run: ## start broker, cloud, box and demo cameras; CAMERA=rtsp://... (a file, /dev/video0) shows your own; LEDGER=fabric
	@scripts/setup --quiet
	@exec $(PY) -m demo $(if $(CAMERA),--camera "$$CAMERA") $(if $(LEDGER),--ledger "$$LEDGER")

test: checks ## check style and types, then run all tests in parallel; ARGS="tests/store -k outbox" runs some, one by one
	@cd chaincode && $(GO) test ./...
	@$(PY) -m pytest -q -m "not slow" $(or $(ARGS),--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder)

test-fabric: ## run the ledger's tests on a real Fabric network; FABRIC_BIN names the folder of its programs
	@scripts/setup --quiet
	@$(PY) -c 'from cloud.ledger.fabric.programs import require; require()'
	@$(PY) -m pytest -q tests/ledger tests/standin tests/conformance/test_ledger.py \
		tests/cloud/ledger/fabric tests/sentrybox/test_fabric_command.py tests/journey/test_fabric_demo.py $(ARGS)

test-slow: ## run the slow tests
	@scripts/setup --quiet
	@$(PY) -m pytest -q -m slow $(ARGS)

checks:
	@scripts/setup --quiet
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --no-error-summary

lint: checks ## check style, types, shell scripts and the Go programs
	@shellcheck $(SHELL_SCRIPTS)
	@test -z "$$("$(GOFMT)" -l chaincode bench/ledger_client)" || { "$(GOFMT)" -d chaincode bench/ledger_client; exit 1; }
	@for module in chaincode bench/ledger_client; do (cd $$module && $(GO) vet ./...) || exit 1; done

bench: ## run the benchmarks; BENCH=recognise runs one
	@scripts/setup --quiet
	@for name in $(or $(BENCH),$(patsubst bench/%.py,%,$(filter-out bench/_%,$(wildcard bench/*.py)))); do \
		echo "== bench.$$name"; $(PY) -m bench.$$name || exit 1; done

clean: ## remove .venv, var (demo data, caches, models) and tool caches
	@rm -rf .venv var build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
