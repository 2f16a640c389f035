"""A wrapper that hides secrets in local variables and attributes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """A value hidden from tools that display traceback variables."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value. Do not assign the value to a local variable in code that may raise: tracebacks show it."""
        return self._value

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Secrets cannot be pickled.")


async def hidden(awaitable: Awaitable[T]) -> Secret[T]:
    """Await a secret and wrap it, because the repr of an asyncio task shows the result of the task."""
    return Secret(await awaitable)
