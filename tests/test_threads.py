"""One client, many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from conftest import Kit

import acc_assets as acc


def test_threads_share_a_client(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    def create(worker: int) -> acc.BulkResult:
        return project.assets.create([kit.row(f"AHU-{worker}-{place}") for place in range(120)])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(create, range(8)))
    assert all(result.ok for result in results)
    assert len({id for result in results for id in result.ids}) == 8 * 120
    assert sim.audit()["assets_created"] == 8 * 120
    assert sim.audit()["created_more_than_once"] == {}


def test_clients_of_one_user_share_the_rate_limit(sim: acc.testing.Simulator, kit: Kit) -> None:
    def create(_: int) -> bool:
        with sim.client() as client:
            return client.project(sim.project_id).assets.create(kit.rows(60), batch_size=1).ok

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(create, range(4)))
    assert sim.audit()["rate_limited"] == 0


def test_other_threads_run_during_a_call(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.add_fault("delay", ms=600)
    call = threading.Thread(target=project.assets.create, args=(kit.rows(1),))
    call.start()
    turns = 0
    while call.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 100
