# Everything a user needs; each target first builds .venv where it is missing or the lock has changed.
SHELL := /bin/bash
PYTHON ?= python3
SCALE ?= quick
CORES ?= all
CONFIG = config/quick.yaml $(if $(filter-out quick,$(SCALE)),config/$(SCALE).yaml)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export OMP_NUM_THREADS := 1
export PYTHONPATH := $(CURDIR)/workflow$(if $(PYTHONPATH),:$(PYTHONPATH))

.PHONY: replicate paper test test-fast lint conventions docs figures verify archive bench clean

replicate: .venv/installed ## Every experiment, figure and table at the quick scale, into results/quick
	@test -f config/$(SCALE).yaml || { echo "SCALE=$(SCALE): allowed are $(basename $(notdir $(sort $(wildcard config/*.yaml))))" >&2; exit 2; }
	python -m study.fetch $(CONFIG)
	@begun=$$(date +%s); python -m study.one_run snakemake --cores $(CORES) --configfile $(CONFIG) \
	--logger normplace --logger-normplace-costs reference/$(SCALE)/manifest.json && \
	python -m study.summary results/$(SCALE) $$begun

paper: ## The paper's own sizes, into results/paper; hours, resumable
	$(MAKE) replicate SCALE=paper

test: .venv/installed ## All tests, two at a time, and how much of src they run; no network access
	python -m pytest -n 2 --cov --cov-fail-under=92

test-fast: .venv/installed ## The tests that take a moment, without the workflow
	python -m pytest -n 2 -m "not slow and not slurm" --cov --cov-fail-under=80

lint: .venv/installed ## Style, types, workflow
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	mypy
	python -m study.lint

conventions: .venv/installed .tools/installed ## What registries, hosts and archives read of the project: is it valid?
	python -m pytest -n 2 tests/conventions tests/workflow/test_archive.py

docs: .venv/docs ## The documentation as a site, into build/docs; warnings are errors
	sphinx-build --fresh-env --quiet --fail-on-warning --keep-going --nitpicky docs build/docs
	@echo "Open build/docs/index.html"

# This machine's own finished run, or the shipped one where there is none.
RUN = $(if $(wildcard results/$(SCALE)/manifest.json),results,reference)/$(SCALE)

THERE = test -d $(RUN) || { echo "SCALE=$(SCALE): there is no run in results/$(SCALE) or reference/$(SCALE)" >&2; exit 2; }

figures: .venv/installed ## Draw figures and tables again from existing results, without computing anything
	@$(THERE)
	python -m figures --tidy $(RUN)/tidy --output results/$(SCALE)/figures
	python -m figures.tables --tidy $(RUN)/tidy --output results/$(SCALE)/tables
	@echo "Drawn from $(RUN) into results/$(SCALE)/figures and results/$(SCALE)/tables"

verify: .venv/installed ## Are the files unaltered, and which claims hold? Exits with 1 where a claim fails
	@$(THERE)
	@status=0; normplace verify --results $(RUN) --integrity || status=1; \
	python -m study.printed $(RUN) || status=1; \
	python -m study.recomputed $(RUN) || status=1; \
	normplace verify --results $(RUN) --output results/$(SCALE)/tables || status=1; exit $$status

archive: .venv/installed ## Pack a run with its manifest into results/SCALE.tar.gz
	python -m study.archive $(SCALE)

bench: .venv/installed ## How far each part is from the usual way and from the machine's limit, into benchmarks/results.md
	python -m study.fetch config/quick.yaml
	python -m benchmarks

clean: ## Delete results and caches of tools; data, .venv and cached outputs stay
	rm -rf results build .snakemake .coverage .pytest_cache .mypy_cache .ruff_cache

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "normplace needs Python 3.11 to 3.13, but $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/docs: docs/requirements.lock .venv/installed
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.tools/installed: tests/conventions/requirements.lock
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
