"""A simulated service on this machine, for tests, demos and a first try without an account."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from . import _core
from .async_client import AsyncClient
from .client import Client
from .options import Limits, Retry, limits_option, positive

__all__ = ["Simulator"]


class Simulator:
    """The Assets and Relationship services on a loopback port, with one project in them. A context manager.

    It keeps the service's rules (required fields, status sets, atomic batches, rate limits) and an audit of what
    was really done, so a test can compare what a program believes with what happened.

    Args:
        seed: the same seed makes the same project, ids included.
        window: seconds of the rate window; the service's is 60. Shorter lets a test or a demo run faster.
        limits: requests a window; None: the service's own. Its `window` is not used here.
        latency: seconds every answer takes.
        switches: how it behaves where the official pages leave it open, by name; `switches()` lists them.
        project: what is in its project, in the place of a made-up one; None: the made-up one. A dict with any of:

            - `status_sets`: dicts of `name`, `statuses` and, if wanted, `default` and `active`. There is always a default
              set: the service's own, unless one of the list has `default=True`.
            - `attributes`: dicts of `display_name`, `type` (text, numeric, date, boolean, select or multi_select) and, if
              wanted, `name` (such as "ca7"), `required`, `max_length`, `default`, `options` and `active`.
            - `categories`: dicts of `path` and, if wanted, `id`, `status_set` (a name), `attributes` (display names) and
              `active`. The path `[]` is ROOT.
            - `locations`: dicts of `path` and, if wanted, `barcode`.

            A path is "HVAC > Air Handling", or a list of names taken as they are; what stands above it need not be
            listed. A status or an option is a label, or a dict of `label` and `active`.

    Raises:
        OptionError: an option or switch that does not exist, or a project that cannot be; it says where.

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
        ...     [category["name"] for category in project.categories()]
        ['ROOT', 'Piping', 'Valves']
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        window: float = 60.0,
        limits: Limits | None = None,
        latency: float = 0.0,
        switches: Mapping[str, str] | None = None,
        project: Mapping[str, Any] | None = None,
    ) -> None:
        positive("window", window)
        self._limits = (limits or Limits())._replace(window=float(window))
        self._core = _core.Simulator(
            {
                "seed": seed,
                "window": float(window),
                "limits": {
                    name: limit for name, limit in limits_option(self._limits).items() if name != "window"
                },
                "latency": float(latency),
                "switches": dict(switches or {}),
                "project": project,
            }
        )

    @property
    def url(self) -> str:
        """Where it listens: the `base_url` of a client."""
        return self._core.url

    @property
    def token(self) -> str:
        """A token it takes."""
        return self._core.token

    @property
    def project_id(self) -> str:
        """The id of its project."""
        return self._core.project_id

    def client(self, **options: Any) -> Client:
        """A `Client` of this simulator, paced by its limits; `options` as for `Client`.

        Example:
            >>> sim.client(max_in_flight=2).project(sim.project_id).id == sim.project_id
            True
        """
        return Client(**self._options(options))

    def async_client(self, **options: Any) -> AsyncClient:
        """An `AsyncClient` of this simulator, paced by its limits; `options` as for `AsyncClient`."""
        return AsyncClient(**self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        # Where a minute is shorter, so is the time that the service takes to settle.
        retry = Retry(settle=Retry().settle * self._limits.window / Limits().window)
        return {"auth": self.token, "base_url": self.url, "limits": self._limits, "retry": retry, **options}

    def world(self) -> dict[str, Any]:
        """What is in the project: project_id, locations_container_id, categories (with statuses and attributes) and
        locations."""
        return self._core.world()

    def assets(self) -> list[dict[str, Any]]:
        """All assets that are really there, deleted ones included, in the order they were created."""
        return self._core.assets()

    def audit(self) -> dict[str, Any]:
        """What was really done: assets created, answers by endpoint and status, requests refused for the rate."""
        return self._core.audit()

    def add_fault(
        self, what: str, *, on: str = "any", nth: int | None = None, times: int | None = None, **details: Any
    ) -> None:
        """Makes answers go wrong: the next request, unless told otherwise.

        Args:
            what: "status" (with code=503, and body= "json", "html", "empty" or "own", headers=, after_apply=), "rate_limit"
                (retry_after=, None for none), "refuse", "reset_before_apply", "reset_after_apply", "apply_late" (ms=), "delay"
                (ms=), "cut_body" (bytes=), "slow_body" (ms=), "unreadable" (body= "cut", "empty", "null" or "html"),
                "wrong_types", "drop_results" (count=), "double_results", "clock_jump" (seconds=), "steal" (requests=),
                "html", "expire_token" or "redirect" (url=).
            on: the endpoint it happens to, such as "assets:batch-create"; "any": all.
            nth: only the nth request that fits, counted from 1.
            times: how many requests at most; None: one, or no bound with every= and probability=.
            details: what the fault needs more, and every= (each kth request) or probability= (0 to 1, with seed=).

        Raises:
            OptionError: there is no such fault or endpoint.

        Example:
            >>> sim.add_fault("rate_limit", on="assets:batch-create", retry_after=1)
        """
        fault: dict[str, Any] = {"what": what, "on": on}
        for name, value in (("nth", nth), ("times", times)):
            if value is not None:
                fault[name] = value
        # Here None is a value: retry_after=None is a 429 that does not say how long.
        self._core.add_fault(fault | details)

    def clear_faults(self) -> None:
        """Makes answers go right again."""
        self._core.clear_faults()

    def accept_token(self, token: str) -> None:
        """Accepts another token of the same user: the two share one rate limit.

        Args:
            token: any text without blanks.

        Example:
            >>> sim.accept_token("second")
            >>> len(sim.client(auth="second").project(sim.project_id).categories()) > 0
            True
        """
        self._core.accept_token(token)

    def revoke_token(self, token: str) -> bool:
        """Accepts a token no more, as if it had expired: requests with it are answered with 401.

        Args:
            token: `sim.token`, or one of `accept_token`.

        Returns:
            Whether it was accepted until now.

        Example:
            >>> sim.accept_token("second")
            >>> sim.revoke_token("second"), sim.revoke_token("second")
            (True, False)
        """
        return self._core.revoke_token(token)

    def set_switch(self, name: str, value: str) -> None:
        """Sets one switch; see `switches`.

        Raises:
            OptionError: there is no such switch, or it has no such value.
        """
        self._core.set_switch(name, value)

    def switches(self) -> dict[str, str]:
        """All switches and how they are set."""
        return self._core.switches()

    def seed_relationships(self, count: int) -> list[str]:
        """Adds so many relationships between assets and other things; their ids."""
        return self._core.seed_relationships(count)

    def close(self) -> None:
        """Stops listening."""
        self._core.close()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Simulator(url={self.url!r}, project_id={self.project_id!r})"
