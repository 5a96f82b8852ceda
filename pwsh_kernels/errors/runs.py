"""Unknown runs, and refused answers to their questions."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class UnknownRun(ProductError):
    """No run has that id: it never existed, or it is older than what is kept."""

    code: ClassVar[str] = "unknown_run"
    status: ClassVar[int] = 404
    run_id: str

    def text(self) -> str:
        return f"No run {self.run_id!r}. GET /runs lists those that are kept."


@dataclass(eq=False)
class ConnectionUnchecked(ProductError):
    """A cell came after a change of the connection, before the check of who is signed in."""

    code: ClassVar[str] = "connection_unchecked"
    status: ClassVar[int] = 409

    def text(self) -> str:
        return (
            "An earlier cell or command changed the module's connection. This one was not run: the"
            " server is checking who is signed in now. Look at the session, then run it again."
        )


@dataclass(eq=False)
class RunNotWaiting(ProductError):
    """Input was sent to a run that asks for none."""

    code: ClassVar[str] = "run_not_waiting"
    status: ClassVar[int] = 409
    run_id: str
    state: str

    def text(self) -> str:
        return f"Run {self.run_id} is {self.state} and asks for no input."


@dataclass(eq=False)
class AnswerOfAnother(ProductError):
    """Somebody who did not start a run tried to answer its question."""

    code: ClassVar[str] = "answer_of_another"
    status: ClassVar[int] = 403
    run_id: str
    asker: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} is waiting for an answer from {self.asker}, who started it. To"
            ' answer on purpose in their place, a person adds "for_other": true or runs'
            f" `pwsh-kernels follow {self.run_id}` in a terminal."
        )


@dataclass(eq=False)
class AnswerNotUsable(ProductError):
    """An answer does not fit the run's question.

    The answer itself is not among the facts: it may be a secret.
    """

    code: ClassVar[str] = "answer_not_usable"
    status: ClassVar[int] = 400
    run_id: str
    wanted: str

    def text(self) -> str:
        return (
            f"That does not answer run {self.run_id}, which is waiting. It expects {self.wanted}."
        )


@dataclass(eq=False)
class SecretNotTaken(ProductError):
    """A secret would have to pass through a model."""

    code: ClassVar[str] = "secret_not_taken"
    status: ClassVar[int] = 403
    run_id: str
    question: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} asks for a secret ({self.question}), which must not pass through"
            f" here. Ask the person to run `pwsh-kernels follow {self.run_id}` in a terminal, or to"
            " answer in the notebook whose cell it is."
        )


@dataclass(eq=False)
class PromptRefused(ProductError):
    """A script's prompt got no answer; the script sees this as an error."""

    code: ClassVar[str] = "prompt_refused"
    status: ClassVar[int] = 409
    question: str
    reason: str

    def text(self) -> str:
        return f"The script asked for input ({self.question}) and got none: {self.reason}."
