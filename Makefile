# Two commands: `make serve` sets everything up and runs the server, `make test` sets everything up and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
WORKERS ?= 3
EXTRAS := test,dev
CONFORMANCE_EXTRAS := test,lab,conformance
RUNTIME ?= linux-x64
# The PowerShell that the tests and the server use, instead of the first that is found: make test PWSH=/path/to/pwsh
ifdef PWSH
export PWSH_MANAGER_PWSH := $(abspath $(PWSH))
endif

.PHONY: serve test fast check lint types unit coverage conformance engine clean

# install VENV,EXTRAS: uv does in 5 s what takes pip 80 s. It does not read pip's settings: where only these lead to an index,
# pip installs. The embedded PowerShell is taken by its path and hash alone, where there is one for this machine.
define install
$(PYTHON) -m venv --without-pip $(1)
$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(1)/bin/python install 'uv>=0.9' && \
  $(1)/bin/uv pip install --quiet --python $(1)/bin/python -e '.[$(strip $(2))]' || \
  { $(PYTHON) -m venv $(1) && $(1)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(strip $(2))]'; }
$(1)/bin/python vendor/choose_engine.py > $(1)/engine.lock
[ ! -s $(1)/engine.lock ] || \
  $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(1)/bin/python install --no-deps --require-hashes -r $(1)/engine.lock
touch $(1)/.installed
endef

$(STAMP): pyproject.toml vendor/engine.lock
	$(call install,$(VENV),$(EXTRAS))

CONFORMANCE := .venv-conformance

$(CONFORMANCE)/.installed: pyproject.toml vendor/engine.lock
	$(call install,$(CONFORMANCE),$(CONFORMANCE_EXTRAS))

serve: $(STAMP)
	$(BIN)/pwsh-kernels serve

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types

# Imports and rewrites all tests once, before each worker would at the same time. What is wrong with them, the tests' own run tells.
$(COMPILED): $(STAMP)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -qq > $@ 2>&1 || true

# Every kernel, server and command that the tests start would compile what it imports, where Python may keep no bytecode.
# .NET compiles with care, and again what is called often: two seconds of computing in each session. It also collects its garbage
# twice while a session signs in. These PowerShells do not live long enough for that.
unit: $(COMPILED)
	$(BIN)/python -m compileall -q pwsh_kernels mcp_server.py
	DOTNET_JITMinOpts=1 DOTNET_TC_CallCountThreshold=FFFF DOTNET_TieredPGO=0 DOTNET_GCgen0size=8000000 PYTHONDONTWRITEBYTECODE= \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(COVERAGE)

# The tests that need no PowerShell and do not wait: seconds, after every change (the marks: pyproject.toml).
fast: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not pwsh and not slow"

# Tells what the tests' own processes ran of the package; a tenth slower.
coverage:
	$(MAKE) --no-print-directory unit COVERAGE="--cov --cov-report=term"

# The type checker runs beside the tests: they wait often.
test: lint
	$(MAKE) --no-print-directory --jobs=2 types unit

# Slow (15 minutes), needs Node with npm and Chromium (Debian: apt-get install chromium): jupyter_server's own tests, Lab, papermill,
# MCP's own suites and clients (docs/conformance.md is written by them), and a PowerShell that dies on every sign-in route
# (`make test` lets every kind of route die once).
conformance: $(CONFORMANCE)/.installed
	$(CONFORMANCE)/bin/python conformance/upstream.py
	$(CONFORMANCE)/bin/python -m pytest conformance -o pythonpath=". conformance" -p tests.fixtures.powershell -p tests.fixtures.server -p proofs --timeout 180
	PWSH_KERNELS_TEST_DEATHS=all $(CONFORMANCE)/bin/python -m pytest tests/sessions/sign_in/test_matrix.py --timeout 180

# The wheel of a whole PowerShell (engine/README.md): 1 minute. What another kind of machine would run is built, not checked.
engine:
	@dotnet --list-sdks 2>/dev/null | grep -q '^10\.' || \
	  { echo 'make engine needs the .NET 10 SDK (dotnet on PATH, https://dot.net) and a NuGet source.' >&2; exit 1; }
	engine/build.sh dist $(RUNTIME)
	@if [ $(RUNTIME) = "$$(engine/runtime.sh)" ]; then engine/check.sh "$$(ls -t dist/powershell_engine-*.whl | head -1)"; \
	else echo 'Not checked: $(RUNTIME) does not run here; use engine/check.sh WHEEL where it does.'; fi

clean:
	rm -rf $(VENV) $(CONFORMANCE) .mypy_cache .pytest_cache .ruff_cache .coverage*
