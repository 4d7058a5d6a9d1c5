# Every target does its own set-up, once: .venv and node_modules are rebuilt when a lock file changes.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test check format sdk vendor theme integration bench lock clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.ready-to-run ## Serve on http://127.0.0.1:8420 (ARGS="--listen ... --data ...")
	@exec $(BIN)/cairn serve $(ARGS)

demo: $(VENV)/.ready-to-run ## Serve the demo, and print the link to it
	@exec $(BIN)/cairn demo $(ARGS)

test: $(VENV)/.ready-to-test node_modules/.ready ## Run every test (ARGS="-k name")
	$(BIN)/pytest $(ARGS)

check: $(VENV)/.ready-to-test node_modules/.ready ## Lint, types, layers, web modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/tsc --project tsconfig.json
	node scripts/sdk.mjs --check
	node scripts/sdk_reference.mjs --check
	node scripts/vendor.mjs --check
	node scripts/theme.mjs --check

format: $(VENV)/.ready-to-test ## Put the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sdk: node_modules/.ready ## Write the browser SDK as it is shipped, one small file and types, and its reference
	node scripts/sdk.mjs
	node scripts/sdk_reference.mjs

vendor: node_modules/.ready ## Write what the applications take from others
	node scripts/vendor.mjs

theme: ## Write the look that the console shares with the applications
	node scripts/theme.mjs

integration: $(VENV)/.ready-to-test ## Run the tests with real processes only
	$(BIN)/pytest tests/integration tests/faults $(ARGS)

bench: $(VENV)/.ready-to-test ## Measure, beside the peers that are installed
	@scripts/system-packages nginx-light varnish
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.ready-to-test ## Choose versions anew, and write the lock files
	scripts/lock

clean: ## Remove what set-up made
	rm -rf $(VENV) node_modules build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.ready-to-run: requirements.txt pyproject.toml
	@scripts/setup requirements.txt
	@touch $@

# The test lock holds the run lock, so whoever has set up for tests can run.
$(VENV)/.ready-to-test: requirements-dev.txt pyproject.toml
	@scripts/system-packages strace iproute2 chromium-headless-shell g++ curl xxd
	@scripts/setup requirements-dev.txt
	@touch $(VENV)/.ready-to-run $@

node_modules/.ready: package-lock.json
	@scripts/system-packages nodejs npm
	@npm ci --silent --no-audit --no-fund
	@touch $@
