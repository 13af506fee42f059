# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Both work in a virtual environment of their own (.venv), installed from the hashed lock files.

.PHONY: demo unit test test-long check audit lock commands site clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Bytecode is kept: without it every start of the program compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo   from nothing to proven click-through rates"
	@echo "make test   format, lint, types, import rules, SQL lint, every test"
	@echo "make unit   the tests that start no process: a minute"
	@echo "make test-long  the tests that cannot be quick"
	@echo "make check  the same without the tests"
	@echo "make audit  known holes in the packages of the lock files, where an advisory service answers"
	@echo "make commands  docs/commands.md anew from the program"
	@echo "make site   the documentation as a web site, in build/site"
	@echo "make lock   make the lock files anew from pyproject.toml"

$(VENV)/python:
	@tools/make-venv $(VENV)

$(VENV)/run.done: requirements.lock pyproject.toml | $(VENV)/python
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.done: requirements-dev.lock pyproject.toml | $(VENV)/python
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/run.done

demo: $(VENV)/run.done
	ADCLICK_RUNTIME=local $(BIN)/adclick demo

check: $(VENV)/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --config .sqlfluff tests/golden

audit: $(VENV)/dev.done
	$(BIN)/python tools/audit

test: check
	@tools/ensure-test-programs
	$(BIN)/pytest -m "not long" --durations=30

test-long: $(VENV)/dev.done
	@tools/ensure-test-programs
	$(BIN)/pytest -m long --durations=0

unit: $(VENV)/dev.done
	$(BIN)/pytest tests/unit

lock:
	uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
		--extra dashboard --extra fast --extra build --extra dev pyproject.toml --output-file requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
		--extra dashboard --extra fast --extra build --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock
	$(BIN)/python tools/container-requirements | uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
		--no-header --no-annotate --constraint requirements-dev.lock - --output-file compose/requirements.lock

commands: $(VENV)/dev.done
	$(BIN)/python tools/make-commands > docs/commands.md

site: $(VENV)/dev.done
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist
