# SPDX-License-Identifier: MIT
"""What a Ray cluster lacks is a sentence: its address, its token, a folder that all nodes see.

benchmarks/ray_nodes.py does the same with nodes that ``ray start`` made, one of which is killed.
"""

import importlib
import socket
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from ganbench.errors import GanbenchError
from ganbench.harness import ray_cluster
from ganbench.harness.ray_cluster import SharedFolder, check_cluster, seen_from


@pytest.fixture
def listening():
    """Return the address of a socket that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def saying(monkeypatch):
    """Let the attempt to connect print some lines, and then wait or end."""

    def say(*lines, then="time.sleep(60)"):
        program = f"import time\nfor line in {lines!r}: print(line, flush=True)\n{then}"
        monkeypatch.setattr(ray_cluster, "_TRY", program)

    return say


def test_an_address_where_nothing_listens_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(
        GanbenchError, match=rf"RAY_ADDRESS=127\.0\.0\.1:{port}: Connection refused"
    ):
        check_cluster(f"127.0.0.1:{port}")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("token", "words"), [("abc", "refuses the token"), ("", "is not set")])
def test_a_token_that_is_refused_is_said_as_soon_as_ray_says_it(
    listening, saying, monkeypatch, token, words
):
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    saying("[W 1] gcs_client.cc:210: Failed to get cluster ID: Unauthenticated: InvalidAuthToken")
    began = time.monotonic()
    with pytest.raises(GanbenchError, match=words) as refused:
        check_cluster(listening)
    assert time.monotonic() - began < 5
    assert "RAY_AUTH_TOKEN" in refused.value.hint


def test_another_reason_is_rays_own_after_some_patience(listening, saying, monkeypatch):
    monkeypatch.setattr(ray_cluster, "REFUSAL_SECONDS", 0.5)
    saying("[2026-01-01 W 1 1] rpc_client.h:153: Failed to connect to GCS within 5 seconds.")
    with pytest.raises(GanbenchError, match=r": Failed to connect to GCS within 5 seconds\.$"):
        check_cluster(listening)
    saying("RuntimeError: Version mismatch: The cluster was started with Ray 2.1", then="")
    with pytest.raises(GanbenchError, match="Version mismatch"):
        check_cluster(listening)


def test_a_cluster_that_answers_is_no_error(listening, saying):
    saying("some warning", "connected")
    check_cluster(listening)


def test_every_node_reads_a_file_and_writes_one(tmp_path):
    shared = SharedFolder(tmp_path / "out")
    asked = []

    def look(identifier):
        asked.append(identifier)
        return lambda: seen_from(str(shared.path), shared.word, names[identifier])

    names = {"1": "10.0.0.1-1", "2": "10.0.0.2-2"}
    shared.check(list(names.items()), look)
    assert asked == ["1", "2"]
    assert [file.name for file in shared.path.iterdir()] == [f".ray-probe-{shared.word}"]
    shared.close()
    assert not list(shared.path.iterdir())


def test_a_node_that_sees_another_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_cluster.time, "sleep", lambda seconds: None)
    shared, other = SharedFolder(tmp_path / "out"), tmp_path / "other"
    other.mkdir()
    reasons = {
        "sees nothing": lambda: seen_from(str(other), shared.word, "n"),
        "writes elsewhere": lambda: "",
        "has no ganbench": lambda: "No module named 'ganbench'",
    }
    for name, reason in reasons.items():
        with pytest.raises(
            GanbenchError, match=rf"The node 10\.0\.0\.2 cannot share .*{tmp_path.name}"
        ):
            shared.check([("2", "10.0.0.2")], lambda identifier, reason=reason: reason)
        assert name
    assert "does not see" in seen_from(str(other), shared.word)


@pytest.fixture
def cluster(monkeypatch):
    """Put a stand-in in Ray's place: it has the nodes that it is given, and notes what is asked."""
    name = "ganbench.harness.ray_backend"
    stand_in = ModuleType("ray")
    stand_in.asked = []
    stand_in.nodes = list
    stand_in.is_initialized = lambda: True

    def remote(function):
        def options(**wanted):
            stand_in.asked.append(wanted)
            return SimpleNamespace(remote=lambda *given: None)

        return SimpleNamespace(options=options)

    def cluster_resources():
        listed = [node["Resources"] for node in stand_in.nodes()]
        return {kind: sum(each.get(kind, 0.0) for each in listed) for kind in ("CPU", "GPU")}

    def have(*resources):
        nodes = [
            {"Alive": True, "Resources": dict(zip(("CPU", "GPU"), each, strict=False))}
            for each in resources
        ]
        nodes.append({"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}})
        stand_in.nodes = lambda: nodes

    stand_in.remote, stand_in.cluster_resources, stand_in.have = remote, cluster_resources, have
    exceptions, strategies = ModuleType("ray.exceptions"), ModuleType("ray.strategies")
    exceptions.RayError = type("RayError", (Exception,), {})
    strategies.NodeAffinitySchedulingStrategy = object
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setitem(sys.modules, "ray.exceptions", exceptions)
    monkeypatch.setitem(sys.modules, "ray.util", ModuleType("ray.util"))
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    loaded = sys.modules.pop(name, None)
    stand_in.backend = importlib.import_module(name).RayBackend
    yield stand_in
    sys.modules.pop(name)
    if loaded is not None:
        sys.modules[name] = loaded


@pytest.mark.parametrize(
    ("nodes", "threads", "asked", "slots", "share"),
    [
        ([(3,), (3,)], 2, None, 2, 0.0),  # each node has a core over
        ([(3,), (3,)], 2, 8, 2, 0.0),
        ([(3,), (3,)], 1, 4, 4, 0.0),
        ([(8,), (1,)], 2, None, 4, 0.0),
        ([(8, 2), (8, 2)], 1, None, 4, 1.0),
        ([(1, 4), (8,)], 1, None, 1, 1.0),  # a GPU without a core holds nothing
        ([(16, 1), (16, 2)], 1, 4, 4, 0.5),  # 3/4 of a GPU would leave a quarter of each
        ([(16, 1)], 1, 6, 6, 0.1666),  # 6 * 0.1667 would be more than the GPU
        ([(8, 2)], 2, 16, 4, 0.125),
    ],
)
def test_no_more_cells_at_a_time_than_the_nodes_hold(cluster, nodes, threads, asked, slots, share):
    cluster.have(*nodes)
    backend = cluster.backend(asked, threads)
    assert backend.slots == slots
    backend.start(None)
    assert cluster.asked == [{"num_cpus": threads, "num_gpus": share, "max_retries": 0}]
    capped = f"as the nodes hold no more than that of the {asked}" in backend.notices[0]
    assert capped == (asked is not None and asked > slots)


def test_slots_follow_nodes_that_leave_and_join(cluster):
    cluster.have((4,), (4,))
    backend = cluster.backend(3, 2)
    assert backend.slots == 3
    for nodes, slots in (([(4,)], 2), ([], 0), ([(4,), (4,)], 3)):
        cluster.have(*nodes)
        backend._looked_at = -float("inf")
        assert backend.slots == slots


def test_a_cell_that_no_node_holds_is_said_at_once(cluster):
    cluster.have((2,), (3,))
    with pytest.raises(GanbenchError, match=r"No node .* room for a cell with 4 threads"):
        cluster.backend(None, 4)


def test_cells_on_the_cpu_leave_the_gpus_of_a_cluster_to_others(cluster):
    cluster.have((8.0, 1.0), (4.0,))
    backend = cluster.backend(None, 2, device="cpu")
    assert backend.slots == 6, "as many as the cores hold"
    backend.start(None)
    assert cluster.asked[-1]["num_gpus"] == 0
