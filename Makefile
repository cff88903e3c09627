# The two commands of the project are `make run` and `make test`; everything else serves them.
#
#   make run [ARGS="--port 9000"]   build what is missing, start the product, print its address
#   make test                       everything CI runs; installs what the tests need
#   make setup                      build without starting
#   make check                      formatters, linters, types and layers only
#   make soak [ARGS="2000000"]      hold the engine against its plain twin, with random commands
#   make soak-server [ARGS="30"]    minutes of mixed load with memory watched, many generated requests, many kills
#   make bench                      measure speed: a table, and JSON in benchmarks/results/; PEERS=1 runs others beside us

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CARGO  ?= cargo
NPM    := npm --prefix web
ARGS   ?=

MADE      := $(VENV)/.made
PYTHONS   := $(MADE)/packages
DEV       := $(MADE)/dev-packages
ENGINE    := $(MADE)/engine
NODE      := $(MADE)/node-modules
PAGE      := web/dist/index.html
BYTECODE  := $(MADE)/bytecode

ENGINE_SOURCES := Cargo.toml Cargo.lock $(shell find engine -name '*.rs' -o -name Cargo.toml)
PYTHON_SOURCES := $(shell find src -name '*.py')
PAGE_SOURCES   := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)

.PHONY: run setup test test-before-python check check-python check-rust check-web test-rust test-web test-python \
        bench soak soak-server lock format openapi clean

run: setup
	@exec $(BIN)/papertape up $(ARGS)

setup: $(ENGINE) $(PAGE) $(BYTECODE)

# Python packages, pinned ---------------------------------------------------------------------

$(MADE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Papertape needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@.ci/needs venv $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  "$$(grep -E '^uv==' requirements/dev.txt | cut -d' ' -f1)"
	@mkdir -p $(MADE) && touch $@

$(PYTHONS): $(MADE)/venv requirements/base.txt requirements/dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements/base.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python maturin -c requirements/dev.txt
	@touch $@

$(DEV): $(PYTHONS) requirements/dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements/dev.txt
	@touch $@

# Compiled ahead, so that a start is fast also where Python may not write its caches.
$(BYTECODE): $(PYTHONS) $(PYTHON_SOURCES)
	@$(BIN)/python -m compileall -q src && touch $@

# The engine and the page ---------------------------------------------------------------------

$(ENGINE): $(PYTHONS) $(ENGINE_SOURCES) pyproject.toml
	@command -v $(CARGO) >/dev/null || { echo "Papertape needs Rust (cargo); see https://rustup.rs"; exit 1; }
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" \
	  $(BIN)/maturin develop --release --uv --locked
	@touch $@

$(NODE): web/package.json web/package-lock.json | $(MADE)/venv
	@command -v npm >/dev/null || { echo "Papertape needs Node.js 20 or newer with npm"; exit 1; }
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(NODE) $(PAGE_SOURCES)
	$(NPM) run --silent build
	@touch $@

# Everything CI runs --------------------------------------------------------------------------

# The engine's release build keeps one processor for minutes; checks and other tests take another.
test:
	@$(MAKE) --no-print-directory --output-sync=target -j2 test-before-python
	@$(MAKE) --no-print-directory test-python

test-before-python: setup $(DEV) check test-rust test-web

check: check-python check-rust check-web

check-python: $(DEV) $(ENGINE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-rust:
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --locked --workspace --all-targets -- -D warnings

check-web: $(NODE)
	$(NPM) run --silent check

test-rust:
	$(CARGO) test --quiet --locked -p papertape-core -p papertape-agents

test-web: $(NODE)
	$(NPM) run --silent test

# Where memory is plenty, the tests' folders are in it: they make thousands of small databases.
IN_MEMORY = [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null \
  && export PYTEST_DEBUG_TEMPROOT=/dev/shm;

# What pytest compiles is kept, also where the environment says otherwise: each worker reads it.
test-python: setup $(DEV)
	@.ci/needs browser
	@.ci/needs postgres
	@$(IN_MEMORY) PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Upkeep --------------------------------------------------------------------------------------

bench: setup $(DEV)
	PEERS=$(PEERS) $(BIN)/python benchmarks/run.py $(ARGS)

soak: setup
	PYTHONPATH=tests $(BIN)/python -m twin.soak $(ARGS)

soak-server: setup $(DEV)
	$(BIN)/python benchmarks/serving/soak.py $(ARGS)
	PAPERTAPE_TEST_EXAMPLES=60 PAPERTAPE_TEST_DAMAGED=350 $(BIN)/pytest -n auto --dist loadfile \
	  -k "no_generated_request or no_damaged_request" \
	  tests/server/test_openapi.py tests/server/dialects/alpaca/test_document.py
	$(BIN)/pytest tests/faults --fault-rounds 1000 --timeout 0

lock: $(MADE)/venv
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 \
	  pyproject.toml -o requirements/base.txt
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 \
	  pyproject.toml --group dev -o requirements/dev.txt

format: $(DEV) $(NODE)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(CARGO) fmt
	$(NPM) run --silent format

openapi: setup
	$(BIN)/python -m papertape.server.openapi > web/openapi.json
	$(NPM) run --silent generate

clean:
	rm -rf target web/dist web/node_modules $(VENV) src/papertape/engine/*.so
