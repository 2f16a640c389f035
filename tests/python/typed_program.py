"""A user's program that uses every public name. Checked by mypy --strict and pyright strict, and run as a test."""

# pyright: strict

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator

import acc_assets as acc
from acc_assets import testing
from acc_assets import typing as types


def token() -> str:
    return "token"


async def async_token() -> str:
    return "token"


SOURCES: list[types.Auth] = ["token", token, async_token]
ENDS: list[type[BaseException]] = [
    acc.AccError,
    acc.ApiError,
    acc.AuthError,
    acc.BadRequestError,
    acc.BulkError,
    acc.BulkInterrupted,
    acc.ConflictError,
    acc.ConnectError,
    acc.FileError,
    acc.ForbiddenError,
    acc.InputError,
    acc.JournalError,
    acc.NotFoundError,
    acc.OptionError,
    acc.PayloadTooLargeError,
    acc.RateLimitError,
    acc.ReadInterrupted,
    acc.RequestTimeout,
    acc.ServerError,
    acc.SetupError,
    acc.TransportError,
    acc.UnauthorizedError,
    acc.UnsupportedMediaTypeError,
    acc.DataWarning,
]


WORDS: types.Values = {"Status": {"eingebaut": "Installed"}, "Commissioned": {1: True, 0: None}}
GERMAN: types.ReadOptions = {"decimal": ",", "true_values": ["ja"], "values": WORDS}


def import_units(
    assets: acc.Assets,
    units: types.RowData,
    *,
    settings: types.SettingsOption = "auto",
    nulls: types.Nulls = "omit",
    dates: types.Dates = "strict",
    on_error: types.OnError = "collect",
    sheet: types.SheetOption = None,
    mapping: types.ColumnMapping | None = None,
    progress: types.ProgressOption = False,
) -> acc.BulkResult:
    """A wrapper that passes on its arguments."""
    return assets.create(
        units,
        settings=settings,
        nulls=nulls,
        dates=dates,
        on_error=on_error,
        sheet=sheet,
        mapping=mapping,
        progress=progress,
    )


def check_german_units(assets: acc.Assets, units: types.RowData) -> acc.Report:
    """A wrapper with options for reading."""
    return assets.validate(units, import_key=acc.GeneratedKey("Barcode"), progress=False, **GERMAN)


def outcomes(result: acc.Outcomes) -> dict[types.OutcomeStatus, list[str]]:
    """Read a result."""
    found: dict[acc.OutcomeStatus, list[str]] = {status: [] for status in result.counts}
    for outcome in result:
        row: acc.RowOutcome = outcome
        error: acc.RowError | None = row.error
        problems: tuple[acc.Problem, ...] = error.problems if error else ()
        found[row.status] += [problem.message for problem in problems]
    causes: list[acc.Cause] = result.causes
    report: acc.Report = result.report
    stats: acc.Stats = result.stats
    estimate: acc.Estimate | None = result.estimate
    uses: list[acc.ColumnUse] = report.columns
    problem_rows: list[int] = [problem.row for problem in report.problems]
    all_problems: list[acc.RowProblem] = report.problems
    assert sum(cause.rows for cause in causes) >= len(set(problem_rows)) >= 0
    assert stats.requests >= 0
    assert estimate is None or estimate.rows >= 0
    assert len(all_problems) == len(problem_rows)
    assert all(use.column for use in uses)
    return found


def seen(progress: acc.Progress) -> None:
    assert progress.done >= 0


def settings_of(project: acc.Project) -> list[str]:
    """Read settings."""
    settings: acc.Settings = project.settings()
    categories: list[acc.Category] = settings.categories
    statuses: list[acc.Status] = settings.statuses
    attributes: list[acc.Attribute] = settings.attributes
    locations: list[acc.Location] = settings.locations
    kind: types.SettingsKind = "locations"
    assert len(settings.to_dicts(kind)) == len(locations)
    assert settings.read_at.tzinfo is not None
    assert settings.status(statuses[0].label) == statuses[0]
    assert settings.attribute(attributes[0].name) == attributes[0]
    assert settings.location(locations[0].id) == locations[0]
    return [
        *(category.path for category in categories),
        *(status.label for status in statuses),
        *(attribute.display_name for attribute in attributes),
        *(location.path for location in locations),
    ]


def set_up(project: acc.Project, on_error: types.SetupOnError = "raise") -> acc.SetupResult:
    setup: acc.Setup = project.setup()
    plan: acc.SetupPlan = project.plan_setup(setup)
    steps: list[acc.SetupStep] = list(plan)
    assert len(steps) == len(plan[:])
    return project.apply_setup(setup, on_error=on_error)


def meaning(client: acc.Client, code: str) -> str | None:
    found: acc.ErrorCode | None = client.error_codes().get(code)
    return found and found.description


def wire(raw: acc.Raw) -> types.Json:
    rows: list[types.JsonObject] = raw.categories()
    return rows[0]["name"]


def changed(
    project: acc.Project,
    missing: types.Missing,
    since: types.Time,
    between: types.TimeRange = ("2026-11-01", None),
) -> list[acc.AssetTable]:
    wanted = {"Airflow": (1, 10), "Filter Class": ["F7"]}
    return [
        project.assets.list(updated=since, category=[["HVAC", "Fans"], 42], location="Building A", limit=10),
        project.assets.list(updated=between, attributes=wanted, sort=["-updatedAt"], deleted=True),
        project.assets.get("x", missing=missing),
        *project.assets.iter(updated=between, page_size=100),
    ]


def read_back(project: acc.Project, ids: types.IdData, after: types.After = None) -> types.Asset:
    assets: acc.AssetTable = project.assets.get(ids, after=after)
    assert len(project.assets.get(["QR-1"], by="Barcode")) == len(project.assets.get(["QR-1"], key="Barcode"))
    first: types.Asset = assets[0]
    page: acc.AssetTable = assets[:1]
    assert len(page) == 1
    return first


def links(relationships: acc.Relationships) -> list[types.RelatedEntity]:
    found: acc.RelationshipTable = relationships.search(acc.Entity("asset"), "photo", names=False)
    rows: list[types.Relationship] = found[1:].to_dicts()
    ids: list[str | None] = found.ids
    assert len(rows) <= len(ids)
    return [end for relationship in found for end in relationship["entities"]]


def simulated(options: testing.ClientOptions, sim: testing.Simulator) -> list[str]:
    """What a test reads of the simulator."""
    world: testing.World = sim.world()
    categories: list[testing.WorldCategory] = world["categories"]
    statuses: list[testing.WorldStatus] = categories[0]["statuses"]
    attributes: list[testing.WorldAttribute] = categories[0]["attributes"]
    choices: list[testing.WorldChoice] = [one for found in attributes for one in found["values"]]
    places: list[testing.WorldLocation] = world["locations"]
    counts: testing.WorldCounts = world["counts"]
    audit: testing.Audit = sim.audit()
    endpoints: dict[str, testing.EndpointAudit] = audit["endpoints"]
    assets: list[types.Asset] = sim.assets()
    assert counts["assets"] == len(assets)
    assert sim.client(**options).last_result is None
    return [
        *(status["label"] for status in statuses),
        *(choice["displayName"] for choice in choices),
        *(place["name"] for place in places),
        *(endpoint for endpoint, of in endpoints.items() if 201 in of["answers"]),
    ]


async def awaited(sim: testing.Simulator, rows: list[dict[str, str]]) -> types.OutcomeStatus:
    async def stream() -> AsyncIterator[dict[str, str]]:
        for row in rows:
            yield row

    data: types.AsyncRowData = stream()
    async with sim.async_client(auth=SOURCES[0] and sim.token) as client:
        face: acc.AsyncClient = client
        project: acc.AsyncProject = face.project(sim.project_id)
        assets: acc.AsyncAssets = project.assets
        result: acc.AsyncBulkResult = await assets.create(data, progress=seen)
        ids: types.AsyncIdData = result
        assert len(await assets.get(ids)) == len(rows)
        pages: list[acc.AssetTable] = [page async for page in assets.iter(page_size=100)]
        total: int = await assets.count()
        assert sum(map(len, pages)) == total
        relationships: acc.AsyncRelationships = project.relationships
        raw: acc.AsyncRaw = project.raw
        assert not await relationships.search()
        assert await raw.categories()
        return result[0].status


def main(folder: pathlib.Path) -> None:
    limits: types.LimitsOption = acc.Limits(window=1.0)
    retry: types.RetryOption = acc.Retry(settle=0.5)
    prefix: types.Prefix = "construction"
    verb: types.Verb = "create"
    with testing.Simulator(seed=1, limits=limits, window=1.0) as sim:
        client: acc.Client = sim.client(limits=limits, retry=retry, prefix=prefix)
        project: acc.Project = client.project(sim.project_id)
        path = folder / "units.csv"
        path.write_text("Asset ID,Category,Status\nA-1,HVAC > Air Handling,Installed\n", encoding="utf-8")
        rows: acc.Rows = acc.read(path, sheet=None)
        options = acc.SheetOptions()
        assert project.assets.validate(rows, verb=verb).ok
        result = import_units(project.assets, path, sheet=options, progress=seen)
        assert check_german_units(project.assets, path).ok
        assert outcomes(result) == {"created": []}
        assert read_back(project, result)["clientAssetId"] == "A-1"
        cleared = project.assets.patch([{"id": result.ids[0], "description": acc.CLEAR}])
        again: acc.BulkResult = project.assets.retry(cleared)
        company: str | None = project.assets.get(result)[0].get("companyId")
        counts: dict[types.OutcomeStatus, int] = {}
        try:
            project.assets.create([{"Asset ID": company}], on_error="raise")
        except acc.BulkError as error:
            counts = error.result.counts
        except acc.ForbiddenError as error:
            again = project.assets.retry(error.result)
        assert counts == {"invalid": 1}
        assert again.ok
        assert "HVAC" in settings_of(project)
        assert set_up(project).ok
        assert wire(project.raw) == "ROOT"
        assert meaning(client, "CONFLICT")
        assert links(project.relationships) == []
        assert "assets:batch-create" in simulated({"timeout": 5.0}, sim)
        assert asyncio.run(
            awaited(sim, [{"Asset ID": "B", "Category": "HVAC > Air Handling", "Status": "Installed"}])
        )
        named: acc.Runs = acc.runs(folder)
        assert len(named) == 0
        assert acc.__version__
        assert len(ENDS) == 24
        stream: types.ArrowStream = result
        assert stream is result


if __name__ == "__main__":
    import tempfile

    main(pathlib.Path(tempfile.mkdtemp()))
