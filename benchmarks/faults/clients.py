"""The three clients. Each creates all rows with 8 requests of 100 in flight, and returns its outcome for every row.

The two others are driven one batch at a time, each exception held against its own batch only and the rest of the
batches still sent. That is kinder than a script that ends at its first exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import aiohttp
from autodesk_platform_sdk import AsyncClient
from autodesk_platform_sdk.services.assets.schemas import AssetRequest

import acc_assets as acc

IN_FLIGHT = 8
BATCH = 100
# The settle time of our client in seconds, for the service to finish and list a request with a lost response: more than
# any fault here needs.
SETTLE = 0.5

Rows: TypeAlias = list[dict[str, Any]]


class Service(NamedTuple):
    """The arguments of a client: the address of the service, and the timeout."""

    url: str
    project: str
    token: Callable[[], str]
    timeout: float
    window: float


class Said(NamedTuple):
    """A client's outcome for one row: created with an id, failed, unknown, or nothing."""

    word: Literal["created", "failed", "in doubt", "nothing"]
    id: str | None = None


def acc_assets(service: Service, rows: Rows) -> list[Said]:
    """This package, with default options except for the address and the timing of the service."""
    with acc.Client(
        service.token,
        base_url=service.url,
        timeout=service.timeout,
        limits=acc.Limits(window=service.window),
        retry=acc.Retry(settle=SETTLE),
    ) as client:
        try:
            result = client.project(service.project).assets.create(rows)
        except acc.AccError as error:
            # An apparent outage ends a run, but every row still has an outcome.
            if error.result is None:
                raise
            result = error.result
    # The reason why a row was not created does not matter here.
    words = {"created": "created", "unchanged": "created", "unknown": "in doubt"}
    return [Said(words.get(outcome.status, "failed"), outcome.id) for outcome in result]  # type: ignore[arg-type]


def autodesk_platform_sdk(service: Service, rows: Rows) -> list[Said]:
    """autodesk-platform-sdk 0.3.0: `AsyncClient` and `retries=3` as in its README, `create_assets` as in its docstring
    ("At most 100 assets at a time", "Returns: The created assets")."""

    async def work() -> list[Said]:
        async with AsyncClient(
            base_url=service.url, access_token=service.token(), timeout=service.timeout, retries=3
        ) as client:

            async def create(batch: Rows) -> list[str | None]:
                requests = [AssetRequest.model_validate(row) for row in batch]
                return [asset.id for asset in await client.assets.create_assets(service.project, requests)]

            return await _batch_by_batch(create, rows)

    return asyncio.run(work())


def aiohttp_loop(service: Service, rows: Rows) -> list[Said]:
    """Typical code with aiohttp, written for this comparison: a failed attempt is repeated up to three times after
    a growing pause, for an exception, a 429 or a 5xx. Any other error is final."""
    path = f"{service.url}/construction/assets/v2/projects/{service.project}/assets:batch-create"

    async def work() -> list[Said]:
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {service.token()}"},
            timeout=aiohttp.ClientTimeout(total=service.timeout),
        ) as session:

            async def create(batch: Rows) -> list[str | None]:
                for pause in (0.25, 0.5, 1.0, None):
                    try:
                        async with session.post(path, json=batch) as answer:
                            answer.raise_for_status()
                            return [asset["id"] for asset in (await answer.json())["results"]]
                    except Exception as error:
                        status = getattr(error, "status", 500)
                        if pause is None or (400 <= status < 500 and status != 429):
                            raise
                        await asyncio.sleep(pause)
                raise AssertionError("the last try returns or raises")

            return await _batch_by_batch(create, rows)

    return asyncio.run(work())


async def _batch_by_batch(create: Callable[[Rows], Awaitable[list[str | None]]], rows: Rows) -> list[Said]:
    """Send all batches. An exception fails its batch, and ids are assigned to rows by position.

    Neither client pairs ids with rows, so users rely on the order of the lists.
    """
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(batch: Rows) -> list[Said]:
        async with slots:
            try:
                said = [Said("created", id) for id in await create(batch)]
            except Exception:
                return [Said("failed")] * len(batch)
        return (said + [Said("nothing")] * len(batch))[: len(batch)]

    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    return [said for batch in await asyncio.gather(*map(one, batches)) for said in batch]


CLIENTS: dict[str, Callable[[Service, Rows], list[Said]]] = {
    "acc-assets": acc_assets,
    "autodesk-platform-sdk": autodesk_platform_sdk,
    "aiohttp loop": aiohttp_loop,
}
