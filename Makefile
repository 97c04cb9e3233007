# The commands of habitlake. `make nightly` and `make test` need nothing but Python 3.11, make and a network.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
PACKAGES := habitlake spark_jobs expectations feature_repo models interventions dags bench
COMPILE := .tools/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header --quiet
export HABITLAKE_HOME ?=
ifneq ($(LANDING),)
export HABITLAKE_LANDING := $(abspath $(LANDING))
endif
export DATA

.PHONY: help setup nightly retrain test e2e up down status check fmt bench evaluate simulate docs doctor lock clean

help: ## show this help
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):[^#]*## /\1\t/' | expand -t 10

setup: ## install what is missing: uv, the locked environment, Java
	@scripts/setup.sh

nightly: setup ## run the next night (first run: history, training, last night); DATA=lifesnaps:PATH, LANDING=PATH
	@$(BIN)/habitlake nightly

retrain: ## train every model on the last 90 nights, with TensorFlow; judge, promote or refuse
	@scripts/setup.sh --tensorflow
	@$(BIN)/habitlake retrain

test: ## run every test, fast ones first
	@scripts/setup.sh --tests
	@$(BIN)/python -m pytest -n 2 tests

e2e: setup ## run the end-to-end tests alone
	@$(BIN)/python -m pytest tests/e2e

up: setup ## start the services, the Airflow UI and the report's pages
	@$(BIN)/habitlake up

down: ## stop every service of this world
	@$(BIN)/habitlake down

status: ## show the last night, gates, rows, models and queue
	@$(BIN)/habitlake status

check: setup ## lint, types, arrows between the rooms, SQL and YAML style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt/models
	@$(BIN)/yamllint .

fmt: setup ## format Python and SQL
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --quiet dbt/models

bench: setup ## measure beside peers and print the table
	@$(BIN)/python -m bench

evaluate: ## fit and measure every model beside its baselines into docs/evaluation.md; WORLDS="demo=HOME lifesnaps=HOME"
	@scripts/setup.sh --tensorflow
	@$(BIN)/python -m bench.evaluate $(foreach world,$(or $(WORLDS),demo=$(or $(HABITLAKE_HOME),.habitlake)),--world $(world))

simulate: setup ## compare policies of sending in the simulated world; NIGHTS=60, SEEDS=10
	@$(BIN)/python -m bench policies --nights $(or $(NIGHTS),60) --seeds $(or $(SEEDS),10)

docs: setup ## write contracts, data dictionary, dbt sources and the marts' documentation (HABITLAKE_HOME/dbt/target)
	@$(BIN)/habitlake contracts
	@$(BIN)/habitlake dictionary
	@$(BIN)/python -m spark_jobs.export.sources
	@$(BIN)/python -m spark_jobs.export.marts docs generate

doctor: setup ## say what this machine lacks and how to mend it
	@$(BIN)/habitlake doctor

lock: setup ## resolve the dependencies anew into requirements.lock, and TensorFlow's beside it into a lock of its own
	@$(COMPILE) --extra dev pyproject.toml -o requirements.lock
	@$(BIN)/python -c "import tomllib; \
		print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['tensorflow'], sep='\n')" | \
		$(COMPILE) --constraints requirements.lock - -o requirements-tensorflow.lock

clean: ## delete caches; worlds and the environment stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist *.egg-info
