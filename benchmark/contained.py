"""Code of others: whatever it raises becomes an error of ours, and ends nothing but itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from imbench.errors import ImbenchError, OutOfTime, UsageError
from imbench.safe_text import visible

__all__ = ["Fault", "contained", "described", "subclass_fault", "usable", "user_interrupts"]

LONGEST = 500
"""Characters of a reason."""


class Fault(Exception):
    """What code of others raised; the text is what can be said of it."""


@contextmanager
def contained(*passed: type[BaseException]) -> Iterator[None]:
    """Raise Fault for whatever code in the block raises, exits and its own interrupts included.

    Ctrl-C of the user, the alarm of a time limit and exceptions of the types `passed` go through.
    """
    going_through: tuple[type[BaseException], ...] = (OutOfTime, *passed)
    with user_interrupts() as pressed:
        try:
            yield
        except going_through:
            raise
        except BaseException as error:
            if pressed:
                raise KeyboardInterrupt from error
            raise Fault(described(error)) from error


@contextmanager
def usable(what: str) -> Iterator[None]:
    """Raise UsageError for whatever code of others in the block raises: `what`, and the reason.

    Errors of ours and a lack of memory go through.
    """
    try:
        with contained(ImbenchError, MemoryError):
            yield
    except Fault as fault:
        raise UsageError(f"{what}: {fault}") from fault


def subclass_fault(plugin: object, base: type, *methods: str) -> str | None:
    """Return why an object is no subclass of ours that has methods of its own; None if it is."""
    if not (isinstance(plugin, type) and issubclass(plugin, base)):
        return f"it is not a subclass of imbench.{base.__name__}"
    lacking = (name for name in methods if getattr(plugin, name) is getattr(base, name))
    return next((f"it has no method {name}()" for name in lacking), None)


def described(error: BaseException) -> str:
    """Return the type and the message of an exception, as far as they can be told, on one line."""
    try:
        text = " ".join(str(error).split()) or "no message"
    except BaseException as fault:  # its own code runs here too
        text = f"its message cannot be printed ({type(fault).__name__})"
    return visible(f"{type(error).__name__}: {text}"[:LONGEST])


@contextmanager
def user_interrupts() -> Iterator[list[int]]:
    """Note each Ctrl-C of the user: a KeyboardInterrupt without one is the code's own."""
    pressed: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield pressed  # no signal is handled in this thread, or none at all
        return
    ring = handler

    def note(signum: int, frame: FrameType | None) -> None:
        try:
            ring(signum, frame)
        except KeyboardInterrupt:
            pressed.append(signum)
            raise

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, handler)
