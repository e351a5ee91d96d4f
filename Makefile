# Everything runs in .venv, made from requirements.lock by a uv of our own: a bare machine needs
# Python 3.11 and make.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
VENV ?= .venv
BIN := $(VENV)/bin
# With the drivers of Snowflake, which need an earlier SQLAlchemy.
SNOWFLAKE := .venv-snowflake
# With those of BigQuery; and the stand-in for it, which needs an earlier DuckDB.
BIGQUERY := .venv-bigquery
BIGQUERY_SERVER := .venv-bigquery-server
DATA ?=
ARGS ?=
CONFIG ?= examples/demo.yaml
FORCE ?=
MODEL ?=
AS_OF ?=
SLOW ?= slow
# More words for pytest, such as COVERAGE below.
PYTEST ?=
COVERAGE := --cov --cov-report=term:skip-covered
PORT ?= 3000
DASHBOARD_PORT ?= 8501
# A file's tests stay together: they share a job that was run, or a server.
SIDE_BY_SIDE := -n 2 --dist loadfile
# Macros are read where a model calls them: a file of them renders to nothing.
LINTED_SQL := sql/models sql/tests

export DAGSTER_HOME := $(CURDIR)/deploy/local
export MMM_SETTINGS := $(abspath $(CONFIG))

.PHONY: demo test test-fast test-coverage test-slow test-snowflake test-bigquery lint format type run ui dashboard screenshots wheel lock clean

demo: $(VENV)/.synced  ## run the main job on a simulated market, or on DATA=file.csv CONFIG=settings.yaml
	$(BIN)/mmm demo $(if $(DATA),--data "$(DATA)") --settings "$(CONFIG)"

test: lint type test-fast  ## all checks and the fast tests

test-fast: $(VENV)/.synced  ## the fast tests alone; on another Python: VENV=.venv-3.13 PYTHON=python3.13
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE) $(PYTEST)

test-coverage:  ## the fast tests, and which lines they leave out
	$(MAKE) test-fast PYTEST="$(COVERAGE)"

# In the files' order: by their numbers of tests, the longest would come last.
test-slow: $(VENV)/.synced  ## recovery of known truth, faults, public data; SLOW="slow and not long" is CI's
	$(BIN)/python -m pytest -m "$(SLOW)" $(SIDE_BY_SIDE) --no-loadscope-reorder

test-snowflake: $(SNOWFLAKE)/.synced  ## the whole job on a stand-in for Snowflake: docs/warehouses.md
	$(SNOWFLAKE)/bin/python -m pytest tests/dagster_mmm/test_snowflake.py

# The stand-in finds DuckDB's extensions in a home folder of its own.
test-bigquery: $(BIGQUERY)/.synced $(BIGQUERY_SERVER)/.synced  ## the whole job on a stand-in for BigQuery
	MMM_BIGQUERY_SERVER=$(CURDIR)/$(BIGQUERY_SERVER)/bin/python \
		$(BIGQUERY)/bin/python -m pytest tests/dagster_mmm/test_bigquery.py

bench-%: $(VENV)/.synced  ## benchmarks/, each a file: make bench-seed, bench-national, ...; ARGS=--help
	$(BIN)/python -m benchmarks.$* $(ARGS)

lint: $(VENV)/.synced
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint $(LINTED_SQL)
	$(BIN)/lint-imports

format: $(VENV)/.synced
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix $(LINTED_SQL)

type: $(VENV)/.synced
	$(BIN)/basedpyright

run: $(VENV)/.synced  ## the week of CONFIG once: input, every model or MODEL, dashboards; FORCE=1, AS_OF="2026-01-05 2026-02-02"
	$(BIN)/mmm run $(if $(MODEL),--model "$(MODEL)") $(if $(FORCE),--force) \
		$(foreach day,$(AS_OF),--as-of $(day))

ui: $(VENV)/.synced  ## the Dagster UI, and what runs queued and scheduled runs, for CONFIG
	$(BIN)/mmm ui --port $(PORT)

dashboard: $(VENV)/.synced  ## the dashboard over what has been published, at http://localhost:8501
	$(BIN)/mmm dashboard --port $(DASHBOARD_PORT)

screenshots: $(VENV)/.synced  ## docs/images anew, from the UI and the dashboard in a headless browser
	SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/python -m pytest tests/e2e/test_ui.py tests/dashboards/test_browser.py tests/strangers/test_acme.py

wheel: $(UV)  ## the wheel and the source distribution, in dist/
	rm -rf dist
	$(UV) build --quiet --out-dir dist

lock: $(UV)  ## resolve pyproject.toml anew, for Python 3.11 and later
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--group dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--extra snowflake --group snowflake --custom-compile-command "make lock" pyproject.toml \
		-o requirements-snowflake.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--extra bigquery --group bigquery --custom-compile-command "make lock" pyproject.toml \
		-o requirements-bigquery.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--group bigquery-server --custom-compile-command "make lock" \
		-o requirements-bigquery-server.lock

clean:
	rm -rf .venv* .uv data build dist sql/target sql/logs

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.synced: requirements.lock pyproject.toml | $(UV)
$(SNOWFLAKE)/.synced: requirements-snowflake.lock pyproject.toml | $(UV)
$(BIGQUERY)/.synced: requirements-bigquery.lock pyproject.toml | $(UV)
$(VENV)/.synced $(SNOWFLAKE)/.synced $(BIGQUERY)/.synced:
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)
	$(UV) pip sync --quiet --compile-bytecode --python $(@D)/bin/python --require-hashes $<
	$(UV) pip install --quiet --python $(@D)/bin/python --no-deps --editable .
	touch $@

$(BIGQUERY_SERVER)/.synced: requirements-bigquery-server.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)
	$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	touch $@
