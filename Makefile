# Each target prepares what it needs: Python >= 3.11 and make are enough.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
RUN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv
export DAGSTER_HOME := $(CURDIR)
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

$(UV):
	@if [ "$(UV)" = ".venv-uv/bin/uv" ]; then $(PYTHON) -m venv .venv-uv && .venv-uv/bin/pip install -q uv; fi

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --no-build --compile-bytecode -q
	@touch $@

demo: .venv/.synced ## the whole pipeline against a simulated company; a second call lives 30 days on
	@$(RUN)/wegpunkt demo

test: .venv/.synced ## all tests that need nothing but this machine
	$(RUN)/python -m pytest -m "not slow and not real"

test-slow: .venv/.synced ## crash and truth tests that take minutes
	$(RUN)/python -m pytest -m slow

test-odoo: .venv/.synced ## against a real Odoo: WEGPUNKT_ODOO_URL, _DATABASE, _USER, _PASSWORD
	$(RUN)/python -m pytest -m real tests/real

check: .venv/.synced ## lint, format, types, SQL style, import doors, dbt parse
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/sqlfluff lint dbt_project/models dbt_project/tests -q
	$(RUN)/python -m pytest -q tests/test_doors.py
	$(RUN)/wegpunkt dbt-parse

dev: .venv/.synced ## the Dagster UI on loopback, with the demo's data
	@$(RUN)/wegpunkt dev

bench: .venv/.synced ## measured ratios, printed as a table
	$(UV) sync --locked --no-build --compile-bytecode -q --group bench
	$(RUN)/python -m benchmarks

bench-insight: .venv/.synced ## the twelve bars of the scores; data in WEGPUNKT_INSIGHT_DATA
	$(UV) sync --locked --no-build --compile-bytecode -q --group bench
	$(RUN)/python -m benchmarks.insight

docs: .venv/.synced ## the data dictionary as one HTML page: docs/build/index.html
	@$(RUN)/wegpunkt docs

.PHONY: help demo test test-slow test-odoo check dev bench bench-insight docs
