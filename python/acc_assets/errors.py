"""The exceptions. All of them pickle, hold plain data only, and say what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    from .results import BulkResult
    from .setup import SetupResult
    from .tables import AssetTable

__all__ = [
    "AccError",
    "ApiError",
    "AuthError",
    "BadRequestError",
    "BulkError",
    "BulkInterrupted",
    "ConflictError",
    "DataWarning",
    "ForbiddenError",
    "InputError",
    "JournalError",
    "NotFoundError",
    "OptionError",
    "PayloadTooLargeError",
    "RateLimitError",
    "ReadInterrupted",
    "ServerError",
    "SetupError",
    "TransportError",
    "UnauthorizedError",
    "UnsupportedMediaTypeError",
]


def _rebuild(cls: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class _Plain(BaseException):
    """Pickles by its attributes, whatever its `__init__` takes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class AccError(_Plain, Exception):
    """What every error of this package is, except `BulkInterrupted` and `ReadInterrupted`.

    Attributes:
        result: the `BulkResult` of the write that was under way, or None.
        partial: what `list`, `get` or `search` had read, as an `AssetTable`, or None. The same call with `after=error`
            reads the rest.

    Example:
        >>> import acc_assets
        >>> try:
        ...     acc_assets.Client("my-token", prefix="construct")
        ... except acc_assets.AccError as error:
        ...     print(error)
        prefix="construct" is not known; did you mean "construction"? It takes "construction" or "bim360".
    """

    result: BulkResult | None = None
    partial: AssetTable | None = None
    # Whether the text was made of lines that are fit to be shown.
    _has_lines: bool = False

    def __str__(self) -> str:
        text = super().__str__()
        return text if self._has_lines else _core.shown(text)


class OptionError(AccError, ValueError):
    """An argument is not one the call can take; nothing was sent."""


class InputError(AccError, ValueError):
    """The data as a whole cannot be read as rows; nothing was sent. Single bad rows are `invalid` outcomes instead."""


class JournalError(AccError):
    """The file of a named run cannot be used: it cannot be written, is damaged, or another process drives the run.
    What is not written down there is not sent.
    """


class AuthError(AccError):
    """There is no usable token."""


class TransportError(AccError):
    """A request got no complete response.

    Attributes:
        sent: "no" (the service cannot have seen it), "maybe", or "answered" (the response is larger than
            `max_response_bytes`).
        status: the HTTP status of a response that broke off or is too large, or None where none arrived.
        request_id: its request id, or None.
        body: its first 64 kB, as text.
        headers: its headers that help support, as in `ApiError`.
    """

    def __init__(
        self,
        message: str,
        *,
        sent: str = "maybe",
        status: int | None = None,
        request_id: str | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.sent = sent
        self.status = status
        self.request_id = request_id
        self.body = body
        self.headers = dict(headers or {})


class ApiError(AccError):
    """The service refused a request; there is one subclass a status.

    Attributes:
        status: the HTTP status.
        code: the service's error code, or None.
        message: what happened in full, as `str(error)`: what the service said, and what to do next where that is known.
        errors: what it said of single rows and fields: dicts with index, id, field, code, title, message, metadata.
        request_id: the request id to give to Autodesk's support, or None.
        body: the response as text, at most 4 MiB of it.
        metadata: what the service said beside its message (`errorMetadata`), or None: for a 409, what the request is
            in conflict with.
        headers: the headers `x-ads-*`, `x-request-id`, `ratelimit-*`, `date` and `retry-after`, with names in lower
            case.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        request_id: str | None = None,
        body: str = "",
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.errors = [dict(error) for error in errors]
        self.request_id = request_id
        self.body = body
        self.metadata = None if metadata is None else dict(metadata)
        self.headers = dict(headers or {})


class BadRequestError(ApiError):
    """HTTP 400: the request, or a row in it, is not valid."""


class UnauthorizedError(ApiError, AuthError):
    """HTTP 401: the token is not valid, or no longer."""


class ForbiddenError(ApiError):
    """HTTP 403: the user behind the token may not do this."""


class NotFoundError(ApiError):
    """HTTP 404: there is no such project, or the user cannot see it."""


class ConflictError(ApiError):
    """HTTP 409: the request is at odds with what is there."""


class PayloadTooLargeError(ApiError):
    """HTTP 413: the request was too large."""


class UnsupportedMediaTypeError(ApiError):
    """HTTP 415: something between this machine and the service changed the content type."""


class RateLimitError(ApiError):
    """HTTP 429, again and again: others use up the rate limit of this user.

    Attributes:
        retry_after: seconds the service asked to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        request_id: str | None = None,
        body: str = "",
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            code=code,
            errors=errors,
            request_id=request_id,
            body=body,
            metadata=metadata,
            headers=headers,
        )
        self.retry_after = retry_after


class ServerError(ApiError):
    """HTTP 5xx: the service failed. Whether it did what was asked is then told row by row."""


class BulkError(AccError):
    """A write with `on_error="raise"` or `"stop"` has rows that are not ok.

    Attributes:
        result: the `BulkResult`, with a verdict for every row.
    """

    _has_lines = True

    def __init__(self, result: BulkResult) -> None:
        super().__init__(repr(result))
        self.result = result


class BulkInterrupted(_Plain, KeyboardInterrupt):
    """Ctrl-C during a write. Not an `AccError`: `except Exception` lets it pass, as any Ctrl-C.

    Attributes:
        result: the `BulkResult`, with a verdict for every row.
    """

    def __init__(self, result: BulkResult) -> None:
        super().__init__(repr(result))
        self.result = result


class ReadInterrupted(_Plain, KeyboardInterrupt):
    """Ctrl-C during `list`, `get` or `search`. Not an `AccError`: `except Exception` lets it pass, as any Ctrl-C.

    Attributes:
        partial: what was read, as an `AssetTable`, or None. The same call with `after=error` reads the rest.
    """

    def __init__(self, partial: AssetTable | None) -> None:
        super().__init__(repr(partial))
        self.partial = partial


class SetupError(AccError):
    """Something of a set-up could not be made. What was made stays; applying it again makes the rest.

    Attributes:
        applied: the `SetupResult`, with a status for every step.
    """

    _has_lines = True

    def __init__(self, applied: SetupResult) -> None:
        super().__init__(repr(applied))
        self.applied = applied


class DataWarning(UserWarning):
    """The data can be sent, but looks as if it lost something on its way here (leading zeros, say)."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    415: UnsupportedMediaTypeError,
    429: RateLimitError,
}


def api_error(
    status: int,
    code: str | None,
    message: str,
    errors: Sequence[Mapping[str, Any]],
    request_id: str | None,
    body: str,
    retry_after: float | None = None,
    metadata: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiError:
    """The `ApiError` of this status. The core calls it."""
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)
    error = kind(
        message,
        status=status,
        code=code,
        errors=errors,
        request_id=request_id,
        body=body,
        metadata=metadata,
        headers=headers,
    )
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after
    return error


def of_lines(text: str) -> InputError:
    """An `InputError` of several lines, each fit to be shown. The core calls it too."""
    error = InputError(text)
    error._has_lines = True
    return error


def transport_error(
    message: str,
    sent: str,
    status: int | None = None,
    request_id: str | None = None,
    body: str = "",
    headers: Mapping[str, str] | None = None,
) -> TransportError:
    """A `TransportError`. The core calls it."""
    return TransportError(
        message, sent=sent, status=status, request_id=request_id, body=body, headers=headers
    )


def auth_error(message: str) -> AuthError:
    """An `AuthError`. The core calls it."""
    return AuthError(message)
