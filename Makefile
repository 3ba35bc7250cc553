# Everything a user needs; each target first builds .venv where it is missing or the lock has changed.
SHELL := /bin/bash
PYTHON ?= python3
SCALE ?= quick
CORES ?= all

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export OMP_NUM_THREADS := 1

.PHONY: replicate paper test lint figures verify bench clean

replicate: .venv/installed ## Every experiment, figure and table at the quick scale, into results/quick
	@test -f config/$(SCALE).yaml || { echo "SCALE=$(SCALE): allowed are $(basename $(notdir $(sort $(wildcard config/*.yaml))))" >&2; exit 2; }
	python -m workflow.fetch config/$(SCALE).yaml
	python -m workflow.one_run snakemake --cores $(CORES) --configfile config/$(SCALE).yaml
	@echo "Figures: results/$(SCALE)/figures   Tables: results/$(SCALE)/tables   Report: results/$(SCALE)/report.html"

paper: ## The paper's own sizes, into results/paper; hours, resumable
	$(MAKE) replicate SCALE=paper

test: .venv/installed ## All tests; no network access
	python -m pytest

lint: .venv/installed ## Style, types, workflow
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	mypy
	python workflow/lint.py

# Tables of this machine's own finished run, or the shipped ones where there is none.
TIDY = $(if $(wildcard results/$(SCALE)/report.html),results,reference)/$(SCALE)/tidy

figures: .venv/installed ## Draw figures and tables again from existing results, without computing anything
	python -m figures --tidy $(TIDY) --output results/$(SCALE)/figures
	python -m figures.tables --tidy $(TIDY) --output results/$(SCALE)/tables
	@echo "Drawn from $(TIDY) into results/$(SCALE)/figures and results/$(SCALE)/tables"

verify: .venv/installed ## Not yet: the table of claims comes with a later release
	@echo "make verify: not yet available; the tables in results/$(SCALE)/tables hold the numbers with their intervals"; exit 1

bench: .venv/installed ## How far each part is from the usual way and from the machine's limit, into benchmarks/results.md
	python -m benchmarks

clean: .venv/installed ## Delete results and caches of tools; data, .venv and cached outputs stay
	rm -rf results .snakemake .pytest_cache .mypy_cache .ruff_cache

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "normplace needs Python 3.11 to 3.13, but $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
