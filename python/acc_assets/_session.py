"""A client's options, connection and cached project settings."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import _core
from ._options import (
    LimitsOption,
    RetryOption,
    at_least_one,
    limits_option,
    one_of,
    positive,
    region_option,
    retry_option,
)
from ._paths import state_folder
from ._secret import Secret
from .errors import AccError, AuthError, OptionError

if TYPE_CHECKING:
    from uuid import UUID

    from ._results import Outcomes

TOKEN_VARIABLE: Final = "ACC_ASSETS_TOKEN"
# A folder, or "off".
PACING_VARIABLE: Final = "ACC_ASSETS_PACING"
CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Settings older than this many seconds are read again, since others change the project during a long session.
OLD_SETTINGS = 300.0


def age_of(settings: _core.Settings) -> float:
    """Return how many seconds ago settings were read."""
    read_at = datetime.fromisoformat(str(settings.about()["read_at"])[:19]).replace(tzinfo=timezone.utc)
    return (datetime.now(timezone.utc) - read_at).total_seconds()


class ProjectKey(NamedTuple):
    """A project, and the id of the container of its locations if it differs. Settings depend on both."""

    id: str
    container: str | None = None


class Session:
    """One client's options, engine and most recent result."""

    def __init__(
        self,
        auth: Secret[Any],
        proxy: Secret[str | None],
        *,
        base_url: str,
        prefix: str,
        region: str | None,
        timeout: float,
        max_in_flight: int,
        max_response_bytes: int,
        limits: LimitsOption,
        retry: RetryOption,
        ca_bundle: str | os.PathLike[str] | None,
    ) -> None:
        if auth.reveal() is not None and not isinstance(auth.reveal(), str) and not callable(auth.reveal()):
            kind = type(auth.reveal()).__name__
            raise OptionError(
                f"auth must be a token string, or a function (async or not) that returns one, not {kind}."
            )
        if proxy.reveal() is not None and not isinstance(proxy.reveal(), str):
            raise OptionError(f"proxy must be a URL string, not {type(proxy.reveal()).__name__}.")
        one_of("prefix", prefix, ("construction", "bim360"))
        positive("timeout", timeout)
        at_least_one("max_in_flight", max_in_flight)
        at_least_one("max_response_bytes", max_response_bytes)
        if not isinstance(base_url, str) or "@" in base_url:
            raise OptionError(
                "base_url must be a URL such as https://developer.api.autodesk.com, without a user name."
            )
        bundle = ca_bundle or next(filter(None, map(os.environ.get, CA_VARIABLES)), None)
        self.options: dict[str, Any] = {
            "base_url": base_url,
            "prefix": prefix,
            "region": region_option(region),
            "timeout": float(timeout),
            "max_in_flight": max_in_flight,
            "max_response_bytes": min(max_response_bytes, sys.maxsize),
            "ca_bundle": None if bundle is None else os.fspath(bundle),
            "limits": limits_option(limits)._asdict(),
            "retry": retry_option(retry)._asdict(),
            "user_agent": f"acc-assets/{_core.__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}",
        }
        self.last_result: Outcomes | None = None
        self.settings: dict[ProjectKey, _core.Settings] = {}
        self._auth = auth
        self._proxy = proxy
        self._lost_token = False
        self._closed = False
        self._engine: _core.Engine | None = None
        self.engine()  # so that a bad option or a missing token raises here, not at the first call

    def engine(self) -> _core.Engine:
        """Return the engine. A process that unpickled this client creates its own engine."""
        if self._closed:
            raise OptionError(
                "This client is closed. Create a new one, or make the call inside its `with` block."
            )
        if self._engine is None:
            # The token is not stored in a variable, because a traceback would show it.
            self._engine = _core.Engine(
                self._auth.reveal() or self._token(),
                {**self.options, "proxy": self._proxy.reveal(), **_pacing()},
            )
        return self._engine

    def reading(
        self, project: ProjectKey, refresh: bool = False, given: _core.Settings | None = None
    ) -> _core.Settings | _core.Operation:
        """Return the settings of a project, or an operation that reads the missing parts, or all of them if they are old.

        Args:
            project: The project.
            refresh: Whether to read all settings again.
            given: The caller's settings. Only parts missing from these settings are read, unless `refresh` is set.
        """
        engine = self.engine()
        kept = self.settings.get(project)
        refresh = refresh or (given is None and kept is not None and age_of(kept) >= OLD_SETTINGS)
        known = None if refresh else given or kept
        if known is not None and known.about()["locations"] is not None:
            return known
        # Reads only what could not be read before.
        operation = engine.read_settings(project.id, project.container, known, refresh)
        # Another read may have ended just before this call could join it.
        newer = self.settings.get(project)
        if known is kept and newer is not None and newer is not kept:
            return newer
        return operation

    def read(
        self, project: ProjectKey, operation: _core.Operation, given: _core.Settings | None = None
    ) -> _core.Settings:
        """Return the settings that an operation read.

        The settings are kept for later calls, unless they are out of date or were read to complete settings that the
        caller passed.
        """
        if operation.settings is None:
            raise AccError("The settings were not read. This is a bug in acc_assets; please report it.")
        if not operation.superseded and (given is None or given is self.settings.get(project)):
            self.settings[project] = operation.settings
        return operation.settings

    def forget_settings(self, project: str) -> None:
        """Discard the settings of a project, which are about to change."""
        self.engine().forget_settings(project)
        for key in list(self.settings):  # a copy, because another thread may add settings
            if key.id == project:
                self.settings.pop(key, None)

    def _token(self) -> str:
        if isinstance(self._auth.reveal(), str):
            raise AuthError("The token is empty. Pass auth=<token>.")
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if token:
            return token
        if self._lost_token:
            raise AuthError(
                "This client was unpickled without its token, because secrets are not pickled. Set the environment "
                f"variable {TOKEN_VARIABLE} in this process, or create the client here."
            )
        raise AuthError(
            "No token. Pass auth=<token> or a function that returns one, or set the environment variable "
            f"{TOKEN_VARIABLE}. It must be a three-legged token with the scopes data:read data:write data:create, for a "
            "user who is a member of the project."
        )

    def close(self) -> None:
        """Discard the engine, including its connections and token."""
        self._closed = True
        self._engine = None
        self._auth = Secret(None)

    def __repr__(self) -> str:
        options = getattr(self, "options", None)
        if options is None:
            return "not created"
        return f"base_url={options['base_url']!r}, region={options['region']!r}"

    def __getstate__(self) -> dict[str, Any]:
        is_text = isinstance(self._auth.reveal(), str)
        return {
            "options": self.options,
            "proxy": _without_user(self._proxy.reveal()),
            "auth": None if is_text else self._auth.reveal(),
            "lost_token": self._lost_token or is_text,
            "closed": self._closed,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.options = state["options"]
        self.last_result = None
        self._auth = Secret(state["auth"])
        self._proxy = Secret(state["proxy"])
        self._lost_token = state["lost_token"]
        self._closed = state["closed"]
        self.settings = {}
        self._engine = None


def _pacing() -> dict[str, Any]:
    """Return the options for saving the rate windows between processes.

    A service on this machine is a simulator, and each simulator starts with unused limits. The windows of a simulator
    are therefore saved only if the user sets a folder.
    """
    chosen = os.environ.get(PACING_VARIABLE, "")
    if chosen.lower() == "off":
        return {"pacing": None, "pacing_local": False}
    try:
        folder = os.fspath(state_folder(PACING_VARIABLE, "pacing"))
    except RuntimeError:  # Without a home folder, the windows are not saved.
        return {"pacing": None, "pacing_local": False}
    return {"pacing": folder, "pacing_local": bool(chosen)}


def shown(client: object) -> str:
    """Return the repr of a client, even if its options were rejected."""
    return f"{type(client).__name__}({getattr(client, '_session', 'not created')!s})"


def _without_user(proxy: str | None) -> str | None:
    if proxy is None or "@" not in proxy:
        return proxy
    scheme, mark, rest = proxy.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def project_key(id: str | UUID, container: str | UUID | None) -> ProjectKey:
    """Return the bare lower-case UUID of a project, given with or without "b.", and the container of its locations."""
    return ProjectKey(_core.project_id(str(id)), None if container is None else str(container))
