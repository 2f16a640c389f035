"""A simulated service on this machine, for tests, demos and a first try without an account."""

# Annotations are not postponed in this module, because typed dicts would compile postponed annotations one by one.
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, cast

from . import _core
from ._async.client import AsyncClient
from ._options import Auth, Limits, LimitsOption, Prefix, Retry, RetryOption, limits_option, positive
from ._records import Asset
from ._sync.client import Client

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "Audit",
    "ClientOptions",
    "EndpointAudit",
    "Simulator",
    "World",
    "WorldAttribute",
    "WorldCategory",
    "WorldChoice",
    "WorldCounts",
    "WorldLocation",
    "WorldStatus",
]


class ClientOptions(TypedDict, total=False):
    """The arguments of `Client` and `AsyncClient`."""

    auth: Auth | None
    base_url: str
    region: str | None
    timeout: float
    max_in_flight: int
    max_response_bytes: int
    limits: LimitsOption
    retry: RetryOption
    ca_bundle: str | os.PathLike[str] | None
    proxy: str | None
    prefix: Prefix


class WorldStatus(TypedDict):
    """A status in a `WorldCategory`."""

    id: str
    label: str
    isActive: bool


class WorldChoice(TypedDict):
    """An option of a select attribute."""

    id: str
    displayName: str
    isActive: bool


class WorldAttribute(TypedDict):
    """A custom attribute in a `WorldCategory`."""

    name: str
    displayName: str
    dataType: str
    required: bool
    values: list[WorldChoice]


class WorldCategory(TypedDict):
    """A category in the simulated project, with the statuses and attributes that it has or inherits."""

    id: str
    name: str
    path: str
    parentId: str | None
    isActive: bool
    statuses: list[WorldStatus]
    attributes: list[WorldAttribute]


class WorldLocation(TypedDict):
    """A location in the simulated project."""

    id: str
    parentId: str | None
    name: str
    barcode: str | None


class WorldCounts(TypedDict):
    """Object counts in the simulated project."""

    assets: int
    active_assets: int
    relationships: int
    categories: int
    locations: int


class World(TypedDict):
    """The simulated project. Returned by `Simulator.world`."""

    project_id: str
    foreign_project_id: str
    locations_container_id: str
    region: str
    categories: list[WorldCategory]
    locations: list[WorldLocation]
    counts: WorldCounts


class EndpointAudit(TypedDict):
    """Number of requests to one endpoint, and of responses per HTTP status. Status 0 counts requests without a response."""

    requests: int
    answers: dict[int, int]


class Audit(TypedDict):
    """Summary of the requests, responses and changes in a simulator. Returned by `Simulator.audit`."""

    endpoints: dict[str, EndpointAudit]
    requests: int
    rate_limited: int
    faults: int
    assets_created: int
    assets_patched: int
    assets_deleted: int
    relationships_created: int
    relationships_deleted: int
    created_more_than_once: dict[str, int]
    busiest_window: dict[str, int]
    bytes_in: int
    most_in_flight: int


class Simulator:
    """A simulator of the Assets and Relationship services on a local port, with one project, used as a context manager.

    The simulator enforces the service's rules (required fields, status sets, atomic batches, rate limits) and records
    every request, so a test can compare what a program reports with what actually happened.

    Args:
        seed: Seed for generating the project. The same seed generates the same project, including ids. Default: 1.
        window: Length of the rate window in seconds. A shorter window speeds up tests. Default: 60.
        limits: Requests per window, as for `Client`. `Limits.window` is ignored. If None, the service's documented limits.
        latency: Delay of every response in seconds. Default: 0.
        switches: Values of switches that control undocumented behavior, by name. `switches()` lists all switches.
        project: Description of the project. If None, a sample project is generated from `seed`. A dict with these keys, all
            of them optional:

            - `status_sets`: Dicts with `name`, `statuses` and optionally `default` and `active`. Unless a set has
              `default=True`, the service's own default set is added.
            - `attributes`: Dicts with `display_name`, `type` (text, numeric, date, boolean, select or multi_select) and
              optionally `name` (such as "ca7"), `required`, `max_length`, `default`, `options` and `active`.
            - `categories`: Dicts with `path` and optionally `id`, `status_set` (a name), `attributes` (display names) and
              `active`. The path `[]` is ROOT.
            - `locations`: Dicts with `path` and optionally `barcode`.

            A path is a string such as "HVAC > Air Handling", or a list of exact names. Parents are created automatically. A
            status or an option is a label, or a dict with `label` and `active`.

    Raises:
        OptionError: An option or switch is unknown, or the project description is invalid. The message says
            where the mistake is.

    Example:
        >>> with acc_assets.testing.Simulator(seed=1) as sim:
        ...     project = sim.client().project(sim.project_id)
        ...     result = project.assets.create([{"clientAssetId": "AHU-1", "categoryId": "0"}], on_error="collect")
        >>> result.counts
        {'invalid': 1}

        A project of your own:

        >>> plant = {
        ...     "status_sets": [{"name": "Commissioning", "statuses": ["Open", "Done"]}],
        ...     "attributes": [{"display_name": "Medium", "type": "select", "options": ["Water", "Steam"]}],
        ...     "categories": [
        ...         {"path": "Piping > Valves", "status_set": "Commissioning", "attributes": ["Medium"]},
        ...     ],
        ...     "locations": [{"path": ["Hall 2", "Bay 7"], "barcode": "H2-7"}],
        ... }
        >>> with acc_assets.testing.Simulator(project=plant) as plant_sim:
        ...     project = plant_sim.client().project(plant_sim.project_id)
        ...     [category["name"] for category in project.raw.categories()]
        ['ROOT', 'Piping', 'Valves']
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        window: float = 60.0,
        limits: LimitsOption = None,
        latency: float = 0.0,
        switches: Mapping[str, str] | None = None,
        project: Mapping[str, object] | None = None,
    ) -> None:
        positive("window", window)
        self._limits = limits_option(limits)._replace(window=float(window))
        self._core = _core.Simulator(
            {
                "seed": seed,
                "window": float(window),
                "limits": {name: limit for name, limit in self._limits._asdict().items() if name != "window"},
                "latency": float(latency),
                "switches": dict(switches or {}),
                "project": project,
            }
        )

    @property
    def url(self) -> str:
        """The URL of the simulator, for `base_url`."""
        return self._core.url

    @property
    def token(self) -> str:
        """A valid token."""
        return self._core.token

    @property
    def project_id(self) -> str:
        """The id of the simulated project."""
        return self._core.project_id

    def client(self, **options: "Unpack[ClientOptions]") -> Client:
        """Create a `Client` for this simulator, with its rate limits.

        Args:
            options: Options for `Client`.

        Example:
            >>> sim.client(max_in_flight=2).project(sim.project_id).id == sim.project_id
            True
        """
        return Client(**self._options(options))

    def async_client(self, **options: "Unpack[ClientOptions]") -> AsyncClient:
        """Create an `AsyncClient` for this simulator, with its rate limits. `options` are passed to `AsyncClient`."""
        return AsyncClient(**self._options(options))

    def _options(self, options: ClientOptions) -> ClientOptions:
        # The settle time is shortened in proportion to the rate window.
        retry = Retry(settle=Retry().settle * self._limits.window / Limits().window)
        return {"auth": self.token, "base_url": self.url, "limits": self._limits, "retry": retry, **options}

    def world(self) -> World:
        """Return the simulated project, including its ids, categories (with statuses and attributes) and locations."""
        return cast(World, self._core.world())

    def assets(self) -> list[Asset]:
        """Return all assets in order of creation, including deleted ones."""
        return cast("list[Asset]", self._core.assets())

    def audit(self) -> Audit:
        """Summarize what the simulator did, such as assets created, responses per endpoint and status, and faults applied."""
        return cast(Audit, self._core.audit())

    def add_fault(
        self,
        what: str,
        *,
        on: str = "any",
        nth: int | None = None,
        times: int | None = None,
        every: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
        code: int | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        after_apply: bool | None = None,
        retry_after: float | str | None = 1,
        ms: int | None = None,
        bytes: int | None = None,  # noqa: A002  # the argument's name in the core
        count: int | None = None,
        seconds: float | None = None,
        requests: int | None = None,
        url: str | None = None,
    ) -> None:
        """Inject a fault. By default, the fault affects only the next request.

        Args:
            what: The kind of fault, with its arguments in parentheses: "status" (code=, body=, headers=, after_apply=),
                "rate_limit" (retry_after=), "refuse", "reset_before_apply", "reset_after_apply", "apply_late" (ms=),
                "delay" (ms=), "cut_body" (bytes=), "slow_body" (ms=), "unreadable" (body=), "wrong_types", "drop_results"
                (count=), "double_results", "clock_jump" (seconds=), "steal" (requests=), "html", "expire_token" or
                "redirect" (url=).
            on: The endpoint to affect, such as "assets:batch-create". Default: "any".
            nth: Affect the nth matching request, counted from 1. With `times`, also the matching requests after the nth.
            times: Maximum number of requests to affect. If None, the maximum is 1, or there is none if
                `every` or `probability` is given.
            every: Affect only every kth matching request. For example, 3 affects every third request.
            probability: Affect each matching request with this probability, 0 to 1.
            seed: Seed for `probability`. If None, 0.
            code: For "status", the HTTP status to return, such as 503.
            body: Kind of response body. For "status": "json" (default), "html", "empty" or "own" (the executed request's
                own response body; needs after_apply=True). For "unreadable": "cut" (default), "empty", "null" or "html".
            headers: For "status", additional response headers.
            after_apply: For "status", whether to execute the request before returning the status. If None, False.
            retry_after: For "rate_limit", the value of the Retry-After header: seconds, or a string that is sent
                unchanged. If None, the header is not sent. Default: 1.
            ms: For "apply_late", "delay" and "slow_body", the delay in milliseconds.
            bytes: For "cut_body", the number of body bytes to send before the response breaks off. If None, 10.
            count: For "drop_results", the number of entries to remove from the response. If None, 1.
            seconds: For "clock_jump", the number of seconds to shift the Date header by. May be negative.
            requests: For "steal", the maximum number of requests that another program sends as the same user. If None, 1.
            url: For "redirect", the URL to redirect to.

        Raises:
            OptionError: The fault or endpoint is unknown, or an argument is invalid, missing or not for this fault.

        Example:
            >>> sim.add_fault("rate_limit", on="assets:batch-create", retry_after=1)
        """
        details = {
            "nth": nth,
            "times": times,
            "every": every,
            "probability": probability,
            "seed": seed,
            "code": code,
            "body": body,
            "headers": headers,
            "after_apply": after_apply,
            "ms": ms,
            "bytes": bytes,
            "count": count,
            "seconds": seconds,
            "requests": requests,
            "url": url,
        }
        fault: dict[str, Any] = {name: value for name, value in details.items() if value is not None}
        # None is a valid value: a 429 without Retry-After.
        if what == "rate_limit" or retry_after != 1:
            fault["retry_after"] = retry_after
        self._core.add_fault({"what": what, "on": on} | fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._core.clear_faults()

    def accept_token(self, token: str) -> None:
        """Accept another token for the same user. All tokens share one rate limit.

        Args:
            token: Any string without spaces.

        Example:
            >>> sim.accept_token("second")
            >>> len(sim.client(auth="second").project(sim.project_id).raw.categories()) > 0
            True
        """
        self._core.accept_token(token)

    def revoke_token(self, token: str) -> bool:
        """Revoke a token, as if it had expired. Requests with a revoked token get a 401.

        Args:
            token: `sim.token`, or a token passed to `accept_token`.

        Returns:
            Whether the token was valid.

        Example:
            >>> sim.accept_token("second")
            >>> sim.revoke_token("second"), sim.revoke_token("second")
            (True, False)
        """
        return self._core.revoke_token(token)

    def set_switch(self, name: str, value: str) -> None:
        """Set one switch. See `switches`.

        Raises:
            OptionError: The switch or value is unknown.
        """
        self._core.set_switch(name, value)

    def switches(self) -> dict[str, str]:
        """Return the current value of every switch."""
        return self._core.switches()

    def seed_relationships(self, count: int) -> list[str]:
        """Create `count` relationships between assets and documents, and return the ids of the relationships."""
        return self._core.seed_relationships(count)

    def close(self) -> None:
        """Stop the simulator."""
        self._core.close()

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Simulator(url={self.url!r}, project_id={self.project_id!r})"
