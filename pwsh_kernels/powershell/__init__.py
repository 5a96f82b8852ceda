"""PowerShell as an async Python object: find it, open it, run scripts, stream their events, answer
prompts, stop, close.
"""

from pwsh_kernels.powershell.events import (
    ConsoleText,
    Died,
    Displayed,
    Event,
    Finished,
    HostText,
    ProgressChanged,
    PromptAsked,
    RecordWritten,
    StyleChanged,
    Text,
    ViewWritten,
)
from pwsh_kernels.powershell.host.finder import FoundPowerShell, find_powershell
from pwsh_kernels.powershell.host.launch import MAX_KEPT, MAX_KEPT_IN_ALL, Launch
from pwsh_kernels.powershell.pipeline import Pipeline
from pwsh_kernels.powershell.shell import PowerShell

__all__ = [
    "MAX_KEPT",
    "MAX_KEPT_IN_ALL",
    "ConsoleText",
    "Died",
    "Displayed",
    "Event",
    "Finished",
    "FoundPowerShell",
    "HostText",
    "Launch",
    "Pipeline",
    "PowerShell",
    "ProgressChanged",
    "PromptAsked",
    "RecordWritten",
    "StyleChanged",
    "Text",
    "ViewWritten",
    "find_powershell",
]
