# Everything goes through one virtual environment in .venv; `make run` and `make test` make it when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HOME_DIR := $(or $(STILLWATCH_HOME),.stillwatch)
BENCH_OUT ?= build/bench

.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-quality bench-scale format docs clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/run.ok: requirements.txt constraints.txt pyproject.toml
	@echo "== 1/4 virtual environment"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "== 2/4 packages (about a minute when they are cached)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev.ok: $(VENV)/run.ok requirements-dev.txt
	@echo "== packages for tests and checks"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/run.ok  ## set up, load the sample data on first use, start the app on http://localhost:8501
	@if [ ! -e "$(HOME_DIR)/runs/CURRENT" ]; then \
	  echo "== 3/4 sample data and first detection run" && \
	  $(BIN)/stillwatch --home "$(HOME_DIR)" import sample_data && \
	  $(BIN)/stillwatch --home "$(HOME_DIR)" detect; fi
	@echo "== 4/4 web app"
	@$(BIN)/stillwatch --home "$(HOME_DIR)" serve

test: $(VENV)/dev.ok  ## run every test, the browser's included
	$(BIN)/pytest

check: $(VENV)/dev.ok  ## format, lint, types, import contracts, promises of the docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest tests/test_architecture.py tests/test_docs.py

bench: $(VENV)/dev.ok  ## speed of import, every page, a 20,000-account cluster, twenty analysts; tables in build/bench
	@mkdir -p $(BENCH_OUT)
	$(BIN)/python benchmarks/bench_import.py --out $(BENCH_OUT)/import.json
	$(BIN)/python benchmarks/bench_pages.py --out $(BENCH_OUT)/pages.json
	$(BIN)/python benchmarks/bench_workspace.py --out $(BENCH_OUT)/workspace.json
	$(BIN)/python benchmarks/bench_sessions.py --out $(BENCH_OUT)/sessions.json

$(VENV)/bench.ok: $(VENV)/dev.ok requirements-bench.txt
	@echo "== tools that are measured beside ours"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-bench.txt
	@touch $@

bench-quality: $(VENV)/bench.ok  ## detection quality on simulated worlds kept apart from tuning
	@mkdir -p $(BENCH_OUT)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench_quality.py --out $(BENCH_OUT)/quality.json --docs docs/benchmarks.md

bench-scale: $(VENV)/dev.ok  ## cost and growth of detection up to the whole incident (hours, 40 GB of disk)
	@mkdir -p $(BENCH_OUT)
	$(BIN)/python benchmarks/bench_scale.py --out $(BENCH_OUT)/scale.json --docs docs/benchmarks.md

format: $(VENV)/dev.ok  ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/run.ok  ## write the reference pages anew from the code
	$(BIN)/python -m stillwatch.reference docs

clean:  ## remove the virtual environment and caches (never the data)
	rm -rf $(VENV) build .pytest_cache .ruff_cache .mypy_cache .hypothesis
