"""Every setting, in one typed table that feeds the code, `pwsh-kernels settings` and the
documentation.
"""

import json
import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

import platformdirs
from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SHORTEST_TOKEN = 32
"""Characters: what is shorter can be guessed, and whoever has the token is an administrator."""
LOWEST_USER, HIGHEST_USER, FEWEST_USERS = 1000, 2**31 - 1, 3
"""Numbers below belong to the system; two have a meaning of their own (docs/places.md).
"""
HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+)(?::\d{1,5})?")
SMALLEST_FILE_SIZE_MB = 2200
"""With a lower limit of file sizes .NET does not start: it reserves 2 GiB in a file of memory."""


def _setting(default: Any, env: str, unit: str, text: str, **limits: Any) -> Any:
    return Field(
        default=default,
        validation_alias=AliasChoices(env),
        description=text,
        json_schema_extra={"unit": unit},
        **limits,
    )


def _data_dir() -> Path:
    return platformdirs.user_data_path("pwsh-kernels", appauthor=False)


class Settings(BaseSettings):
    """All settings, read from the environment.

    Names without MANAGER are those of the predecessor, pwsh-manager.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = _setting(
        "127.0.0.1", "PWSH_MANAGER_HOST", "address", "Address the server listens on."
    )
    port: int = _setting(
        5100, "PWSH_MANAGER_PORT", "port", "Port the server listens on.", ge=0, le=65535
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = _setting(
        "INFO", "PWSH_MANAGER_LOG_LEVEL", "level", "How much the server logs."
    )
    debug: bool = _setting(
        False, "PWSH_MANAGER_DEBUG", "true/false", "Log everything, as level DEBUG does."
    )
    url: str = _setting(
        "http://localhost:5100",
        "PWSH_MANAGER_URL",
        "URL",
        "Where the CLI and mcp_server.py look for the server; by default on the port of"
        " PWSH_MANAGER_PORT.",
    )
    token: str = _setting(
        "",
        "PWSH_MANAGER_TOKEN",
        "text",
        "Token of the server and its clients, at least 32 characters; empty: the server generates"
        " one and clients find it.",
        repr=False,
    )
    token_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_TOKEN_FILE",
        "path",
        "File with that token, such as a container's secret; `PWSH_MANAGER_TOKEN` takes"
        " precedence.",
    )
    client_timeout: float = _setting(
        300,
        "PWSH_MANAGER_TIMEOUT",
        "seconds",
        "How long a client waits for one answer from the server.",
        gt=0,
    )
    autostart: bool = _setting(
        True,
        "PWSH_MANAGER_AUTOSTART",
        "true/false",
        "Let mcp_server.py start a server on this machine when none is running.",
    )
    pwsh: str = _setting(
        "", "PWSH_MANAGER_PWSH", "path", "PowerShell to run; empty: the first one found."
    )
    data_dir: Path = Field(
        default_factory=_data_dir,
        validation_alias=AliasChoices("PWSH_MANAGER_DATA_DIR"),
        description="Folder for session notes, long outputs, logs and installed modules.",
        json_schema_extra={"unit": "path"},
    )
    token_dir: Path | None = _setting(
        None,
        "PWSH_MANAGER_TOKEN_DIR",
        "path",
        "Folder of the sessions' HOMEs; empty: `homes` in the data folder.",
    )
    tenants_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_TENANTS",
        "path",
        "TOML file with tenants; empty: `tenants.toml` in the user's config folder, if it exists.",
    )
    principals_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_PRINCIPALS",
        "path",
        "TOML file with principals; empty: `principals.toml` in the user's config folder, if it"
        " exists.",
    )
    approval_wait: float = _setting(
        900,
        "PWSH_MANAGER_APPROVAL_WAIT",
        "seconds",
        "How long a change waits for a person's approval.",
        gt=0,
        le=86_400,
    )
    audit: Literal["on", "off", "required"] = _setting(
        "on",
        "PWSH_MANAGER_AUDIT",
        "on/off/required",
        "Record in the audit log who did what; what cannot be recorded is not run; required: no"
        " server without it.",
    )
    audit_dir: Path | None = _setting(
        None,
        "PWSH_MANAGER_AUDIT_DIR",
        "path",
        "Folder of the audit log; empty: `audit` in the data folder.",
    )
    audit_syslog: str = _setting(
        "",
        "PWSH_MANAGER_AUDIT_SYSLOG",
        "address",
        "Where the audit log's newest hash is told to every five minutes, so that a log that was"
        " written anew is noticed: a socket such as /dev/log, or HOST:PORT (UDP).",
    )
    metrics: bool = _setting(
        False,
        "PWSH_MANAGER_METRICS",
        "true/false",
        "Answer GET /metrics with counts for Prometheus, for tokens that may see the whole server.",
    )
    traces: bool = _setting(
        False,
        "PWSH_MANAGER_TRACES",
        "true/false",
        "Export OpenTelemetry traces over OTLP/HTTP, to where `OTEL_EXPORTER_OTLP_ENDPOINT` says.",
    )
    tenant_aliases: Annotated[dict[str, str], NoDecode] = _setting(
        {},
        "TENANT_ALIASES",
        "names",
        "Short names of tenants (alias=contoso.com,b=fabrikam.com, or a JSON object).",
    )
    sharepoint_tenants: Annotated[dict[str, str], NoDecode] = _setting(
        {},
        "SHAREPOINT_TENANTS",
        "names",
        "SharePoint host prefixes of tenants (contoso.com=contoso, or a JSON object); the tenants"
        " file takes precedence.",
    )
    modules_dir: Path | None = _setting(
        None,
        "PWSH_MANAGER_MODULES_DIR",
        "path",
        "Folder with your own service modules, one TOML file each; empty: only the built-in ones.",
    )
    machine_modules: bool = _setting(
        True,
        "PWSH_MANAGER_MACHINE_MODULES",
        "true/false",
        "Sessions also find the modules installed on this machine; false: only those of `modules"
        " install`.",
    )
    pass_env: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_PASS_ENV",
        "names",
        "Environment variables that sessions inherit besides those of the allow-list (a,b);"
        " DOTNET_* is on the list.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_ALLOWED_HOSTS",
        "names",
        "Extra `Host` names to accept, besides loopback, such as host.docker.internal (a,b).",
    )
    sandbox_peers: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_SANDBOX_PEERS",
        "networks",
        "Networks whose browsers may open the sandbox's sign-in page as this machine's do, such as"
        " 172.16.0.0/12 for a container's host (a,b).",
    )
    run_signed_out: bool = _setting(
        False,
        "PWSH_MANAGER_RUN_SIGNED_OUT",
        "true/false",
        "Allow commands in sessions that are not signed in.",
    )
    place: Literal["local", "kubernetes"] = _setting(
        "local",
        "PWSH_MANAGER_PLACE",
        "place",
        "Where sessions live, unless their tenant's entry names a place; local: this machine;"
        " kubernetes: a Pod each.",
    )
    confine: Literal["on", "off", "required"] = _setting(
        "on",
        "PWSH_MANAGER_CONFINE",
        "on/off/required",
        "Keep a session's PowerShell from other sessions' files, ports and processes, by Landlock;"
        " required: no session where this machine cannot do all of that.",
    )
    confine_folders: Annotated[tuple[Path, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_CONFINE_FOLDERS",
        "paths",
        "Folders that confined sessions may read and write besides their own (/a:/b).",
    )
    confine_ports: Annotated[tuple[int, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_CONFINE_PORTS",
        "ports",
        "TCP ports that confined sessions may connect to besides 443 and a proxy's (80,587).",
    )
    session_users: Annotated[tuple[int, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_SESSION_USERS",
        "users",
        "Range of user numbers, such as 70000-70999, from which each session gets one of its own,"
        " if the server may switch users; empty: all have the server's.",
    )
    session_memory_mb: int = _setting(
        4000,
        "PWSH_MANAGER_SESSION_MEMORY_MB",
        "MB",
        "Memory that a session's PowerShell may use with everything that it starts; a session that"
        " uses more is ended; 0: no limit.",
        ge=0,
    )
    session_open_files: int = _setting(
        4096,
        "PWSH_MANAGER_SESSION_OPEN_FILES",
        "files",
        "How many files and connections each process of a session may have open; 0: as many as the"
        " server's.",
        ge=0,
    )
    session_file_size_mb: int = _setting(
        10_000,
        "PWSH_MANAGER_SESSION_FILE_SIZE_MB",
        "MB",
        "Largest file that a session may write.",
        ge=SMALLEST_FILE_SIZE_MB,
    )
    session_processes: int = _setting(
        1024,
        "PWSH_MANAGER_SESSION_PROCESSES",
        "threads",
        "How many processes and threads a session may have, where it has a user or a cgroup of its"
        " own; 0: no limit.",
        ge=0,
    )
    kubernetes_image: str = _setting(
        "",
        "PWSH_MANAGER_KUBERNETES_IMAGE",
        "image",
        "Image of sessions' Pods, made of this Dockerfile; empty: no session lives on Kubernetes.",
    )
    kubernetes_namespace: str = _setting(
        "",
        "PWSH_MANAGER_KUBERNETES_NAMESPACE",
        "name",
        "Namespace of sessions' Pods, used by this server alone; empty: that of its service account"
        " or of KUBECONFIG.",
    )
    kubernetes_storage_class: str = _setting(
        "",
        "PWSH_MANAGER_KUBERNETES_STORAGE_CLASS",
        "name",
        "Storage class of the HOMEs of sessions' Pods; empty: the cluster's default.",
    )
    kubernetes_home_size: str = _setting(
        "1Gi",
        "PWSH_MANAGER_KUBERNETES_HOME_SIZE",
        "quantity",
        "Size of the claim that holds the HOME of a session's Pod.",
    )
    kubernetes_data_claim: str = _setting(
        "",
        "PWSH_MANAGER_KUBERNETES_DATA_CLAIM",
        "name",
        "Claim of the server's data folder, from which each Pod sees what is its session's own;"
        " empty: Pods have no history, no modules of `modules install` and no simulated tenants.",
    )
    kubernetes_requests: Annotated[dict[str, str], NoDecode] = _setting(
        {"cpu": "100m", "memory": "256Mi"},
        "PWSH_MANAGER_KUBERNETES_REQUESTS",
        "quantities",
        "What a session's Pod asks its node for (cpu=100m,memory=256Mi,exo.memory=512Mi: the last"
        " for one module).",
    )
    kubernetes_limits: Annotated[dict[str, str], NoDecode] = _setting(
        {"memory": "2Gi"},
        "PWSH_MANAGER_KUBERNETES_LIMITS",
        "quantities",
        "What a session's Pod may use at most, written likewise.",
    )
    kubernetes_start: float = _setting(
        180,
        "PWSH_MANAGER_KUBERNETES_START",
        "seconds",
        "How long a session's Pod may take until it is ready, with its image fetched.",
        gt=0,
    )
    kubernetes_node_wait: int = _setting(
        900,
        "PWSH_MANAGER_KUBERNETES_NODE_WAIT",
        "seconds",
        "How long a session waits for a node that is out of reach, before Kubernetes ends it.",
        ge=0,
    )
    restore: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_RESTORE",
        "names",
        "Sessions to open when the server starts, if they can sign in unattended"
        " (tenant:module,tenant:module).",
    )
    fan_out: int = _setting(
        6,
        "PWSH_MANAGER_FAN_OUT",
        "runs",
        "In how many tenants one call runs its command at the same time.",
        ge=1,
    )
    run_wait: float = _setting(
        45, "PWSH_MANAGER_RUN_WAIT", "seconds", "Default `wait_s` for /run.", ge=0
    )
    max_wait: float = _setting(
        290, "PWSH_MANAGER_MAX_WAIT", "seconds", "Longest `wait_s` that a call may request.", ge=0
    )
    login_wait: float = _setting(
        60,
        "PWSH_MANAGER_LOGIN_WAIT",
        "seconds",
        "How long /login waits for a code or for the sign-in to end.",
        gt=0,
    )
    auth: Literal["token", "oidc"] = _setting(
        "token",
        "PWSH_MANAGER_AUTH",
        "word",
        "How people sign in at the page: `token` (a code of `pwsh-kernels page`), or `oidc`: also"
        " through an OpenID provider.",
    )
    oidc_issuer: str = _setting(
        "", "PWSH_MANAGER_OIDC_ISSUER", "address", "The OpenID provider, as it names itself."
    )
    oidc_client_id: str = _setting(
        "", "PWSH_MANAGER_OIDC_CLIENT_ID", "name", "The server's name at the OpenID provider."
    )
    oidc_client_secret_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_OIDC_CLIENT_SECRET_FILE",
        "path",
        "File with the server's secret at the OpenID provider, if it has one.",
    )
    oidc_scopes: str = _setting(
        "openid profile email",
        "PWSH_MANAGER_OIDC_SCOPES",
        "words",
        "What the OpenID provider is asked to say of people.",
    )
    oidc_name_claim: str = _setting(
        "preferred_username",
        "PWSH_MANAGER_OIDC_NAME_CLAIM",
        "name",
        "Which claim of the ID token is a person's name.",
    )
    public_url: str = _setting(
        "",
        "PWSH_MANAGER_PUBLIC_URL",
        "address",
        "The server's own address as people's browsers know it, such as https://pwsh.contoso.com:"
        " for links in notifications, passkeys, and the way back from an OpenID provider. Empty: as"
        " the browser writes it; in notifications the address on this machine.",
    )
    notify_webhook: str = _setting(
        "",
        "PWSH_MANAGER_NOTIFY_WEBHOOK",
        "address",
        "Webhook that is told of approvals that wait; https, except on this machine.",
        repr=False,
    )
    notify_webhook_kind: Literal["json", "teams", "slack"] = _setting(
        "json",
        "PWSH_MANAGER_NOTIFY_WEBHOOK_KIND",
        "word",
        "What that webhook takes: `json` (docs/notifications.md), `teams` (an Adaptive Card for a"
        " workflow), `slack` (blocks).",
    )
    notify_webhook_secret_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_NOTIFY_WEBHOOK_SECRET_FILE",
        "path",
        "File with a secret in base64, with which each body is signed (standardwebhooks.com).",
    )
    notify_smtp_host: str = _setting(
        "",
        "PWSH_MANAGER_NOTIFY_SMTP_HOST",
        "name",
        "Mail server through which people are told of approvals that wait.",
    )
    notify_smtp_port: int = _setting(
        587,
        "PWSH_MANAGER_NOTIFY_SMTP_PORT",
        "port",
        "Its port: TLS from the beginning on 465, STARTTLS on others; neither is required on this"
        " machine.",
        ge=1,
        le=65535,
    )
    notify_smtp_from: str = _setting(
        "", "PWSH_MANAGER_NOTIFY_SMTP_FROM", "address", "Whom these mails are from."
    )
    notify_smtp_to: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "PWSH_MANAGER_NOTIFY_SMTP_TO",
        "addresses",
        "Who gets these mails (ada@contoso.com,bob@contoso.com).",
    )
    notify_smtp_user: str = _setting(
        "", "PWSH_MANAGER_NOTIFY_SMTP_USER", "name", "Who signs in at the mail server, if anybody."
    )
    notify_smtp_password_file: Path | None = _setting(
        None,
        "PWSH_MANAGER_NOTIFY_SMTP_PASSWORD_FILE",
        "path",
        "File with the password of that user.",
    )
    auth_timeout: float = _setting(
        900, "PWSH_AUTH_TIMEOUT", "seconds", "Longest time that a sign-in may stay pending.", gt=0
    )
    busy_sign_ins: int = _setting(
        4,
        "PWSH_MANAGER_BUSY_SIGN_INS",
        "sign-ins",
        "How many sign-ins of modules that keep the CPU busy while waiting for a person (pnp,"
        " azure, powerplatform) may wait at the same time.",
        ge=1,
    )
    input_timeout: float = _setting(
        900,
        "PWSH_MANAGER_INPUT_TIMEOUT",
        "seconds",
        "If nobody answers a prompt within this time, it is refused.",
        gt=0,
    )
    idle_timeout: float = _setting(
        86400,
        "PWSH_IDLE_TIMEOUT",
        "seconds",
        "An idle session is closed after this time; 0: never.",
        ge=0,
    )
    stuck_timeout: float = _setting(
        120,
        "PWSH_STUCK_TIMEOUT",
        "seconds",
        "A cancelled run that has not ended after this time marks its session as stuck.",
        gt=0,
    )
    watchdog_interval: float = _setting(
        30, "PWSH_WATCHDOG_INTERVAL", "seconds", "Pause between two checks by the watchdog.", gt=0
    )
    start_timeout: float = _setting(
        60,
        "PWSH_MANAGER_START_TIMEOUT",
        "seconds",
        "How long to wait for a session's kernel and PowerShell to start.",
        gt=0,
    )
    run_memory: int = _setting(
        1_000_000,
        "PWSH_MANAGER_RUN_MEMORY",
        "characters",
        "How much output of one run is kept in memory; the rest goes to a file.",
        ge=1000,
    )
    kept_objects: int = _setting(
        100_000,
        "PWSH_MANAGER_KEPT_OBJECTS",
        "objects",
        "How many output objects of one run its PowerShell keeps in memory for later queries; 0:"
        " none.",
        ge=0,
    )
    kept_objects_in_all: int = _setting(
        500_000,
        "PWSH_MANAGER_KEPT_OBJECTS_IN_ALL",
        "objects",
        "How many output objects a session's PowerShell keeps in all; those of the oldest runs are"
        " dropped first.",
        ge=0,
    )
    command_size: int = _setting(
        1_000_000,
        "PWSH_MANAGER_COMMAND_SIZE",
        "characters",
        "Longest command that is accepted, including its parameters.",
        ge=1,
    )
    command_shown: int = _setting(
        2000,
        "PWSH_MANAGER_COMMAND_SHOWN",
        "characters",
        "How much of each command the list of runs shows.",
        ge=1,
    )
    queued_runs: int = _setting(
        20,
        "PWSH_MANAGER_QUEUED_RUNS",
        "runs",
        "How many commands may wait for their turn in one session.",
        ge=1,
    )
    most_sessions: int = _setting(
        60,
        "PWSH_MANAGER_SESSIONS",
        "sessions",
        "How many sessions may exist at the same time; each needs about 150 MB of memory.",
        ge=1,
    )
    most_kernels: int = _setting(
        20,
        "PWSH_MANAGER_KERNELS",
        "kernels",
        "How many other kernels, started by notebooks, may exist at the same time.",
        ge=0,
    )
    output_on_disk: int = _setting(
        5_000_000_000,
        "PWSH_MANAGER_OUTPUT_ON_DISK",
        "bytes",
        "How much output of all runs is kept in files; anything beyond is counted and dropped.",
        ge=0,
    )
    kernel_log: int = _setting(
        1_000_000,
        "PWSH_MANAGER_KERNEL_LOG",
        "bytes",
        "Size at which the log of a session's kernel is rotated; two older files are kept.",
        ge=1000,
    )
    connections: int = _setting(
        500,
        "PWSH_MANAGER_CONNECTIONS",
        "connections",
        "How many connections the server keeps open at the same time.",
        ge=1,
    )
    request_time: float = _setting(
        60,
        "PWSH_MANAGER_REQUEST_TIME",
        "seconds",
        "How long a request's headers, and then its body, may take to arrive.",
        gt=0,
    )
    runs_kept: int = _setting(
        200, "PWSH_MANAGER_RUNS_KEPT", "runs", "How many ended runs are remembered.", ge=1
    )
    runs_max_age: float = _setting(
        86400,
        "PWSH_MANAGER_RUNS_MAX_AGE",
        "seconds",
        "An ended run is forgotten after this time.",
        gt=0,
    )

    @model_validator(mode="before")
    @classmethod
    def _look_where_we_listen(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Without an address, clients look on the port that the server is given; 0 is none."""
        port = str(given.get("PWSH_MANAGER_PORT", "0"))
        named = {} if port == "0" else {"PWSH_MANAGER_URL": f"http://localhost:{port}"}
        return {**named, **given}

    @model_validator(mode="after")
    def _names_the_provider(self) -> "Settings":
        if self.auth == "token":
            return self
        if not self.oidc_issuer or not self.oidc_client_id:
            raise ValueError(
                "PWSH_MANAGER_AUTH=oidc needs PWSH_MANAGER_OIDC_ISSUER and _OIDC_CLIENT_ID"
            )
        if not _is_encrypted_or_local(self.oidc_issuer):
            raise ValueError("PWSH_MANAGER_OIDC_ISSUER must begin with https://")
        return self

    @model_validator(mode="after")
    def _knows_whom_to_mail(self) -> "Settings":
        if self.notify_smtp_host and not (self.notify_smtp_from and self.notify_smtp_to):
            raise ValueError(
                "PWSH_MANAGER_NOTIFY_SMTP_HOST needs PWSH_MANAGER_NOTIFY_SMTP_FROM and _SMTP_TO"
            )
        return self

    @field_validator("public_url", "notify_webhook")
    @classmethod
    def _encrypted_or_on_this_machine(cls, address: str) -> str:
        if address and not _is_encrypted_or_local(address):
            raise ValueError("write an address that begins with https://, or http:// on loopback")
        return address

    @field_validator("public_url")
    @classmethod
    def _without_a_slash(cls, address: str) -> str:
        return address.rstrip("/")

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: str) -> str:
        if token and len(token) < SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
        return token

    @field_validator(
        "pass_env", "restore", "allowed_hosts", "sandbox_peers", "notify_smtp_to", mode="before"
    )
    @classmethod
    def _split_names(cls, value: object) -> object:
        return (
            tuple(name.strip() for name in value.split(",") if name.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("confine_ports", mode="before")
    @classmethod
    def _split_ports(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("audit_syslog")
    @classmethod
    def _path_or_host(cls, value: str) -> str:
        if value and not value.startswith("/") and not HOST_AND_PORT.fullmatch(value):
            raise ValueError("write the path of a socket, or HOST:PORT")
        return value

    @field_validator("session_users", mode="before")
    @classmethod
    def _split_range(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        first, _, last = value.partition("-")
        return int(first), int(last)

    @field_validator("session_users")
    @classmethod
    def _range_of_users(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        long_enough = value and value[-1] - value[0] + 1 >= FEWEST_USERS
        if value and not (long_enough and value[0] >= LOWEST_USER and value[-1] < HIGHEST_USER):
            raise ValueError(
                f"write FIRST-LAST, at least {FEWEST_USERS} numbers from {LOWEST_USER} on"
            )
        return value

    @field_validator("confine_folders", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @field_validator(
        "tenant_aliases",
        "sharepoint_tenants",
        "kubernetes_requests",
        "kubernetes_limits",
        mode="before",
    )
    @classmethod
    def _split_pairs(cls, value: object) -> object:
        return _pairs(value) if isinstance(value, str) else value

    @property
    def tenants_path(self) -> Path:
        """The tenants file, also while there is none yet; only one that `tenants_file` names must
        exist.
        """
        return (
            self.tenants_file
            or platformdirs.user_config_path("pwsh-kernels", appauthor=False) / "tenants.toml"
        )

    @property
    def principals_path(self) -> Path:
        """The principals file, also while there is none yet; only one that `principals_file` names
        must exist.
        """
        return (
            self.principals_file
            or platformdirs.user_config_path("pwsh-kernels", appauthor=False) / "principals.toml"
        )

    def oidc_secret(self) -> str | None:
        """Return the server's secret at the OpenID provider. Raises OSError."""
        file = self.oidc_client_secret_file
        return file.read_text(encoding="utf-8").strip() if file else None

    @property
    def audit_folder(self) -> Path:
        """Folder of the audit log."""
        return self.audit_dir or self.data_dir / "audit"

    @property
    def homes(self) -> Path:
        """Folder that holds one HOME per tenant and module."""
        return self.token_dir or self.data_dir / "homes"


def _is_encrypted_or_local(address: str) -> bool:
    """Return whether nobody on the way can read what is sent to an address."""
    parts = urlsplit(address)
    try:
        parts.port  # noqa: B018 - it is read only now
    except ValueError:
        return False
    loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or loopback)


def _pairs(text: str) -> object:
    """Return the names and values of `a=b,c=d` or of a JSON object."""
    if text.lstrip().startswith("{"):
        return json.loads(text)
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and value.strip() for name, _, value in pairs):
        raise ValueError("write name=value,name=value or a JSON object")
    return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row of the table that people read."""

    env: str
    default: str
    unit: str
    text: str


def setting_rows() -> list[SettingRow]:
    """Return every setting with its environment name, default, unit and one line of help, in the
    table's order.
    """
    return [_row(name) for name in Settings.model_fields]


def _row(name: str) -> SettingRow:
    field = Settings.model_fields[name]
    env = str(cast(AliasChoices, field.validation_alias).choices[0])
    unit = str(cast(dict[str, object], field.json_schema_extra)["unit"])
    default = "per-user data folder" if field.default_factory else _plain(field.default)
    return SettingRow(env, default, unit, field.description or "")


def _plain(value: object) -> str:
    if value is None or value in ((), {}):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
