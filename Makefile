# `make` on its own lists the commands.
.DEFAULT_GOAL := help
.PHONY: help run demo test faults bench check check-speed check-deployment lock frontend
PYTHON ?= python3
BIN := .venv/bin
# Compile once, here: where Python may not write bytecode, it would compile all of Django at each start.
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/run-installed ## Serve the portal (PORT, PORTAL_URL, DATABASE_URL: see .env.example)
	@exec $(BIN)/python manage.py serve

# Empty values override what .env sets for the unit's own portal.
demo: .venv/run-installed ## Serve a second database with made-up data (PORT as for run)
	@DEMO=1 GRANTS_PREFIX=360G-example DATABASE_URL= PORTAL_URL= exec $(BIN)/python manage.py serve

# tests/conftest.py compiles the portal's modules once, for all the processes that tests start.
test faults: export PYTHONDONTWRITEBYTECODE =

test: .venv/dev-installed ## Run every test on SQLite, then on PostgreSQL; browser tests if Chromium is installed
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m tests.support.processes.postgres $(BIN)/python -m pytest -n 2 -m "both or not (browser or once)"

# FAULT_ROUNDS=2 tries each fault at most twice; FAULTS_TABLE=FILE keeps the table.
faults: .venv/dev-installed ## Kill, fill, lock and attack a portal on both databases; print one table of the results
	$(BIN)/python -m tests.support.faults

bench: .venv/dev-installed ## Measure pages beside nginx, a large portal, files, signatures, memory; AGAINST=COMMIT: pages of then, too
	$(BIN)/python -m tests.performance.pages $(if $(AGAINST),--against $(AGAINST))
	$(BIN)/python -m tests.performance.large 2>/dev/null
	$(BIN)/python -m tests.performance.downloads 2>/dev/null
	$(BIN)/python -m tests.performance.imports
	$(BIN)/python -m tests.performance.signing
	$(BIN)/python -m tests.performance.memory

check-speed: .venv/dev-installed ## Fail if a page costs more than its limit, as a multiple of a plain page
	$(BIN)/python -m tests.performance.speed

check: .venv/dev-installed ## Check code, types, templates, import rules, migrations and deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory check-deployment

check-deployment: .venv/dev-installed
	PORTAL_URL=https://portal.example.org TRUSTED_PROXIES=1 SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(50))") \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
lock: .venv/dev-installed ## Lock the dependencies of pyproject.toml with hashes
	$(LOCK) requirements/uv.in --output-file requirements/uv.txt
	$(LOCK) pyproject.toml --output-file requirements/run.txt
	$(LOCK) pyproject.toml --extra dev --output-file requirements/dev.txt

frontend: ## Compile the style sheet and the scripts (needs Node.js; commit the result)
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
