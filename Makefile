# Two commands: `make serve` sets everything up and runs the server, `make test` sets everything up and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
WORKERS ?= 3
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check
RUNTIME ?= linux-x64
# The PowerShell that the tests and the server use, instead of the first that is found: make test PWSH=/path/to/pwsh
ifdef PWSH
export PWSH_MANAGER_PWSH := $(abspath $(PWSH))
endif

.PHONY: serve lab test fast check lint types unit coverage test-sweeps fuzz test-matrix conformance pictures lock hooks engine assembly image test-image test-kubernetes clean

# install VENV,LOCK: exactly what the lock names, by its hashes, and nothing from an index that the
# lock does not name; then the package itself, built by the hatchling that the lock installed. uv
# does in 5 s what takes pip 80 s. It does not read pip's settings: where only these lead to an
# index, pip installs, from the same lock. The embedded PowerShell is taken by its path and hash
# alone, where there is one for this machine.
define install
@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("This needs Python 3.11 or newer, and $(PYTHON) is %d.%d: name another one, as in make PYTHON=python3.12" % sys.version_info[:2])'
$(PYTHON) -m venv --without-pip $(1)
sed -n '/^uv==/,/[^\\]$$/p' $(2) > $(1)/uv.txt
$(PIP) --python $(1)/bin/python install --require-hashes -r $(1)/uv.txt && \
  $(1)/bin/uv pip install --quiet --python $(1)/bin/python --require-hashes -r $(2) || \
  { $(PYTHON) -m venv $(1) && $(PIP) --python $(1)/bin/python install --require-hashes -r $(2); }
$(PIP) --python $(1)/bin/python install --no-deps --no-build-isolation -e .
$(1)/bin/python vendor/choose_engine.py > $(1)/engine.lock
[ ! -s $(1)/engine.lock ] || \
  $(PIP) --python $(1)/bin/python install --no-deps --require-hashes -r $(1)/engine.lock
touch $(1)/.installed
endef

$(STAMP): pyproject.toml requirements.lock vendor/engine.lock
	$(call install,$(VENV),requirements.lock)

CONFORMANCE := .venv-conformance

$(CONFORMANCE)/.installed: pyproject.toml requirements-conformance.lock vendor/engine.lock
	$(call install,$(CONFORMANCE),requirements-conformance.lock)

serve: $(STAMP)
	$(BIN)/pwsh-kernels serve

# JupyterLab for `pwsh-kernels lab`, beside what is in $(VENV): a server loads it when it starts.
LAB := $(VENV)/.lab-installed

lab: $(LAB)
	@echo 'JupyterLab is installed: $(BIN)/pwsh-kernels lab opens it.'

$(LAB): $(STAMP) requirements-lab.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-lab.lock || \
	  $(PIP) --python $(BIN)/python install --require-hashes -r requirements-lab.lock
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(STAMP)
	$(BIN)/mypy

check: lint types

# Imports and rewrites all tests once, before each worker would at the same time. What is wrong with them, the tests' own run tells.
$(COMPILED): $(STAMP)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -qq > $@ 2>&1 || true

# Every kernel, server and command that the tests start would compile what it imports, where Python may keep no bytecode.
# .NET compiles with care, and again what is called often: two seconds of computing in each session. It also collects its garbage
# twice while a session signs in. These PowerShells do not live long enough for that.
SHORT_LIVED = DOTNET_JITMinOpts=1 DOTNET_TC_CallCountThreshold=FFFF DOTNET_TieredPGO=0 DOTNET_GCgen0size=8000000
WHICH = not sweep

unit: $(COMPILED)
	$(BIN)/python -m compileall -q pwsh_kernels mcp_server.py
	$(SHORT_LIVED) PYTHONDONTWRITEBYTECODE= \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "$(WHICH)" $(COVERAGE)

# What `make test` tries a sample of, in all other combinations (the mark `sweep`): each module by each sign-in route, more faults, ...
test-sweeps:
	$(MAKE) --no-print-directory unit WHICH=sweep

# The tests that need no PowerShell and do not wait: seconds, after every change (the marks: pyproject.toml).
FAST = pytest -q -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not pwsh and not slow"

fast: $(STAMP)
	$(BIN)/python -m $(FAST)

# Tells what the tests' own processes ran of the package; a tenth slower.
coverage:
	$(MAKE) --no-print-directory unit COVERAGE="--cov --cov-report=term"

# Many odd requests and messages to every route and channel, each time others; `make test` sends a few, always the same.
FUZZ ?= 200

fuzz: $(STAMP)
	$(SHORT_LIVED) PWSH_KERNELS_TEST_FUZZ=$(FUZZ) \
	  $(BIN)/python -m pytest -m fuzz -n $(WORKERS) --dist loadscope

# The type checker runs beside the tests: they wait often.
test: lint
	$(MAKE) --no-print-directory --jobs=2 types unit

# The fast tests on every Python that we name, each in a folder of its own. What uv does not find and
# cannot fetch is said and left out. uv finds pyenv's only when all of them are switched on.
PYTHONS ?= 3.11 3.12 3.13 3.14

test-matrix: $(PYTHONS:%=python-%)

python-%: $(STAMP)
	@export PYENV_VERSION="$$(pyenv versions --bare 2>/dev/null | paste -sd:)"; \
	$(BIN)/uv venv --quiet --allow-existing --python $* .venv-$* 2>.venv/python-$*.txt || \
	  { echo "Python $*: not tested, uv has none and gets none here (.venv/python-$*.txt)"; exit 0; }; \
	set -e; \
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --require-hashes -r requirements.lock; \
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --no-deps --no-build-isolation -e .; \
	echo "Python $*: $$(.venv-$*/bin/python --version)"; \
	.venv-$*/bin/python -m $(FAST)

# Slow (15 minutes), needs Node with npm and Chromium (Debian: apt-get install chromium): jupyter_server's own tests, Lab, papermill,
# MCP's own suites and clients (docs/conformance.md is written by them), and a PowerShell that dies on every sign-in route
# (`make test` lets every kind of route die once).
conformance: $(CONFORMANCE)/.installed
	$(CONFORMANCE)/bin/python conformance/upstream.py
	$(CONFORMANCE)/bin/python -m pytest conformance -o pythonpath=". conformance" -p tests.fixtures.powershell -p tests.fixtures.server -p proofs --timeout 180
	PWSH_KERNELS_TEST_DEATHS=all $(CONFORMANCE)/bin/python -m pytest tests/sessions/sign_in/test_matrix.py --timeout 180

# Every page of a sandbox server for docs/page.md, at two widths, light and dark; axe-core looks too.
pictures: $(CONFORMANCE)/.installed
	rm -rf docs/images/page
	PWSH_KERNELS_SCREENSHOTS=docs/images/page $(CONFORMANCE)/bin/python -m pytest conformance/test_page.py -k 'every_page or way_in' \
	  -o pythonpath=". conformance" -p tests.fixtures.powershell -p tests.fixtures.server -p proofs --timeout 300

# lock FILE,EXTRAS,MORE: for every Python that we name and every system; no address of an index.
define lock
$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) \
  $(addprefix --extra ,$(2)) $(3) --output-file $(1) pyproject.toml
endef

# After a change of pyproject.toml: what is pinned stays where it fits; `make lock UPGRADE=1` takes
# the newest of everything. The conformance lock has the same versions of what both name.
lock: $(STAMP)
	$(call lock,requirements.lock,test dev kubernetes oidc otel)
	$(call lock,requirements-conformance.lock,test lab conformance,--constraints requirements.lock)
	$(call lock,requirements-server.lock,kubernetes oidc otel,--constraints requirements.lock)
	$(call lock,requirements-lab.lock,lab,--constraints requirements-conformance.lock)

# What .pre-commit-config.yaml runs comes from $(VENV): nothing is fetched.
hooks: $(STAMP)
	@if command -v pre-commit >/dev/null; then pre-commit install; else \
	  echo 'pre-commit is not here. Install it (pipx install pre-commit), then: make hooks'; fi

# The wheel of a whole PowerShell (engine/README.md): 1 minute. What another kind of machine would run is built, not checked.
engine:
	@dotnet --list-sdks 2>/dev/null | grep -q '^10\.' || \
	  { echo 'make engine needs the .NET 10 SDK (dotnet on PATH, https://dot.net) and a NuGet source.' >&2; exit 1; }
	engine/build.sh dist $(RUNTIME)
	@if [ $(RUNTIME) = "$$(engine/runtime.sh)" ]; then engine/check.sh "$$(ls -t dist/powershell_engine-*.whl | head -1)"; \
	else echo 'Not checked: $(RUNTIME) does not run here; use engine/check.sh WHEEL where it does.'; fi

# What runs compiled inside PowerShell, of its source (decision 0002); on another PowerShell than the embedded one the bytes differ.
assembly: $(STAMP)
	$$($(BIN)/python -c 'import powershell_engine; print(powershell_engine.executable())') -NoProfile \
	  -File pwsh_kernels/powershell/assembly/compile.ps1 pwsh_kernels/powershell/assembly/PwshKernels.dll

# The container (docs/containers.md). Where no Docker engine runs, root on Debian gets docker.io; test-image says loudly when nothing
# could be tested. `make image TARGET=full` has the modules of modules.lock.toml.
TARGET ?= slim

image test-image: $(STAMP)
	$(BIN)/python -m deploy.image $(if $(filter image,$@),build,test) $(TARGET)

# In the cluster that KUBECONFIG names, which has the image; otherwise on two nodes that are started here out of the folder that
# PWSH_KERNELS_KUBERNETES_RIG names (docs/kubernetes.md). Says loudly when nothing could be tested.
test-kubernetes: $(STAMP)
	$(BIN)/python -m deploy.two_nodes

clean:
	rm -rf $(VENV) $(VENV)-* .make .mypy_cache .pytest_cache .ruff_cache .coverage*
