"""Signals that end the command, after its temporary files are removed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Terminated(BaseException):
    """Raised when a signal asks the process to end.

    Parameters
    ----------
    number : int
        Number of the signal.
    kept : str
        Words for the output that is kept, or none.
    """

    def __init__(self, number: int, kept: str = "") -> None:
        super().__init__(number, kept)
        self.number, self.kept = number, kept

    def __str__(self) -> str:
        return signal.Signals(self.number).name


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise KeyboardInterrupt or :class:`Terminated` where a signal would end the process at once.

    Signals that are ignored (``nohup``) or have handlers of other code are left alone. A second signal
    of the same kind ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # set by anisoap_e3nn_command
        signal.signal(signal.SIGINT, signal.default_int_handler)
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def telling(kept: Callable[[], str]) -> Iterator[None]:
    """Tell what output is kept if a signal ends the command; without it, nothing is written.

    Parameters
    ----------
    kept : function
        Words for what is kept when the signal comes, and how it is continued. They follow a comma.
    """
    try:
        yield
    except KeyboardInterrupt as end:
        raise KeyboardInterrupt(kept()) from end
    except Terminated as end:
        raise Terminated(end.number, kept()) from end


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Terminated(number)
