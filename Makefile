# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Both work in a virtual environment of their own (.venv), installed from the hashed lock files.

.PHONY: demo unit test test-long check types lint sql-lint audit lock coverage dist commands site clean
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
	@echo "make coverage  the unit tests, and the lines of adclick_cli that they reach"
	@echo "make dist   wheel and source distribution, in dist"
	@echo "make commands  docs/commands.md anew from the program"
	@echo "make site   the documentation as a web site, in build/site"
	@echo "make lock   make the lock files anew from pyproject.toml"

$(VENV)/python:
	@tools/make-venv $(VENV)

$(VENV)/run.done: requirements.lock pyproject.toml | $(VENV)/python
	@tools/install $(VENV) requirements.lock
	@touch $@

$(VENV)/dev.done: requirements-dev.lock pyproject.toml | $(VENV)/python
	@tools/install $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/run.done

demo: $(VENV)/run.done
	ADCLICK_RUNTIME=local $(BIN)/adclick demo

check: $(VENV)/dev.done
	@$(MAKE) --no-print-directory -j 2 --output-sync=target types lint sql-lint

types: $(VENV)/dev.done
	$(BIN)/mypy

lint: $(VENV)/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

sql-lint: $(VENV)/dev.done
	$(BIN)/sqlfluff lint --config .sqlfluff tests/golden/portable.sql $(wildcard tests/golden/bench_*.sql)
	@# sqlfluff does not know how Flink calls a process table function.
	$(BIN)/sqlfluff lint --config .sqlfluff --ignore parsing \
		$(filter-out tests/golden/portable.sql tests/golden/bench_%,$(wildcard tests/golden/*.sql))

audit: $(VENV)/dev.done
	$(BIN)/python tools/audit $(AUDIT)

test: check
	@tools/ensure-test-programs
	$(BIN)/pytest -m "not long" -n 2 --durations=30

test-long: $(VENV)/dev.done
	@tools/ensure-test-programs
	$(BIN)/pytest -m long --durations=0

unit: $(VENV)/dev.done
	$(BIN)/pytest tests/unit

# Versions that are locked stay unless pyproject.toml rules them out; `make lock UPGRADE=--upgrade` takes the newest.
UPGRADE :=
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate
EXTRAS := --extra dashboard --extra fast
lock: $(VENV)/dev.done
	$(COMPILE) $(UPGRADE) $(EXTRAS) --group build --group dev pyproject.toml --output-file requirements-dev.lock
	$(COMPILE) $(EXTRAS) --group build --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock
	$(BIN)/python tools/container-requirements | $(COMPILE) --constraint requirements-dev.lock - --output-file compose/requirements.lock

coverage: $(VENV)/dev.done
	$(BIN)/pytest tests/unit --cov --cov-report=term:skip-covered

dist: $(VENV)/dev.done
	$(BIN)/python -m build --no-isolation

commands: $(VENV)/dev.done
	$(BIN)/python tools/make-commands > docs/commands.md

site: $(VENV)/dev.done
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist
