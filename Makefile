# Four commands: demo, test, check, format. Each sets up what it needs; plain pip, no other tool.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m evalkit

.PHONY: demo test check format schema bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, fetch the demo's weights, run python -m evalkit run +sweep=demo"
	@echo "make test    set up, fetch, run the tests"
	@echo "make check   format, lint, types, layers, schema"
	@echo "make format  let ruff format and mend what it can"
	@echo "make schema  write docs/schema from the dataclasses"
	@echo "make bench   measure evalkit itself"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip  # older resolvers take minutes over this many packages

# One environment for everything; made anew when pyproject.toml changes.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[demo,f5,chroma,abstractvoice,dev]'
	@touch $@

demo: $(VENV)/.installed
	@$(RUN) fetch --sweep demo
	@$(RUN) run +sweep=demo

test: $(VENV)/.installed
	@$(RUN) fetch --sweep demo
	$(BIN)/python -m pytest

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/make_schema.py --check

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: $(VENV)/.installed
	$(BIN)/python scripts/make_schema.py

bench: $(VENV)/.installed
	$(RUN) bench startup
	$(RUN) bench demo
	$(RUN) bench scoring

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
