# Narabi: `make` lists what there is.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PORT ?= 8000
WORKERS ?= 2
# The caller's shell may sit in another environment; nothing of it reaches ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test gates acceptance bench drills lock clean
.PHONY: gate-style gate-format gate-types gate-imports gate-templates gate-rules test-machine

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## Make .venv and install the locked packages

demo: export PORT := $(PORT)
demo: .venv/.installed ## Start the site with sample data on http://127.0.0.1:8000 (PORT=)
	@exec .ci/demo

test: .venv/.installed-dev test-machine gates ## Everything CI does: gates, then all tests on both databases
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

gates: .venv/.installed-dev ## Style, format, types, import directions, templates, house rules
	@$(MAKE) -k -j$(WORKERS) --output-sync=target gate-types gate-style gate-format gate-imports gate-templates gate-rules

gate-style:
	@$(BIN)/ruff check --quiet .
gate-format:
	@$(BIN)/ruff format --check --quiet .
gate-types:
	@$(BIN)/mypy
gate-imports:
	@$(BIN)/lint-imports --no-cache > build/imports.log || { cat build/imports.log; exit 1; }
gate-templates:
	@$(BIN)/djlint templates --lint --quiet
gate-rules:
	@$(BIN)/ast-grep scan --report-style short .

test-machine:
	@.ci/apt "/usr/lib/postgresql/*/bin/initdb" postgresql chromium-headless-shell chromium-headless-shell
	@command -v chromium-headless-shell >/dev/null || .ci/apt chromium chromium

acceptance: .venv/.installed-dev test-machine ## Show which of the 40 acceptance lines pass (build/acceptance.json)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -m acceptance --acceptance-report build/acceptance.json

bench: .venv/.installed-dev ## Measure and compare with the goals (build/bench.json)
	@$(BIN)/python -m bench.run bench build/bench.json

drills: .venv/.installed-dev test-machine ## Rehearse failures and measure the recovery (build/drills.json)
	@$(BIN)/python -m bench.run tests.drills build/drills.json

lock: .venv/.installed-dev ## Resolve the dependencies anew into the hashed lock files
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra build pyproject.toml"; \
	$$compile -o requirements.lock $(LOCKFLAGS); \
	$$compile --extra dev -c requirements.lock -o requirements-dev.lock $(LOCKFLAGS)

clean: ## Remove what was built; keeps var/ (the demo's data)
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .venv *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml
	@.ci/venv requirements.lock
	@touch $@

.venv/.installed-dev: requirements-dev.lock pyproject.toml
	@.ci/venv requirements-dev.lock
	@mkdir -p build && touch .venv/.installed $@
