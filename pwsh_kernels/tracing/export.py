"""Whether spans are exported, and by what: OpenTelemetry is loaded only where they are."""

from typing import TYPE_CHECKING

from pwsh_kernels.errors import InvalidSetting
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.tracing.otlp import Exporter

NOT_INSTALLED = "needs `pip install 'pwsh-kernels[otel]'` in the environment of the server"


def exporter(settings: Settings) -> "Exporter | None":
    """Return what exports spans; None where traces are off. Raises InvalidSetting."""
    if not settings.traces:
        return None
    try:
        from pwsh_kernels.tracing.otlp import Exporter  # noqa: PLC0415 - optional
    except ModuleNotFoundError as missing:
        raise InvalidSetting("PWSH_MANAGER_TRACES", NOT_INSTALLED) from missing
    return Exporter()
