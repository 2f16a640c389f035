"""The error codes of the Assets API, and the messages that they complete."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from conftest import Kit
from front import Answer, Passing, Request, front

import acc_assets as acc

# The client warns that the service may reject the long barcodes of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::acc_assets.DataWarning")

TOO_LONG = "A text is longer than the field allows."
BAD = {"barcode": "x" * 101}


def asked(requests: list[Request]) -> int:
    """The number of requests for the error codes."""
    return sum(request.path.endswith("/error-codes") for request in requests)


def test_error_codes_are_read_once_and_without_a_token(sim: acc.testing.Simulator) -> None:
    with front(sim, lambda passing: passing.forward().whole()) as (url, requests):
        client = acc.Client("a-token", base_url=url)
        codes = client.error_codes()
        assert client.error_codes() == codes
    (request,) = requests
    assert (request.method, request.path) == ("GET", "/construction/assets/v1/error-codes")
    assert "authorization" not in request.headers
    assert list(codes) == sorted(codes)
    assert codes["FIELD_EXCEEDS_MAX_LENGTH"] == acc.ErrorCode(
        "FIELD_EXCEEDS_MAX_LENGTH", TOO_LONG, 400, ("fieldName", "maxStringLength")
    )
    with pytest.raises(TypeError):
        codes["NEW"] = codes["CONFLICT"]  # type: ignore[index]


async def test_error_codes_are_awaited(sim: acc.testing.Simulator) -> None:
    async with sim.async_client() as client:
        codes, again = await asyncio.gather(client.error_codes(), client.error_codes())
        assert codes["CONFLICT"].status == 409
        assert again == codes == await client.error_codes()
    assert sim.audit()["endpoints"]["error-codes"]["requests"] == 1


def test_error_codes_become_a_frame(client: acc.Client) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(client.error_codes().values())
    assert list(frame.columns) == ["name", "description", "status", "metadata_keys"]


@pytest.mark.once
def test_error_codes_do_not_count_against_the_limit_of_assets(sim: acc.testing.Simulator) -> None:
    client = sim.client(limits={"assets_read": 1, "window": 20})
    begun = time.monotonic()
    client.project(sim.project_id).raw.categories()
    assert client.error_codes()
    assert time.monotonic() - begun < 10


@pytest.mark.once
@pytest.mark.parametrize("body", [{"results": []}, {"results": [{"description": "x"}]}, {"codes": []}])
def test_error_codes_without_a_code_are_an_error(sim: acc.testing.Simulator, body: object) -> None:
    with front(sim, lambda _: Answer(200, json.dumps(body).encode()).whole()) as (url, _):
        client = acc.Client("a-token", base_url=url, retry={"attempts": 1})
        with pytest.raises(acc.ApiError, match=r"error codes|error-codes"):
            client.error_codes()


@pytest.mark.once
def test_error_codes_are_read_again_after_a_failure(sim: acc.testing.Simulator, client: acc.Client) -> None:
    sim.add_fault("status", on="error-codes", code=404)
    with pytest.raises(acc.NotFoundError):
        client.error_codes()
    assert client.error_codes()


@pytest.mark.once
def test_an_error_without_text_has_the_description_of_its_code(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    sim.set_switch("error_text", "absent")
    result = project.assets.create(kit.rows(3, **BAD), settings=None, batch_size=1)
    messages = {outcome.error.message for outcome in result if outcome.error}
    assert result.counts == {"rejected": 3}
    assert all(message.startswith(TOO_LONG) for message in messages), messages
    assert sim.audit()["endpoints"]["error-codes"]["requests"] == 1
    # The lookup is not a request for the rows.
    assert result.stats.requests == 3


@pytest.mark.once
def test_an_exception_without_text_has_the_description_of_its_code(
    sim: acc.testing.Simulator, client: acc.Client
) -> None:
    sim.set_switch("error_text", "absent")
    project = client.project("11111111-1111-4111-8111-111111111111")
    with pytest.raises(acc.NotFoundError, match="the project, entity or path does not exist") as caught:
        project.raw.categories()
    assert caught.value.code == "NOT_FOUND"
    assert "does not exist" not in caught.value.body


@pytest.mark.once
def test_the_text_of_the_service_is_kept(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> None:
    (outcome,) = project.assets.create(kit.row(**BAD), settings=None)
    assert outcome.error is not None
    assert 'Field "barcode" is longer than 100 characters.' in outcome.error.message
    assert "error-codes" not in sim.audit()["endpoints"]


@pytest.mark.once
@pytest.mark.parametrize(
    "fault", [{"what": "status", "code": 503}, {"what": "html"}, {"what": "reset_before_apply"}]
)
def test_a_failed_lookup_of_the_description_changes_nothing(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, fault: dict[str, object]
) -> None:
    sim.set_switch("error_text", "absent")
    sim.add_fault(on="error-codes", times=100, **fault)  # type: ignore[arg-type]
    result = project.assets.create(kit.rows(3, **BAD), settings=None, batch_size=1)
    assert result.counts == {"rejected": 3}
    (code,) = {outcome.error.code for outcome in result if outcome.error}
    assert code == "FIELD_EXCEEDS_MAX_LENGTH"
    assert all(code in outcome.error.message for outcome in result if outcome.error)
    assert sim.audit()["endpoints"]["error-codes"]["requests"] == 1


@pytest.mark.once
def test_ctrl_c_does_not_wait_for_a_description(
    sim: acc.testing.Simulator, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_switch("error_text", "absent")
    asked, release = threading.Event(), threading.Event()

    def hold(passing: Passing) -> bytes:
        if passing.request.path.endswith("/error-codes"):
            asked.set()
            release.wait(10)
        return passing.forward().whole()

    def interrupt(_: acc.Progress) -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    with front(sim, hold) as (url, _):
        project = acc.Client(sim.token, base_url=url).project(sim.project_id)
        begun = time.monotonic()
        with pytest.raises(acc.BulkInterrupted) as caught:
            project.assets.create(kit.row(**BAD), settings=None, progress=interrupt)
        release.set()
    assert time.monotonic() - begun < 3
    assert caught.value.result.counts == {"rejected": 1}
