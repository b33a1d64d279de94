# zonecast: `make demo` and `make test` do all of their own set-up, in .venv.

PYTHON  ?= python3
PREFIX  ?= /opt/zonecast
SYSCONF ?= /etc
FUZZ_SECONDS ?= 60

VENV  := .venv
READY := $(VENV)/.installed
BIN   := $(VENV)/bin
PIP   := python -m pip install --quiet --disable-pip-version-check
OWNER    = $(shell stat -c %U .)
AS_OWNER = $(if $(filter-out root,$(OWNER)),$(if $(filter root,$(shell id -un)),runuser -u $(OWNER) --))
# By hash, and as wheels alone: a machine needs no compiler.
LOCKED := $(PIP) --only-binary :all: --require-hashes
COMPILE := build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo test test-differential test-replay test-native fuzz bench native lint format lock wheel install install-native install-systemd clean

help:
	@echo 'make demo              a primary and two secondaries on loopback, a push, the convergence'
	@echo 'make demo ARGS=--once  the same, and end'
	@echo 'make test              all tests (ARGS=... goes to pytest)'
	@echo 'make test-differential tens of thousands of queries to five servers, a thousand publishes'
	@echo 'make test-replay       every commit of three real zone repositories, in a quarter of an hour'
	@echo 'make fuzz              any octets, following branches, with atheris (FUZZ_SECONDS=60 a target)'
	@echo 'make bench             ours beside others, into benchmarks/RESULTS.md (ARGS=--rounds=3, …)'
	@echo 'make lint              ruff and mypy'
	@echo 'make format            let ruff rewrite what it can'
	@echo 'make lock              pin the newest dependencies that pyproject.toml allows'
	@echo 'make native            the modules that answer over UDP, compiled, into build/native'
	@echo 'make test-native       the tests of answers with them'
	@echo 'make install           put zonecast into $(PREFIX) (PREFIX=...)'
	@echo 'make install-systemd   put its units into $(SYSCONF) (PREFIX=..., SYSCONF=..., DESTDIR=...)'
	@echo 'make clean             remove .venv and every cache'

# The build backend is in the lock, so that installing the project itself fetches nothing.
$(READY): requirements.lock requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/$(LOCKED) -r requirements.lock -r requirements-dev.lock
	$(BIN)/$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY)
	@$(BIN)/zonecast demo $(ARGS)

# Much of the suite waits for servers: a process more than there are cores keeps them busy. In the
# order of their names, files of few long tests are not what is left at the end.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder $(ARGS)

test-differential: $(READY)
	ZONECAST_DIFFERENTIAL=whole $(BIN)/python -m pytest tests/differential $(ARGS)

test-replay: $(READY)
	ZONECAST_REPLAY=whole $(BIN)/python -m pytest tests/replay $(ARGS)

# `make test` has the short form. What is found is left in build/fuzz, and ends this.
fuzz: $(READY)
	set -e; for target in reader bump hook merge policy increment packet; do \
		nice $(BIN)/python tests/fuzz/guided.py $$target $(FUZZ_SECONDS); done

# Each script that can be run prints its own section; what is written is whole or not at all.
bench: $(READY)
	set -e; for script in $$(grep -l '__main__' benchmarks/*.py); do \
		echo "$$script" >&2; $(BIN)/python $$script $(ARGS); echo; \
		done > benchmarks/RESULTS.md.new
	mv benchmarks/RESULTS.md.new benchmarks/RESULTS.md
	@cat benchmarks/RESULTS.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd benchmarks && MYPYPATH=../agent $(abspath $(BIN))/mypy --config-file ../pyproject.toml *.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# uv resolves for every supported Python at once, which pip cannot; it lives in a throw-away venv.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/$(PIP) uv
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --output-file requirements-dev.lock --constraints requirements.lock --group dev
	rm -rf build/lock

wheel: $(READY)
	rm -rf build/wheel
	$(BIN)/python -m hatchling build --target wheel --directory build/wheel

# The same source, compiled with mypyc: everything works without. What is compiled is what most of
# a query's time goes to, but for modules that are started with `python -m`, which wants their source.
HOT := $(addprefix zonecast/,$(addsuffix .py,protocol/answer_exact protocol/answer_near \
	protocol/answer_pieces server/answering/packet_cache server/answering/quick protocol/assembly protocol/transfer_plain \
	server/answering/responder))

native: $(READY)
	$(BIN)/python -c 'import setuptools' 2>/dev/null || $(BIN)/$(PIP) setuptools
	rm -rf build/native
	mkdir -p build/native
	cp -r agent/zonecast build/native/
	printf '[mypy]\nstrict = True\n' > build/native/mypy.ini
	cd build/native && PYTHONPATH=. ../../$(BIN)/python -m mypyc $(HOT) > mypyc.log 2>&1 || \
		{ cat mypyc.log; exit 1; }
	cd build/native && rm -rf build && \
		PYTHONPATH=. ../../$(BIN)/python -c 'import zonecast.server.answering.quick as q; print(q.__file__)'

test-native: native
	PYTHONPATH=$(CURDIR)/build/native $(BIN)/python -m pytest tests/answers tests/edns tests/rate_limit \
		tests/streams $(ARGS)

# After `make install`, with the same Python: they are found before the modules that they are of.
install-native: native
	cd build/native && find . -name '*.so' -exec cp --parents {} \
		"$$($(PREFIX)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \;

# What a serving host needs and no more: an environment of its own, independent of this directory.
# Only root may write there as a rule, but what is built here stays the owner's of this directory.
install:
	$(AS_OWNER) $(MAKE) wheel
	$(PYTHON) -m venv $(PREFIX)
	$(PREFIX)/bin/$(LOCKED) -r requirements.lock
	$(PREFIX)/bin/$(PIP) --no-deps --no-index --force-reinstall build/wheel/*.whl

# The units name the installed command by its path. DESTDIR is for packagers.
install-systemd:
	install -d $(DESTDIR)$(SYSCONF)/systemd/system $(DESTDIR)$(SYSCONF)/sysusers.d
	sed 's|@BINDIR@|$(PREFIX)/bin|' systemd/zonecast.service \
		> $(DESTDIR)$(SYSCONF)/systemd/system/zonecast.service
	install -m 644 systemd/zonecast.socket $(DESTDIR)$(SYSCONF)/systemd/system/zonecast.socket
	install -m 644 systemd/zonecast.sysusers $(DESTDIR)$(SYSCONF)/sysusers.d/zonecast.conf

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find agent tests -name __pycache__ -type d -prune -exec rm -rf {} +
