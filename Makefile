# The two commands are `make run` and `make test`; `make help` lists the others.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
PORT ?= 8080
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, each start of a gateway or command compiles all its modules anew: half a second, hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

# The first Python of at least 3.11; PYTHON=… chooses another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)

.PHONY: help run test conformance bench bench-full lint lock profiles clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The tokens hold for a day: long enough to try things by hand, on a machine that nobody else reaches.
run: $(RUNTIME) ## install, start the gateway on its SQLite file, print a token for each role, load a dossier in each state, say what to try (PORT=8080)
	@mkdir -p build/run; \
	test -s build/run/pseudonym-keys || (umask 077; echo "demo $$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')" > build/run/pseudonym-keys); \
	printf '%s\n' 'builtin_issuer = true' 'port = $(PORT)' 'data_folder = "build/run"' 'pseudonym_keys = "build/run/pseudonym-keys"' > build/run/fhir-gateway.toml; \
	export FHIR_GATEWAY_CONFIG="$${FHIR_GATEWAY_CONFIG:-build/run/fhir-gateway.toml}"; \
	tokens="$${FHIR_GATEWAY_DATA_FOLDER:-build/run}/tokens"; \
	$(BIN)/fhir-gateway token --demo --life 1d; \
	$(BIN)/fhir-gateway serve --port $(PORT) & gateway=$$!; \
	trap "kill $$gateway 2>/dev/null || true" EXIT; \
	$(BIN)/fhir-gateway demo --load --tokens "$$tokens" --url http://127.0.0.1:$(PORT)/fhir && wait $$gateway

test: $(DEVELOPMENT) ## install, then pass all tests, on SQLite and on a real PostgreSQL (PYTEST_ARGS=…)
	$(BIN)/pytest -n auto --dist loadgroup -q $(PYTEST_ARGS)

conformance: $(DEVELOPMENT) ## the official and seeded suites against their floors; FULL=1 runs all of them
	FHIR_GATEWAY_SUITES=$(if $(FULL),full,tenth) $(BIN)/pytest tests/spec tests/fhir/test_official_examples.py \
		tests/conformance/test_search_oracle.py tests/conformance/validation/test_mangled.py tests/search \
		tests/conformance/pfmg tests/demo_dossiers/test_examples.py tests/interactions/operations/test_dossier_examples.py \
		tests/scenarios/test_guide.py tests/scenarios/test_outgoing.py \
		-n auto --dist loadgroup -q $(PYTEST_ARGS)

bench: $(DEVELOPMENT) ## measure on the Synthea bundles, 5 minutes; writes build/bench.json
	$(BIN)/python -m tests.benchmarks.bench

bench-full: $(DEVELOPMENT) ## measure on twenty copies of them, 40 minutes
	$(BIN)/python -m tests.benchmarks.bench --full

lint: $(DEVELOPMENT) ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Versions and hashes for every platform and Python from 3.11 on, no addresses. The second file contains the first.
LOCK = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --strip-extras
BUILD_REQUIREMENTS = echo 'hatchling>=1.27'
lock: $(VENV)/bin/python ## renew requirements.lock and requirements-dev.lock
	$(VENV)/bin/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv
	$(BUILD_REQUIREMENTS) | $(LOCK) -o requirements.lock pyproject.toml - > /dev/null
	$(BUILD_REQUIREMENTS) | $(LOCK) --extra test --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml - > /dev/null

profiles: $(DEVELOPMENT) ## compile PFMG's profiles from their sources; needs Node.js 20, fetches SUSHI
	$(BIN)/python -m fhir_gateway.conformance.compile_profiles

clean: ## remove what was built and installed, the database of `make run` with it
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "The gateway needs Python 3.11 or later; found $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; fi
	"$(PYTHON)" -m venv $(VENV)

# A stamp tells that this lock is installed, so that a second call installs nothing.
$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV): a minute at most, once."
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) what runs and what tests: a minute or two, once."
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(RUNTIME)
