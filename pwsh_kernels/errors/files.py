"""Files and folders that cannot be read, written or trusted."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class UnsafeFolder(ProductError):
    """A folder that would hold sign-ins is open to other users."""

    code: ClassVar[str] = "unsafe_folder"
    status: ClassVar[int] = 500
    folder: str

    def text(self) -> str:
        return (
            f"{self.folder} is open to other users, so no sign-in is kept there. Run `chmod 700"
            f" {self.folder}`."
        )


@dataclass(eq=False)
class BrokenFile(ProductError):
    """A file that the product reads at startup (catalog, tenants) is malformed."""

    code: ClassVar[str] = "broken_file"
    file: str
    problem: str
    line: int | None = None

    def text(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.problem}. Correct the file and start again."


@dataclass(eq=False)
class FileNotWritten(ProductError):
    """A requested file cannot be written."""

    code: ClassVar[str] = "file_not_written"
    file: str
    problem: str

    def text(self) -> str:
        return f"{self.file} was not written: {self.problem}."


@dataclass(eq=False)
class UndecodableScript(ProductError):
    """The bytes of a script are not text that PowerShell could read: nothing was run."""

    code: ClassVar[str] = "undecodable_script"
    status: ClassVar[int] = 400
    source: str
    looks_like: str
    """Their likely encoding, as iconv calls it; "": they do not look like text."""
    line: int | None = None

    def text(self) -> str:
        place = f"{self.source}, line {self.line}" if self.line else self.source
        if not self.looks_like:
            return f"{place}: this is not text in UTF-8, UTF-16 or UTF-32. Nothing was run."
        return (
            f"{place}: this is not UTF-8, and there is no byte order mark. It looks like"
            f" {self.looks_like}: `iconv -f {self.looks_like} -t UTF-8` converts it. Nothing was"
            " run."
        )


@dataclass(eq=False)
class FolderNotWritable(ProductError):
    """A folder for the product's files cannot be created or written."""

    code: ClassVar[str] = "folder_not_writable"
    status: ClassVar[int] = 500
    folder: str
    problem: str

    def text(self) -> str:
        return (
            f"{self.folder} cannot be written: {self.problem}. Make it writable for the server's"
            " user, or name another folder in PWSH_MANAGER_DATA_DIR."
        )
