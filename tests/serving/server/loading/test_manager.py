import os
import threading
import time

import pytest
from easel_serving.protocol import messages
from easel_serving.protocol.status import StatusError
from easel_serving.registry.registry import Registry
from easel_serving.server.loading.manager import Manager


class Fake:
    """A servable that knows its folder; one whose graph says `broken` cannot be loaded."""

    def __init__(self, path):
        if (path / "saved_model.pb").read_text() == "broken":
            raise ValueError("this graph is broken")
        self.number = int(path.name)
        self.closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "serving")


@pytest.fixture
def manager(registry):
    made = Manager(registry.root, Fake)
    yield made
    made.stop()


def answering(manager):
    with manager.use("m") as (_, servable):
        return servable


def serving(manager, **where):
    with manager.use("m", **where) as (number, servable):
        assert servable.number == number
        return number


def test_follows_pushes_promotions_and_rollbacks(registry, manager, saved_model):
    manager.refresh()
    with pytest.raises(StatusError, match=r"Servable not found for request: Latest\(m\)"):
        serving(manager)
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    assert serving(manager) == serving(manager, label="stable") == serving(manager, version=1) == 1
    registry.push("m", saved_model("two"), {})
    manager.refresh()
    assert (serving(manager), serving(manager, label="stable"), serving(manager, label="previous")) == (2, 2, 1)
    registry.rollback("m")
    manager.refresh()
    assert (serving(manager), serving(manager, label="stable")) == (1, 1)
    assert [state[:2] for state in manager.states("m")] == [(2, "END"), (1, "AVAILABLE")]
    with pytest.raises(StatusError, match=r"Specific\(m, 2\)"):
        serving(manager, version=2)


@pytest.fixture
def retries(monkeypatch):
    """Sets the seconds between one try to load a version and the next."""
    return lambda *seconds: monkeypatch.setattr("easel_serving.server.loading.manager._RETRY_SECONDS", seconds)


def test_what_cannot_be_loaded_leaves_the_old_version_serving(registry, manager, saved_model, retries):
    retries()
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    registry.push("m", saved_model("broken"), {})
    manager.refresh()
    assert (serving(manager), serving(manager, label="stable")) == (1, 1)
    assert manager.states("m", version=2) == [(2, "END", "this graph is broken")]
    assert manager.ready()
    registry.unlabel("m", "previous")
    manager.refresh()
    assert serving(manager, label="stable") == 1
    (registry.root / "m/2/saved_model.pb").write_text("mended")
    manager.refresh()
    assert serving(manager, label="stable") == 2
    assert [state[:2] for state in manager.states("m")] == [(2, "AVAILABLE"), (1, "END")]


def test_what_failed_for_a_passing_reason_is_tried_again(registry, saved_model, retries):
    retries(0.0, 0.0)
    faults = [OSError("the disk is away"), OSError("the disk is away")]

    def load(path):
        if faults:
            raise faults.pop()
        return Fake(path)

    manager = Manager(registry.root, load)
    registry.push("m", saved_model("one"), {})
    for left in (1, 0):
        manager.refresh()
        assert (len(faults), manager.states("m")) == (left, [(1, "LOADING", "the disk is away")])
        assert not manager.ready()
    manager.refresh()
    assert (manager.states("m"), serving(manager)) == ([(1, "AVAILABLE", "")], 1)
    manager.stop()


def test_tries_are_counted_and_spaced(registry, manager, saved_model, retries):
    tries = []
    manager._load = lambda path: tries.append(path) or Fake(path)
    registry.push("m", saved_model("broken"), {})
    retries(60.0)
    manager.refresh()
    manager.refresh()
    assert (len(tries), manager.states("m")[0][1]) == (1, "LOADING")
    (registry.root / "m/1/saved_model.pb").write_text("broken")
    os.utime(registry.root / "m/1/saved_model.pb", ns=(1, 1))
    manager.refresh()
    manager.refresh()
    assert (len(tries), manager.states("m")[0][1]) == (2, "LOADING")
    retries()
    os.utime(registry.root / "m/1/saved_model.pb", ns=(2, 2))
    for _ in range(3):
        manager.refresh()
    assert (len(tries), manager.states("m")[0][1]) == (3, "END")
    (registry.root / "m/manifests/1/signature").write_text("signed since")
    manager.refresh()
    assert len(tries) == 4


def test_what_stands_in_answers_until_the_first_version_is_there(registry, saved_model):
    gate, standing = threading.Event(), []

    class StandIn(Fake):
        def __init__(self, path):
            super().__init__(path)
            standing.append(self)

    manager = Manager(registry.root, lambda path: gate.wait(10) and Fake(path), StandIn)
    registry.push("m", saved_model("one"), {})
    assert not manager.ready()
    refresh = threading.Thread(target=manager.refresh)
    refresh.start()
    deadline = time.monotonic() + 60
    while not manager.ready() and time.monotonic() < deadline:
        time.sleep(0.01)
    with manager.use("m", label="stable") as (_, servable):
        assert servable is standing[0]
        gate.set()
        while answering(manager) is servable and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not servable.closed
    refresh.join()
    assert servable.closed
    gate.clear()
    registry.push("m", saved_model("two"), {})
    refresh = threading.Thread(target=manager.refresh)
    refresh.start()
    time.sleep(0.1)
    assert serving(manager, label="stable") == 1  # a version that answers needs nobody to stand in for its successor
    gate.set()
    refresh.join()
    assert (serving(manager, label="stable"), len(standing)) == (2, 1)


def test_it_is_not_ready_before_the_labels_point_at_what_was_loaded(registry, saved_model, monkeypatch):
    manager, ready = Manager(registry.root, Fake), []
    publish = manager._publish

    def note(*args, **kwargs):
        publish(*args, **kwargs)
        ready.append(manager.ready())

    monkeypatch.setattr(manager, "_publish", note)
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    assert ready == [False]
    assert manager.ready()


def test_what_stands_in_stays_when_the_version_cannot_be_loaded(registry, saved_model, retries):
    retries()

    def load(path):
        raise OSError("no memory")

    manager = Manager(registry.root, load, Fake)
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    assert (serving(manager), manager.states("m")) == (1, [(1, "AVAILABLE", "no memory")])
    manager.stop()


def test_progress_is_told(registry, saved_model, retries):
    retries()
    gate = threading.Event()

    def load(path):
        assert gate.wait(10)
        raise ValueError("this graph is broken")

    manager = Manager(registry.root, load)
    registry.push("m", saved_model("one"), {})
    refresh = threading.Thread(target=manager.refresh)
    refresh.start()
    deadline = time.monotonic() + 5
    while not manager.progress() and time.monotonic() < deadline:
        time.sleep(0.01)
    [loading] = manager.progress()
    assert str(loading) == "m version 1 is loading, 0 s so far"
    gate.set()
    refresh.join()
    [failed] = manager.progress()
    assert (failed.state, failed.seconds, failed.error) == ("END", None, "this graph is broken")


def test_a_version_in_use_is_not_unloaded(registry, manager, saved_model):
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    registry.push("m", saved_model("two"), {})
    registry.unlabel("m", "previous")
    with manager.use("m") as (number, servable):
        refresh = threading.Thread(target=manager.refresh)
        refresh.start()
        deadline = time.monotonic() + 5
        while serving(manager) == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (number, serving(manager), servable.closed) == (1, 2, False)
    refresh.join()
    assert servable.closed


def test_a_rollback_waits_for_no_loading(registry, saved_model):
    gate = threading.Event()

    def slowly(path):
        if path.name == "1" and gate.is_set():
            gate.clear()
            assert gate.wait(10)
        return Fake(path)

    manager = Manager(registry.root, slowly)
    for content in ("one", "two", "three"):
        registry.push("m", saved_model(content), {})
        manager.refresh()
    assert [state[1] for state in manager.states("m")] == ["AVAILABLE", "AVAILABLE", "END"]
    registry.rollback("m")  # to 2, with 1 to be loaded again as the one before
    gate.set()
    refresh = threading.Thread(target=manager.refresh)
    refresh.start()
    while gate.is_set():
        time.sleep(0.01)
    assert serving(manager, label="stable") == 2
    assert manager.states("m", 1)[0][1] == "LOADING"
    gate.set()
    refresh.join()
    assert serving(manager, label="previous") == 1
    manager.stop()


def test_versions_are_loaded_beside_one_another(registry, saved_model):
    both = threading.Barrier(2)

    def together(path):
        both.wait(10)
        return Fake(path)

    for name in ("m", "n"):
        registry.push(name, saved_model("one"), {})
    manager = Manager(registry.root, together)
    manager.refresh()
    assert manager.ready()
    manager.stop()


def test_labels_are_followed_while_a_version_loads(registry, saved_model, monkeypatch):
    monkeypatch.setattr("easel_serving.server.loading.manager._LOOK_SECONDS", 0.05)
    gate = threading.Event()

    def load(path):
        assert path.name != "3" or gate.wait(10)
        return Fake(path)

    manager = Manager(registry.root, load)
    for content in ("one", "two"):
        registry.push("m", saved_model(content), {})
    manager.refresh()
    registry.push("m", saved_model("three"), {})
    refresh = threading.Thread(target=manager.refresh)
    refresh.start()
    registry.rollback("m", 1)
    deadline = time.monotonic() + 5
    while serving(manager, label="stable") != 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert serving(manager, label="stable") == 1
    gate.set()
    refresh.join()
    assert serving(manager, label="stable") == 1
    manager.stop()


def test_a_request_to_reload_moves_no_label_to_what_is_not_loaded(registry, manager, saved_model):
    registry.push("m", saved_model("one"), {})
    registry.push("m", saved_model("two"), {}, policy="manual")
    manager.refresh()

    def config(versions, labels):
        made = messages.ModelConfig(name="m", base_path="/x/m", version_labels=labels)
        made.model_version_policy.specific.versions.extend(versions)
        return made

    with pytest.raises(StatusError, match="assign label to version 2 of model m, which is not currently available"):
        manager.reload([config([1, 2], {"stable": 2})])
    assert [state[0] for state in manager.states("m")] == [1]
    manager.reload([config([1, 2], {"stable": 1})])
    manager.reload([config([1, 2], {"stable": 2})])
    manager.refresh()
    assert serving(manager, label="stable") == 2
    registry.label("m", "mine", 1)
    manager.refresh()
    assert serving(manager, label="stable") == serving(manager, label="mine") == 1
    manager.reload([])
    with pytest.raises(StatusError, match=r"Latest\(m\)"):
        serving(manager)


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([{"name": "m", "base_path": "/models/.."}], "cannot name a model"),
        ([{"name": "m"}, {"name": "m"}], "Illegal to list model m multiple times"),
        ([{"base_path": "/models/m"}], "a model without a name"),
    ],
)
def test_a_bad_request_to_reload_is_forgotten(registry, manager, saved_model, configs, message):
    """It was remembered, and every later look at the directory failed on it."""
    registry.push("m", saved_model("one"), {})
    manager.refresh()
    with pytest.raises(StatusError, match=message):
        manager.reload([messages.ModelConfig(**config) for config in configs])
    manager.refresh()
    registry.push("m", saved_model("two"), {})
    manager.refresh()
    assert serving(manager, label="stable") == 2


def test_watching_notices_by_itself(registry, manager, saved_model):
    registry.push("m", saved_model("one"), {})
    manager.start(poll_seconds=0.05)
    deadline = time.monotonic() + 60
    while not manager.ready() and time.monotonic() < deadline:
        time.sleep(0.01)
    (registry.root / "models.config").write_text("{ not a configuration")
    time.sleep(0.2)
    assert serving(manager) == 1


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("", [3]), ("model_version_policy { latest { num_versions: 2 } }", [3, 2]),
     ("model_version_policy { all {} }", [3, 2, 1]),
     ("model_version_policy { specific { versions: [1, 2] } }", [2, 1])],
)  # fmt: skip
def test_version_policies(policy, expected, registry, manager, saved_model):
    for content in ("one", "two", "three"):
        registry.push("m", saved_model(content), {})
    config = f'model_config_list {{ config {{ name: "m" base_path: "/models/m" {policy} }} }}'
    (registry.root / "models.config").write_text(config)
    manager.refresh()
    assert [state[0] for state in manager.states("m")] == expected
