"""The private names of jupyter_client that sessions need, under names of ours.

`tests/test_compat.py` fails when one of them goes.
"""

from jupyter_client.manager import KernelManager


def close_control_socket(kernel: KernelManager) -> None:
    """Close the socket through which a manager asks its kernel to end.

    jupyter_client closes it only when it ends the kernel; otherwise it would be left to the garbage
    collector.
    """
    kernel._close_control_socket()  # noqa: SLF001


def leave_connection_file(kernel: KernelManager) -> None:
    """Let the connection file outlive the manager.

    The manager's `__del__` removes a file that it believes it owns, and no option prevents that.
    """
    kernel._connection_file_written = False  # noqa: SLF001
