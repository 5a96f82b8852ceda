"""Questions about code: completion, completeness, inspection and history, answered by the kernel's
PowerShell.
"""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from ipykernel.kernelbase import Kernel

from pwsh_kernels.errors import ProductError
from pwsh_kernels.kernel.engine import Engine
from pwsh_kernels.kernel.language import completeness, completion, expressions, history, inspection

Answer = TypeVar("Answer")


class LanguageServices(Kernel):
    """Kernel mixin. Every request gets a reply, an empty one if PowerShell could not be asked."""

    engine: Engine
    cells: history.History

    async def do_complete(self, code: str, cursor_pos: int | None) -> dict[str, Any]:
        """Complete at a cursor that counts code points (None: at the end)."""
        cursor = len(code) if cursor_pos is None else cursor_pos
        return await self._ask(
            _script("completion"),
            completion.parameters(code, cursor),
            lambda output: completion.answer(code, cursor, output),
            completion.no_matches(cursor),
        )

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        """Say whether the code is complete."""
        return await self._ask(
            _script("completeness"), {"Code": code}, completeness.answer, completeness.unknown()
        )

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, *_: Any
    ) -> dict[str, Any]:
        """Describe the command or variable at the cursor."""
        asked = inspection.parameters(code, cursor_pos, detail_level)
        return await self._ask(
            _script("inspection"), asked, inspection.answer, inspection.not_found()
        )

    async def do_history(self, /, *_: Any, **request: Any) -> dict[str, Any]:
        """Return cells of this kernel."""
        return history.answer(self.cells, request)

    async def evaluate(self, user_expressions: Mapping[str, str]) -> dict[str, Any]:
        """Return the value of each expression, errors in their own shape."""
        return {name: await self._expression(text) for name, text in user_expressions.items()}

    async def _expression(self, text: str) -> dict[str, Any]:
        try:
            return expressions.answer(
                await self.engine.query(_script("expressions"), {"Expression": text})
            )
        except (ProductError, TimeoutError) as error:
            return expressions.failure(type(error).__name__, str(error))

    async def _ask(
        self,
        script: str,
        parameters: Mapping[str, Any],
        read: Callable[[list[Any]], Answer],
        otherwise: Answer,
    ) -> Answer:
        try:
            return read(await self.engine.query(script, parameters))
        except (ProductError, TimeoutError) as error:
            logging.getLogger(__name__).warning(
                "PowerShell did not answer: %s", type(error).__name__
            )
        except Exception:
            logging.getLogger(__name__).exception("PowerShell's answer could not be read")
        return otherwise


@cache
def _script(name: str) -> str:
    files = resources.files(__package__) / "scripts"
    return files.joinpath(f"{name}.ps1").read_text(encoding="utf-8")
