# zonecast: `make demo` and `make test` do all of their own set-up, in .venv.

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.installed
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint format lock clean

help:
	@echo 'make demo            a primary and two secondaries on loopback, a push, the convergence'
	@echo 'make demo ARGS=--once   the same, and end'
	@echo 'make test            all tests (ARGS=... goes to pytest)'
	@echo 'make lint            ruff and mypy'
	@echo 'make format          let ruff rewrite what it can'
	@echo 'make lock            pin the newest dependencies that pyproject.toml allows'
	@echo 'make clean           remove .venv and every cache'

# Everything comes from the lock file, by hash and as wheels, so that no compiler is needed; the
# build backend is among it, so that installing the project itself fetches nothing.
$(READY): requirements.lock pyproject.toml
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) --only-binary :all: --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY)
	@$(BIN)/zonecast demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# uv resolves for every supported Python at once, which pip cannot; it lives in a throw-away venv.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --group dev --output-file requirements.lock \
		pyproject.toml
	rm -rf build/lock

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find agent tests -name __pycache__ -type d -prune -exec rm -rf {} +
