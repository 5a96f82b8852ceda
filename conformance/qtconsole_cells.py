"""What `jupyter qtconsole --kernel pwsh` shows, without a screen: runs each argument as a cell,
prints the console's text.

A cell that asks something gets the answer that stands behind a tab in its argument.
"""

import sys
from collections.abc import Callable

from qtconsole.manager import QtKernelManager
from qtconsole.rich_jupyter_widget import RichJupyterWidget
from qtpy import QtCore, QtTest, QtWidgets

CELL_WAIT_MS = 60_000
LOOK_MS = 20


class Console:
    """A console on a kernel of its own."""

    def __init__(self) -> None:
        self.manager = QtKernelManager(kernel_name="pwsh")
        self.manager.start_kernel()
        self.widget = RichJupyterWidget()
        self.widget.kernel_manager = self.manager
        client = self.manager.client()
        client.start_channels()
        self.widget.kernel_client = client
        self.done = False
        self.widget.executed.connect(self._finished)
        self.widget.show()
        self.wait_for(lambda: "In [" in self.text)

    @property
    def text(self) -> str:
        """All that the console shows."""
        return str(self.widget._control.toPlainText())

    def wait_for(self, seen: Callable[[], bool]) -> None:
        """Let Qt work until something is seen."""
        deadline = QtCore.QDeadlineTimer(CELL_WAIT_MS)
        while not seen():
            if deadline.hasExpired():
                raise TimeoutError(self.text)
            QtTest.QTest.qWait(LOOK_MS)

    def run(self, cell: str, answer: str) -> None:
        """Run a cell to its end."""
        self.done = False
        self.widget.execute(cell)
        if answer:
            # The console tells nobody of its prompt.
            self.wait_for(lambda: bool(self.widget._reading))
            self._type(answer)
        self.wait_for(lambda: self.done)

    def _finished(self, _: object) -> None:
        self.done = True

    def _type(self, answer: str) -> None:
        QtTest.QTest.keyClicks(self.widget._control, answer)
        QtTest.QTest.keyClick(self.widget._control, QtCore.Qt.Key.Key_Return)

    def close(self) -> None:
        """End the kernel."""
        self.widget.kernel_client.stop_channels()
        self.manager.shutdown_kernel(now=False)


def main() -> None:
    """Run the cells and print what is shown."""
    application = QtWidgets.QApplication(sys.argv[:1])
    console = Console()
    for cell in sys.argv[1:]:
        code, _, answer = cell.partition("\t")
        console.run(code, answer)
    sys.stdout.write(console.text)
    console.close()
    application.quit()


if __name__ == "__main__":
    main()
