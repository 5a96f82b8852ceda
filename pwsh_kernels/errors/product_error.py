"""The base class of every error: a stable code, an HTTP status, its facts, and a sentence that says
what to do.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class ProductError(Exception):
    """Base of all our errors.

    Subclasses are dataclasses: their fields are the facts, `text()` is made from them.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def text(self) -> str:
        """Return the sentence for a person or a model: what happened and what to do next."""
        return "Something went wrong inside pwsh-kernels; the server's log has the traceback."

    def facts(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_json(self) -> dict[str, Any]:
        """Return the common shape of all errors."""
        return {"success": False, "error": self.text(), "code": self.code, **self.facts()}

    def __str__(self) -> str:
        return self.text()
