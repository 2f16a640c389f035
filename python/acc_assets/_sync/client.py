# Generated from _async/client.py by tools/make_sync.py (make sync). Do not edit.
"""The entry point: a client and its projects."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from .._options import Auth, LimitsOption, Prefix, RetryOption
from .._progress import Reporter
from .._records import ErrorCode, error_codes_of
from .._secret import Secret
from .._session import Session, shown
from .project import Project
from .verbs import BulkResult, read

if TYPE_CHECKING:
    from uuid import UUID


class Client:
    """Entry point. A client holds the token, the options, and the connections shared by all projects.

    A client can be shared between threads and used in a forked child process. A token string is not pickled: the unpickled
    client takes a token from the environment instead. An `auth` function is pickled, so it must support pickling.

    Args:
        auth: A three-legged token, or a function (async or not) that takes no arguments and returns one. The function is
            called again when the token expires. If None, the token in the environment variable ACC_ASSETS_TOKEN.
        base_url: URL of the service: https, or http if the service is on this machine.
        region: The project's region: a code from the Regions page, such as "US" or "EMEA", in any case. The region is sent with
            requests for relationships and locations; the Assets pages document no region header. If None, no region is sent.
        timeout: Maximum duration of a request in seconds. Default: 60.
        max_in_flight: Maximum number of requests in flight, across all of the client's calls. Default: 8.
        max_response_bytes: Maximum size of a response after decompression. Default: 256 MiB.
        limits: Rate limits: `Limits`, or a dict of its arguments. If None, the service's documented limits.
        retry: Retry rules: `Retry`, or a dict of its arguments. If None, the defaults of `Retry`.
        ca_bundle: File with root certificates (PEM) to trust instead of the system's. If None, the file named by the
            environment variable REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or else the system's certificates.
        proxy: URL of an HTTP or HTTPS proxy. If None, the proxy in HTTPS_PROXY or ALL_PROXY (unless NO_PROXY exempts the
            service), or else the system's proxy.
        prefix: Path prefix of the Assets API: "construction" or "bim360". Both prefixes give access to the same assets.

    Raises:
        OptionError: An option is invalid.
        AuthError: The token is missing or has expired.

    Example:
        >>> with acc_assets.Client(sim.token, base_url=sim.url) as client:
        ...     settings = client.project(sim.project_id).settings()
        >>> settings.project_id == sim.project_id
        True
    """

    def __init__(
        self,
        auth: Auth | None = None,
        *,
        base_url: str = "https://developer.api.autodesk.com",
        region: str | None = None,
        timeout: float = 60.0,
        max_in_flight: int = 8,
        max_response_bytes: int = 256 * 2**20,
        limits: LimitsOption = None,
        retry: RetryOption = None,
        ca_bundle: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        prefix: Prefix = "construction",
    ) -> None:
        secrets = Secret(auth), Secret(proxy)
        del auth, proxy
        self._session = Session(
            *secrets,
            base_url=base_url,
            prefix=prefix,
            region=region,
            timeout=timeout,
            max_in_flight=max_in_flight,
            max_response_bytes=max_response_bytes,
            limits=limits,
            retry=retry,
            ca_bundle=ca_bundle,
        )

    @property
    def last_result(self) -> BulkResult | None:
        """The result of the most recent write, even if it raised an exception.

        None before the first write, and after a write that ended without a result, for example with OptionError.
        """
        return cast("BulkResult | None", self._session.last_result)

    def project(self, project_id: str | UUID, *, locations_container: str | UUID | None = None) -> Project:
        """Return a project. No request is sent.

        Args:
            project_id: The project's UUID, with or without the prefix "b.".
            locations_container: Id of the locations container (the project's `relationships.locations.data.id` in the Data
                Management API), for a BIM 360 project whose locations are not found under its own id.

        Raises:
            OptionError: The project id is not a UUID.

        Example:
            >>> client.project("b.F6A1E3B5-abaa-4b01-b33a-5d55f36ba047").id
            'f6a1e3b5-abaa-4b01-b33a-5d55f36ba047'
        """
        return Project(self._session, project_id, locations_container)

    def error_codes(self) -> Mapping[str, ErrorCode]:
        """Return the error codes of the Assets API by name, sorted. They are the same for every project.

        The codes are read on the first call, with one request that carries no token. They also complete the messages of
        errors: if a response contains a code but no text, the message is the description of the code.

        Raises:
            ApiError, TransportError: The codes could not be read.

        Example:
            >>> codes = client.error_codes()
            >>> codes["FIELD_EXCEEDS_MAX_LENGTH"].metadata_keys
            ('fieldName', 'maxStringLength')
        """
        operation = self._session.engine().read_error_codes()
        return error_codes_of((read(operation, Reporter(False, "read"), resumable=False)).dicts())

    def close(self) -> None:
        """Close the connections and discard the token. Later calls raise OptionError."""
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return shown(self)
