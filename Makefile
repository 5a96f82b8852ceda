# Two commands: `make serve` sets everything up and runs the server, `make test` sets everything up and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 3

.PHONY: serve test check lint conformance clean

$(STAMP): pyproject.toml $(wildcard vendor/*.whl)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --find-links vendor -e '.[engine,test,dev]'
	touch $(STAMP)

CONFORMANCE := .venv-conformance

$(CONFORMANCE)/.installed: pyproject.toml $(wildcard vendor/*.whl)
	$(PYTHON) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/python -m pip install --quiet --disable-pip-version-check --find-links vendor -e '.[engine,test,lab,conformance]'
	touch $@

serve: $(STAMP)
	$(BIN)/pwsh-kernels serve

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term

# Slow (6 minutes), and needs Chromium (Debian: apt-get install chromium): jupyter_server's own tests, JupyterLab, papermill.
conformance: $(CONFORMANCE)/.installed
	$(CONFORMANCE)/bin/python conformance/upstream.py
	$(CONFORMANCE)/bin/python -m pytest conformance -o pythonpath=tests -p server_fixtures --timeout 180

clean:
	rm -rf $(VENV) $(CONFORMANCE) .mypy_cache .pytest_cache .ruff_cache .coverage*
