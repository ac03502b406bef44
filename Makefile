# Each command sets up what it needs in .venv: exactly the versions in locks/, with plain pip and no other tool.
VENV := .venv
BIN := $(VENV)/bin
# Another Python than python3: make test PYTHON=python3.12. An environment that is there stays with the one it has.
PYTHON ?= $(shell test -x $(BIN)/python && echo $(BIN)/python || echo python3)
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
LOCK := locks/python$(VERSION).txt
LOCKED := $(patsubst locks/python%.txt,%,$(sort $(wildcard locks/*.txt)))
RUN := $(BIN)/python -m evalkit

.PHONY: help venv demo gate test test-gpu hostile check format schema metrics notebook docs lock doctor bench clean
.DEFAULT_GOAL := help

help:
	@echo "make venv      set up .venv, exactly as locked"
	@echo "make demo      set up, fetch the demo's weights, run python -m evalkit run +sweep=demo"
	@echo "make gate      set up, fetch, run the embedded engine, gate it against the baseline kokoro_cpu"
	@echo "make test      set up, fetch, run the tests"
	@echo "make test-gpu  set up, run the tests that need a GPU"
	@echo "make hostile   run the tests of hostile and clumsy input, and count those that hold"
	@echo "make check     format, lint, types, layers, schema, metrics, locks"
	@echo "make format    let ruff format and mend what it can"
	@echo "make schema    write docs/schema from the dataclasses"
	@echo "make docs      build the documentation as a site: site/index.html, which opens from the disk"
	@echo "make metrics   write docs/metrics.md from the docstrings"
	@echo "make notebook  run notebooks/analysis.ipynb and write its rendered copy, docs/notebook.md"
	@echo "make lock      write locks/python$(VERSION).txt: the newest versions that pyproject.toml allows and the tests pass with"
	@echo "make lock KEEP=1   the same, but what is locked stays: only what pyproject.toml newly asks for is added"
	@echo "make doctor    say what this machine can run"
	@echo "make bench     measure evalkit itself"
	@echo "with PYTHON=python3.X in place of $(PYTHON); locked: $(LOCKED)"

# Only reached for a lock that is not there.
locks/python%.txt:
	@test -f $@ || { echo "evalkit is locked for Python $(LOCKED), not for $*; type: make $(MAKECMDGOALS) PYTHON=python$(lastword $(LOCKED))" >&2; exit 1; }

# Another lock or another Python makes the environment anew, so that it never holds more than the lock. The locked pip comes
# first: it lets the lock choose, too, what builds those distributions that are no wheels.
$(VENV)/.locked-$(VERSION): $(LOCK)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps $$(grep '^pip==' $(LOCK))
	$(BIN)/python -m pip install --quiet --no-deps --build-constraint $(LOCK) --requirement $(LOCK)
	@touch $@

$(VENV)/.installed: pyproject.toml $(LOCK) $(VENV)/.locked-$(VERSION)
	$(BIN)/python scripts/compare_lock.py --declared $(LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

venv: $(VENV)/.installed

demo: $(VENV)/.installed
	@$(RUN) fetch --sweep demo
	@$(RUN) run +sweep=demo

# The run's folder is the last line that it prints; a run that fails ends it there.
gate: $(VENV)/.installed
	@$(RUN) fetch --sweep demo
	@told=$$($(RUN) run +sweep=gate engine=kokoro judge=demo probes=demo 'seeds=[0,1]') || exit; echo "$$told"; \
	$(RUN) gate "$$(echo "$$told" | tail -n 1)" --baseline kokoro_cpu --margins configs/gate_cpu.yaml --inconclusive=pass

test: $(VENV)/.installed
	@$(RUN) fetch --sweep demo
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal

test-gpu: $(VENV)/.installed
	$(BIN)/python -m pytest -m gpu

hostile: $(VENV)/.installed
	$(BIN)/python -m pytest -q -m hostile --numprocesses logical --maxprocesses 8

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/make_schema.py --check
	$(BIN)/python scripts/make_metrics_page.py --check
	$(BIN)/python scripts/compare_lock.py --declared locks/*.txt

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: $(VENV)/.installed
	$(BIN)/python scripts/make_schema.py

metrics: $(VENV)/.installed
	$(BIN)/python scripts/make_metrics_page.py

notebook: $(VENV)/.installed
	$(BIN)/python scripts/render_notebook.py

# Material warns of plans for MkDocs 2; the locks have MkDocs 1.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

lock:
	$(PYTHON) scripts/make_lock.py $(if $(KEEP),--keep)

doctor: $(VENV)/.installed
	@$(RUN) doctor

bench: $(VENV)/.installed
	$(RUN) bench startup
	$(RUN) bench demo
	$(RUN) bench scoring
	$(RUN) bench growth
	$(RUN) bench store

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
