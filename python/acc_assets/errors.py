"""Exceptions. Every exception can be pickled, and its message says what to do next."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from errno import ENAMETOOLONG
from typing import TYPE_CHECKING, Any

from . import _core
from ._json import Json, JsonObject

if TYPE_CHECKING:
    # The only upward imports, because an error contains the result of its call. They are for type checkers only.
    from ._related import RelationshipTable
    from ._results import Outcomes
    from ._setup import SetupResult
    from ._tables import AssetTable

__all__ = [
    "AccError",
    "ApiError",
    "AuthError",
    "BadRequestError",
    "BulkError",
    "BulkInterrupted",
    "ConflictError",
    "ConnectError",
    "DataWarning",
    "FileError",
    "ForbiddenError",
    "InputError",
    "JournalError",
    "NotFoundError",
    "OptionError",
    "PayloadTooLargeError",
    "RateLimitError",
    "ReadInterrupted",
    "RequestTimeout",
    "ServerError",
    "SetupError",
    "TransportError",
    "UnauthorizedError",
    "UnsupportedMediaTypeError",
]


def _rebuild(cls: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    # If a class has several built-in bases, only the base with its own C-level fields can create the object.
    base = OSError if issubclass(cls, OSError) else cls
    error = base.__new__(cls, *args)
    # An OSError takes its arguments in __init__.
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


class _Plain(BaseException):
    """Base class of exceptions that are pickled by their attributes, regardless of their `__init__`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class AccError(_Plain, Exception):
    """Base class of all exceptions in this package, except `BulkInterrupted` and `ReadInterrupted`.

    Attributes:
        result: The `BulkResult` of the write that raised the exception, or None.
        partial: The rows that `list`, `get` or `search` read before the failure, as an `AssetTable` or
            `RelationshipTable`, or None. Repeat the call with `after=error` to read the rest.

    Example:
        >>> try:
        ...     acc_assets.Client("my-token", prefix="construct")
        ... except acc_assets.AccError as error:
        ...     print(error)
        prefix must be "construction" or "bim360", not 'construct'. Did you mean "construction"?
    """

    result: Outcomes | None = None
    partial: AssetTable | RelationshipTable | None = None
    # Whether the message has several lines, which are already escaped.
    _has_lines: bool = False
    # The last line of the message of an exception that ended a write: what is done, and how to continue.
    _how_to_continue: str | None = None

    def __str__(self) -> str:
        # An OSError would show its errno and filename, which the message already contains.
        text = BaseException.__str__(self)
        text = text if self._has_lines else _core.shown(text)
        return text if self._how_to_continue is None else f"{text}\n{self._how_to_continue}"


class OptionError(AccError, ValueError):
    """An argument is invalid, or the call is not possible, such as a call of a closed client. Nothing was sent."""


class InputError(AccError, ValueError):
    """The data as a whole cannot be read as rows, differs from the data of the call being resumed, or is not a valid
    setup.

    In a write, individual bad rows are `invalid` outcomes instead. `Report.raise_if_failed` raises InputError for bad rows.

    Usually, nothing was sent. If some rows were already sent, `result` contains the outcomes.
    """


class FileError(InputError, OSError):
    """A file cannot be read or written.

    Attributes:
        filename: The file path, or None.
        errno: The `errno` of the underlying `OSError`, or None.
        strerror: The operating system's message for `errno`, or None.
    """

    def __init__(self, message: str, filename: str | None = None, errno: int | None = None) -> None:
        super().__init__(message)
        self.filename = filename
        self.errno = errno
        self.strerror = None if errno is None else os.strerror(errno)

    def __reduce__(self) -> tuple[Any, ...]:
        # These three are not in the __dict__.
        system = {"filename": self.filename, "errno": self.errno, "strerror": self.strerror}
        return _rebuild, (type(self), self.args, self.__dict__ | system)

    @classmethod
    def of(cls, path: str | os.PathLike[str] | None, error: OSError, *, writing: bool = False) -> FileError:
        """Create a `FileError` from an `OSError`. If `path` is None, the message refers to an open file."""
        name = "the open file" if path is None else os.fspath(path)
        # For a file that is not open for reading, the message is just "read".
        reason = error.strerror or ("not open for reading" if str(error) == "read" else str(error))
        if writing:
            if isinstance(error, FileNotFoundError):
                fix = "create its folder, or use another path"
            elif error.errno == ENAMETOOLONG:
                fix = "use a shorter name"
            else:
                fix = "close it in other programs, or use another path"
            message = f"cannot write `{name}` ({reason}): {fix}"
        elif isinstance(error, FileNotFoundError):
            message = f"there is no file `{name}`: correct the path"
        else:
            message = f"`{name}` cannot be read: {reason}"
        return cls(message, None if path is None else name, error.errno)


class JournalError(AccError):
    """The file of a named run cannot be used, for example because it cannot be written, is damaged, or is in use by another
    process. Rows that cannot be recorded in the file are not sent.
    """


class AuthError(AccError):
    """There is no valid token."""


class TransportError(AccError):
    """A request did not receive a complete response.

    Attributes:
        sent: Whether the service received the request: "no", "maybe", or "answered" (the response was larger than
            `max_response_bytes`).
        status: HTTP status of the incomplete or oversized response, or None if no response arrived.
        request_id: Request id of the response, or None.
        body: First 64 kB of the response, as text.
        headers: Headers of the response, as in `ApiError`.
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


class ConnectError(TransportError, ConnectionError):
    """A connection to the service or the proxy could not be established. The request was not sent."""


class RequestTimeout(TransportError, TimeoutError):  # noqa: N818  # named as in httpx and obstore
    """A request took longer than `timeout`. The service may have executed the request."""


class ApiError(AccError):
    """The service rejected a request, failed, or sent unreadable responses. Common HTTP statuses have their own subclasses.

    Attributes:
        status: The HTTP status.
        code: The service's error code, or None.
        message: The message, as in `str(error)`: the service's message and, if known, what to do next. If the exception
            ended a write, `str(error)` also has a line that says how many rows are done, and how to continue.
        errors: Details about individual rows and fields: dicts with index, id, field, code, title, message, metadata.
        request_id: The request id, or None. Autodesk support may ask for this id.
        body: The response as text, at most 4 MiB.
        metadata: Details from the service (`errorMetadata`), or None. For a 409, the conflicting value.
        headers: The response headers `x-ads-*`, `x-request-id`, `ratelimit-*`, `date` and `retry-after`. Names are in
            lower case.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str | None = None,
        errors: Sequence[Mapping[str, Json]] = (),
        request_id: str | None = None,
        body: str = "",
        metadata: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.errors: list[JsonObject] = [dict(error) for error in errors]
        self.request_id = request_id
        self.body = body
        self.metadata: JsonObject | None = None if metadata is None else dict(metadata)
        self.headers = dict(headers or {})


class BadRequestError(ApiError):
    """HTTP 400: the request, or a row in it, is invalid."""


class UnauthorizedError(ApiError, AuthError):
    """HTTP 401: the token is invalid or has expired."""


class ForbiddenError(ApiError):
    """HTTP 403: the token's user does not have permission."""


class NotFoundError(ApiError):
    """HTTP 404: the project, or an object in the request, does not exist or is not visible to the user."""


class ConflictError(ApiError):
    """HTTP 409: the request conflicts with existing data."""


class PayloadTooLargeError(ApiError):
    """HTTP 413: the request is too large."""


class UnsupportedMediaTypeError(ApiError):
    """HTTP 415: the content type was changed on the way to the service, for example by a proxy."""


class RateLimitError(ApiError):
    """HTTP 429 until `Retry.deadline`, or with a wait that ends later, usually because other programs use the rate limit.

    Attributes:
        retry_after: Seconds to wait, as requested by the service, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        code: str | None = None,
        errors: Sequence[Mapping[str, Json]] = (),
        request_id: str | None = None,
        body: str = "",
        metadata: Mapping[str, Json] | None = None,
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
    """HTTP 5xx: the service failed. In a write, the outcome of each row shows whether the row was written, if known."""


class BulkError(AccError):
    """Rows failed in a write with `on_error="raise"` or `"stop"`, or `raise_if_failed` found rows that are not ok.

    Attributes:
        result: The `BulkResult`, with one outcome per row.
    """

    _has_lines = True
    result: Outcomes

    def __init__(self, result: Outcomes) -> None:
        super().__init__(repr(result))
        self.result = result  # pyright: ignore[reportIncompatibleVariableOverride]  # not None here


class BulkInterrupted(_Plain, KeyboardInterrupt):
    """Ctrl-C was pressed during a write. This is a `KeyboardInterrupt`, so `except Exception` does not catch it.

    Attributes:
        result: The `BulkResult`, with one outcome per row.
    """

    def __init__(self, result: Outcomes) -> None:
        super().__init__(result._interrupted())
        self.result = result


class ReadInterrupted(_Plain, KeyboardInterrupt):
    """Ctrl-C was pressed during `list`, `get` or `search`. `except Exception` does not catch this `KeyboardInterrupt`.

    Attributes:
        partial: The rows read so far, as an `AssetTable` or `RelationshipTable`, or None. Repeat the call with
            `after=error` to read the rest.
    """

    def __init__(self, partial: AssetTable | RelationshipTable | None) -> None:
        super().__init__(repr(partial))
        self.partial = partial


class SetupError(AccError):
    """Part of a setup could not be created. The created settings remain; apply the setup again to create the rest.

    Attributes:
        applied: The `SetupResult`, with a status for every step.
    """

    _has_lines = True

    def __init__(self, applied: SetupResult) -> None:
        super().__init__(repr(applied))
        self.applied = applied


class DataWarning(UserWarning):
    """A possible problem that does not make a row invalid. For example, leading zeros may have been lost.

    Attributes:
        result: If a filter turns this warning into an exception, the `BulkResult` of the write, or None if the call was not
            a write. The rows were sent nevertheless.
    """

    result: Outcomes | None = None


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
    errors: Sequence[Mapping[str, Json]],
    request_id: str | None,
    body: str,
    retry_after: float | None = None,
    metadata: Mapping[str, Json] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiError:
    """Create the `ApiError` or subclass for an HTTP status. Called by the core."""
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
    """Create an `InputError` with several lines, which are already escaped. Also called by the core."""
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
    kind: str = "other",
) -> TransportError:
    """Create the `TransportError` or subclass for a kind of failure: "connect", "timeout" or "other". Called by the core."""
    of_kind = {"connect": ConnectError, "timeout": RequestTimeout}.get(kind, TransportError)
    return of_kind(message, sent=sent, status=status, request_id=request_id, body=body, headers=headers)


def file_error(message: str, filename: str | os.PathLike[str], code: int | None) -> FileError:
    """Create a `FileError` from an operating system error code. Called by the core."""
    if sys.platform == "win32" and code is not None:
        # Windows has its own codes, which OSError converts to errno.
        code = OSError(None, "", None, code).errno
    return FileError(message, os.fspath(filename), code)


def auth_error(message: str) -> AuthError:
    """Create an `AuthError`. Called by the core."""
    return AuthError(message)
