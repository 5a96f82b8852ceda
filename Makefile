# Two commands: `make serve` sets everything up and runs the server, `make test` sets everything up and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 3

.PHONY: serve test check lint types unit clean

$(STAMP): pyproject.toml $(wildcard vendor/*.whl)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --find-links vendor -e '.[engine,test,dev]'
	touch $(STAMP)

serve: $(STAMP)
	$(BIN)/pwsh-kernels serve

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types

unit: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --cov --cov-report=term

# The type checker runs beside the tests: they wait often.
test: lint
	$(MAKE) --no-print-directory --jobs=2 types unit

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .coverage*
