# Targets: `slim` (PowerShell, no service modules) and `full` (the services' modules as well), each
# for linux/amd64 and linux/arm64. docs/containers.md says how to use them.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgssapi-krb5-2 libicu76 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 pwsh \
    && useradd --uid 10001 --gid 10001 --home-dir /data/state --no-create-home \
        --shell /usr/sbin/nologin pwsh \
    && install -d -o 10001 -g 10001 -m 0700 /data /data/state /data/tokens /run/pwsh-kernels

# A secret named `ca` (docker build --secret id=ca,src=FILE) holds the certificate authorities of a
# network that looks into TLS. Without one the mount is left out.
FROM base AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=1
COPY requirements.lock requirements-server.lock ./
RUN --mount=type=cache,target=/root/.cache \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/build \
    && sed -nE '/^(uv|hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,/[^\\]$/p' \
        requirements.lock > build.lock \
    && /opt/build/bin/pip install --quiet --require-hashes -r build.lock \
    && /opt/build/bin/uv venv --quiet --python "$(command -v python3)" /opt/pwsh-kernels \
    && /opt/build/bin/uv pip install --quiet --python /opt/pwsh-kernels --require-hashes \
        -r requirements-server.lock
# The PowerShell in vendor/, where there is one for this architecture.
RUN --mount=type=bind,source=vendor,target=/src/vendor \
    /opt/build/bin/python vendor/choose_engine.py > engine.lock \
    && { [ ! -s engine.lock ] || /opt/build/bin/uv pip install --quiet \
        --python /opt/pwsh-kernels --no-deps --require-hashes -r engine.lock; }
COPY pyproject.toml README.md LICENSE mcp_server.py ./
COPY kernelspecs kernelspecs
COPY pwsh_kernels pwsh_kernels
RUN /opt/build/bin/hatchling build -t wheel -d /src/dist \
    && /opt/build/bin/uv pip install --quiet --offline --python /opt/pwsh-kernels --no-deps \
        /src/dist/*.whl \
    && /opt/build/bin/uv pip check --python /opt/pwsh-kernels

# PowerShell for an architecture without a wheel in vendor/: Microsoft's archive, by its SHA-256.
FROM base AS powershell
ARG TARGETARCH
ARG POWERSHELL_VERSION=7.5.4
ARG POWERSHELL_SHA256_AMD64=1fd7983fe56ca9e6233f126925edb24bf6b6b33e356b69996d925c4db94e2fef
ARG POWERSHELL_SHA256_ARM64=4b32d4cb86a43dfb83d5602d0294295bf22fafbf9e0785d1aaef81938cda92f8
COPY --from=build /src/engine.lock /src/
COPY deploy/container/fetch_powershell.py /src/
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    mkdir /opt/powershell \
    && { [ -s /src/engine.lock ] || python3 /src/fetch_powershell.py /opt/powershell; }

FROM base AS slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pwsh-kernels" \
      org.opencontainers.image.description="One signed-in PowerShell session per tenant and module" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/pwsh-kernels /opt/pwsh-kernels
COPY --from=powershell /opt/powershell /opt/powershell
COPY deploy/container/supervisor.py deploy/container/health_check.py /opt/container/
# PWSH_MANAGER_TOKEN_DIR is a folder, not a secret.
# hadolint ignore=DL3064
ENV PATH=/opt/pwsh-kernels/bin:$PATH:/opt/powershell \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data/state XDG_CONFIG_HOME=/data/state/config \
    JUPYTER_RUNTIME_DIR=/run/pwsh-kernels/runtime \
    JUPYTER_DATA_DIR=/run/pwsh-kernels/jupyter \
    JUPYTER_CONFIG_DIR=/run/pwsh-kernels/config \
    IPYTHONDIR=/run/pwsh-kernels/ipython \
    PWSH_MANAGER_HOST=0.0.0.0 PWSH_MANAGER_PORT=5100 \
    PWSH_MANAGER_DATA_DIR=/data/state PWSH_MANAGER_TOKEN_DIR=/data/tokens \
    POWERSHELL_TELEMETRY_OPTOUT=1 DOTNET_EnableDiagnostics=0
USER 10001:10001
WORKDIR /data/state
VOLUME ["/data/state", "/data/tokens"]
EXPOSE 5100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-I", "/opt/container/health_check.py"]
ENTRYPOINT ["tini", "--"]
CMD ["python3", "-I", "/opt/container/supervisor.py"]

# Exactly what modules.lock.toml in the build's folder names, from the gallery or, where there is a
# folder `packages`, from its .nupkg files.
FROM slim AS modules
COPY LICENSE modules.lock.tom[l] /src/
COPY LICENSE package[s] /src/packages/
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    if [ ! -f /src/modules.lock.toml ]; then \
        echo 'pwsh-kernels: The target full installs the modules of modules.lock.toml, and this' \
            'folder has no such file: docs/containers.md, "The targets", says how to get one.' >&2; \
        exit 1; \
    fi; \
    set -- --locked --lock /src/modules.lock.toml; \
    if [ -n "$(find /src/packages -name '*.nupkg')" ]; then set -- "$@" --from /src/packages; fi; \
    export PWSH_MANAGER_DATA_DIR=/tmp/modules; \
    pwsh-kernels modules install "$@" && chmod -R a+rX /tmp/modules

FROM slim AS full
COPY --from=modules --chown=0:0 /tmp/modules/modules /usr/local/share/powershell/Modules
COPY --from=modules --chown=0:0 /tmp/modules/modules.lock.toml /usr/local/share/pwsh-kernels/

# What is built when no target is named.
FROM slim
