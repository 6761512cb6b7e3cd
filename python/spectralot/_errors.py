"""What can go wrong besides bad input (which is a ValueError)."""

from __future__ import annotations

from typing import Any

__all__ = ["Interrupted", "NotSolved"]


class NotSolved(RuntimeError):
    """A certified answer was demanded and the certificate did not close.

    Attributes
    ----------
    result
        The best result reached, with its honest bracket.
    """

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a computation.

    Attributes
    ----------
    result
        The best result reached so far (a `TransportResult` or a `Trajectory`), or None if there is none yet.
    """

    def __init__(self, message: str = "interrupted", result: Any = None) -> None:
        super().__init__(message)
        self.result = result


NotSolved.__module__ = Interrupted.__module__ = "spectralot"
