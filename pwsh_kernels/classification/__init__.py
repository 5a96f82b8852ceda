"""What a PowerShell text does, judged without running it: it reads, writes, destroys, or nobody can
tell.
"""

from pwsh_kernels.classification.carrying import Uncarried
from pwsh_kernels.classification.classes import (
    MOST_REASONS,
    Class,
    Classification,
    Found,
    Reason,
)
from pwsh_kernels.classification.classifier import Classifier
from pwsh_kernels.classification.preview_plan import Plan

__all__ = [
    "MOST_REASONS",
    "Class",
    "Classification",
    "Classifier",
    "Found",
    "Plan",
    "Reason",
    "Uncarried",
]
