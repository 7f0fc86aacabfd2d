# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run demo test faults bench check check-deployment lock frontend
PYTHON ?= python3
BIN := .venv/bin
# Compiled once here: an image that lets Python keep no bytecode would compile all of Django at each start.
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes

help: ## List the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/run-installed ## Serve the portal (PORT, PORTAL_URL, DATABASE_URL: see .env.example)
	@exec $(BIN)/python manage.py serve

# Set to nothing, these hide what .env says of the unit's own portal.
demo: .venv/run-installed ## Serve a second database with made-up money (PORT as for run)
	@DEMO=1 GRANTS_PREFIX=360G-example DATABASE_URL= PORTAL_URL= exec $(BIN)/python manage.py serve

# The portal's own modules are compiled once for all the processes that tests start (tests/conftest.py).
test faults: export PYTHONDONTWRITEBYTECODE =

test: .venv/dev-installed ## Run every test on SQLite, then on PostgreSQL; browser tests where Chromium is found
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest -n 2 -m "both or not (browser or once)"

RACES = tests/funding/test_races.py tests/events/declarations/test_races.py
faults: .venv/dev-installed ## Run the long tests: starts and stops, upgrades, a thousand changes of the register, races on both databases
	RACE_ROUNDS=40 $(BIN)/python -m pytest tests/faults $(RACES) -s
	RACE_ROUNDS=40 $(BIN)/python -m tests.postgres $(BIN)/python -m pytest $(RACES) \
		$(patsubst %,tests/faults/test_%.py,mail signing_races tampering upgrade)

bench: .venv/dev-installed ## Measure how many signatures a second each database takes, by the rules and over HTTP
	$(BIN)/python -m tests.performance.signing

check: .venv/dev-installed ## Run linters, types, templates, layers, migrations and the deployment check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory check-deployment

check-deployment: .venv/dev-installed
	PORTAL_URL=https://portal.example.org SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(50))") \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
lock: .venv/dev-installed ## Lock the dependencies of pyproject.toml with hashes, without addresses
	$(LOCK) requirements/uv.in --output-file requirements/uv.txt
	$(LOCK) pyproject.toml --output-file requirements/run.txt
	$(LOCK) pyproject.toml --extra dev --output-file requirements/dev.txt

frontend: ## Compile the style sheet and the script (needs Node.js; what it makes is committed)
	cd frontend && npm ci --silent && npm run build --silent

.venv/bin/uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make run PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

.venv/run-installed: requirements/run.txt | .venv/bin/uv
	$(INSTALL) -r requirements/run.txt
	@touch $@

.venv/dev-installed: requirements/dev.txt | .venv/run-installed
	$(INSTALL) -r requirements/dev.txt
	@touch $@
