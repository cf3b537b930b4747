"""Leading a TensorFlow Serving by two requests; it is played here by what its source does with a configuration."""

import os
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import easel_serving
import pytest
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, files, leading, model_service
from easel_serving.registry.model_service import Tls
from easel_serving.registry.registry import Registry
from easel_serving.registry.remote import NotToldError, Remote

grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")
from tensorflow_serving.apis import (  # noqa: E402
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)


class Played(model_service_pb2_grpc.ModelServiceServicer):
    """`ServerCore::ReloadConfig`: labels first, all or nothing, at loaded versions unless they are new; then versions.

    A version is loaded when its state was asked for twice; one in `broken` ends with an error. A model that is new to
    the server is loaded before it answers, and refused when it is broken, after the rest was done.
    """

    def __init__(self):
        self.labels, self.states, self.broken = {}, {}, set()
        self.history = []
        self.reloading = lambda: None
        self._lock = threading.Lock()

    def HandleReloadConfigRequest(self, request, context):
        self.reloading()
        with self._lock:
            configs = {config.name: config for config in request.config.model_config_list.config}
            for name, config in configs.items():
                for label, version in config.version_labels.items():
                    moves = self.labels.get(name, {}).get(label, version) != version
                    if moves and self.states.get(name, {}).get(version) != "AVAILABLE":
                        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"assign label to version {version}")
            new = set(configs) - set(self.labels)
            self.labels = {name: dict(config.version_labels) for name, config in configs.items()}
            self.history.append(self.labels)
            for name, states in self.states.items():
                wanted = set(configs[name].model_version_policy.specific.versions) if name in configs else set()
                for version in set(states) - wanted:
                    states[version] = "END"
            for name, config in configs.items():
                states = self.states.setdefault(name, {})
                for version in config.model_version_policy.specific.versions:
                    if states.get(version, "END") == "END":
                        states[version] = "AVAILABLE" if name in new else "START"
            for name in sorted(new):
                bad = [version for version in self.states[name] if (name, version) in self.broken]
                if bad:
                    for version in bad:
                        self.states[name][version] = "END"
                    context.abort(grpc.StatusCode.UNKNOWN, f"{name}: 1 servable(s) did not become available")
        return model_management_pb2.ReloadConfigResponse()

    def GetModelStatus(self, request, context):
        response = get_model_status_pb2.GetModelStatusResponse()
        name = request.model_spec.name
        with self._lock:
            states = self.states.get(name, {})
            if not states:
                context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
            for version, state in states.items():
                status = response.model_version_status.add(version=version)
                status.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
                if (name, version) in self.broken:
                    status.state = get_model_status_pb2.ModelVersionStatus.END
                    status.status.error_message = "no variables"
                states[version] = {"START": "LOADING", "LOADING": "AVAILABLE"}.get(state, state)
        return response


def serve(servicer, credentials=None):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    port = (
        server.add_secure_port("127.0.0.1:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
    )
    servicer.address = f"127.0.0.1:{port}"
    server.start()
    return server


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(model_service, "_RETRY_SECONDS", 0.1)


@pytest.fixture
def played(monkeypatch):
    monkeypatch.setattr(leading, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(leading, "_SETTLE_SECONDS", 0.2)
    servicer = Played()
    server = serve(servicer)
    yield servicer
    server.stop(0).wait()


@pytest.fixture
def registry(played, tmp_path):
    return Registry(tmp_path / "serving", server=Remote(played.address, timeout=10))


@pytest.fixture
def untold(registry):
    """The same directory, changed by somebody who names no server."""
    return Registry(registry.root)


def test_a_label_moves_once_its_version_is_loaded(registry, played, saved_model):
    registry.push("m", saved_model("one"), {})
    assert played.labels == {"m": {"stable": 1}}
    registry.push("m", saved_model("two"), {})
    assert played.history[-2:] == [{"m": {"stable": 1, "previous": 1}}, {"m": {"stable": 2, "previous": 1}}]
    registry.rollback("m")
    assert played.labels == {"m": {"stable": 1}}
    assert played.states["m"] == {1: "AVAILABLE", 2: "END"}
    registry.promote("m", 2)
    assert played.labels == {"m": {"stable": 2, "previous": 1}}


def test_a_version_that_cannot_be_loaded_is_not_promoted(registry, played, saved_model):
    registry.push("m", saved_model("one"), {})
    registry.push("m", saved_model("two"), {}, policy="manual")
    played.broken = {("m", 2)}
    with pytest.raises(ServingError, match="version 2 cannot be loaded: no variables; nothing was changed"):
        registry.promote("m", 2)
    assert registry.labels("m") == played.labels["m"] == {"stable": 1}
    assert played.states["m"][2] == "END"
    with pytest.raises(ServingError, match="nothing was changed"):
        registry.promote("m", 2, label="canary")
    assert registry.labels("m") == {"stable": 1}
    with pytest.raises(ServingError, match="no version was stable before"):
        registry.rollback("m")


def test_a_push_that_the_server_cannot_load_leaves_its_labels(registry, played, saved_model):
    registry.push("m", saved_model("one"), {})
    played.broken = {("m", 2)}
    with pytest.raises(NotToldError, match=r"cannot be loaded: no variables; the change is made in .*models.config"):
        registry.push("m", saved_model("two"), {})
    assert registry.labels("m")["stable"] == 2
    assert played.labels["m"]["stable"] == 1
    assert registry.stable("m").number == 2


def test_a_server_that_is_not_there_is_named_and_the_change_stands(tmp_path, saved_model):
    lonely = Registry(tmp_path / "serving", server=Remote("127.0.0.1:9", timeout=0.1))
    with pytest.raises(NotToldError, match=r"127.0.0.1:9: UNAVAILABLE"):
        lonely.push("m", saved_model("one"), {})
    assert lonely.labels("m") == {"stable": 1}
    with pytest.raises(NotToldError, match="the change is made"):
        lonely.label("m", "mine", 1)
    assert lonely.labels("m") == {"stable": 1, "mine": 1}


def test_an_unchanged_push_tells_a_server_that_has_not_heard(registry, untold, played, saved_model):
    registry.push("m", saved_model("one"), {})
    untold.push("m", saved_model("two"), {})
    assert played.labels["m"] == {"stable": 1}
    assert registry.push("m", saved_model("two"), {}).outcome == "unchanged"
    assert played.labels["m"] == {"stable": 2, "previous": 1}


def test_what_failed_once_is_tried_again(registry, played, saved_model):
    registry.push("m", saved_model("one"), {})
    played.broken = {("m", 2)}
    with pytest.raises(NotToldError):
        registry.push("m", saved_model("two"), {})
    played.broken = set()
    assert registry.push("m", saved_model("two"), {}).outcome == "unchanged"
    assert played.labels["m"] == {"stable": 2, "previous": 1}


def test_a_broken_model_holds_up_no_other(registry, untold, played, saved_model):
    for name in ("a", "b"):
        registry.push(name, saved_model("one"), {})
    for name in ("a", "b", "new", "newer"):
        untold.push(name, saved_model("two"), {})
    played.broken = {("a", 2), ("new", 1)}
    with pytest.raises(NotToldError) as error:
        registry.push("newer", saved_model("two"), {})
    assert error.value.missing == {("a", 2), ("new", 1)}
    assert "a version 2 cannot be loaded: no variables" in str(error.value)
    assert "new version 1 cannot be loaded: new: 1 servable(s) did not become available" in str(error.value)
    assert played.labels == {
        "a": {"stable": 1, "previous": 1},
        "b": {"stable": 2, "previous": 1},
        "newer": {"stable": 1},
    }


def test_a_version_that_lost_its_folder_is_not_waited_for(registry, untold, played, saved_model):
    registry.push("a", saved_model("one"), {})
    untold.push("a", saved_model("two"), {})
    files.remove(registry.root / "a/2")
    with pytest.raises(NotToldError, match="a version 2 has lost its folder"):
        registry.push("b", saved_model("one"), {})
    assert played.labels == {"a": {"stable": 1, "previous": 1}, "b": {"stable": 1}}


def test_nobody_waits_for_the_server_with_the_lock(registry, untold, played, saved_model):
    registry.push("m", saved_model("one"), {})
    registry.push("m", saved_model("two"), {})
    asked, answer = threading.Event(), threading.Event()

    def slowly():
        asked.set()
        assert answer.wait(20)

    played.reloading = slowly
    rollback = threading.Thread(target=registry.rollback, args=("m",))
    rollback.start()
    assert asked.wait(20)
    assert untold.labels("m") == {"stable": 1}  # files first
    hasty = Registry(untold.root, timeout=0)
    assert hasty.push("m", saved_model("three"), {}).outcome == "pushed"
    answer.set()
    rollback.join()


def between(played, act):
    """Has something happen once, while the server is told."""

    def once():
        played.reloading = lambda: None
        act()

    played.reloading = once


def failing(registry, played, saved_model, act):
    """Promotes a version that cannot be loaded; meanwhile another writer acts."""
    for content in ("one", "two", "three"):
        registry.push("m", saved_model(content), {})
    registry.promote("m", 2)
    registry.push("m", saved_model("bad"), {}, policy="manual")
    played.broken = {("m", 4)}
    between(played, act)
    with pytest.raises(ServingError) as error:
        registry.promote("m", 4)
    return error.value


def test_an_undo_takes_back_nothing_that_another_writer_decided(registry, untold, played, saved_model):
    """The other promotes the same version: the labels are as they were after the first promotion, and are his."""
    error = failing(registry, played, saved_model, lambda: untold.promote("m", 4, why="I know what I do"))
    assert isinstance(error, NotToldError)
    assert registry.labels("m") == {"stable": 4, "previous": 2}
    assert [each["action"] for each in audit.read(registry.root)][-2:] == ["promote", "promote"]
    assert played.labels["m"]["stable"] == 2


def test_an_undo_takes_back_nothing_after_others_came_and_went(registry, untold, played, saved_model):
    def there_and_back():
        untold.promote("m", 1)
        untold.promote("m", 2)
        untold.promote("m", 4)

    assert isinstance(failing(registry, played, saved_model, there_and_back), NotToldError)
    assert registry.labels("m") == {"stable": 4, "previous": 2}


def test_an_undo_points_at_nothing_that_is_gone(registry, untold, played, saved_model):
    error = failing(registry, played, saved_model, lambda: untold.gc("m", keep=1))
    assert isinstance(error, NotToldError)
    assert registry.labels("m") == {"stable": 4, "previous": 2}  # the version that was `previous` before is collected


def test_an_undo_passes_over_what_decides_nothing(registry, untold, played, saved_model):
    error = failing(registry, played, saved_model, lambda: untold.push("m", saved_model("more"), {}, policy="manual"))
    assert "nothing was changed" in str(error)
    assert registry.labels("m") == played.labels["m"] == {"stable": 2, "previous": 3}


def test_a_change_that_is_made_while_the_server_is_told_is_not_undone_by_the_telling(
    registry, untold, played, saved_model
):
    """A rollback during the minutes of a slow load: the load's own telling would end with the label on the new one."""
    registry.push("m", saved_model("one"), {})
    between(played, lambda: Registry(untold.root, server=Remote(played.address, timeout=10)).rollback("m"))
    registry.push("m", saved_model("two"), {})
    assert registry.labels("m") == {"stable": 1}
    assert played.labels["m"] == {"stable": 1}
    between(played, lambda: untold.promote("m", 2))
    registry.promote("m", 1, label="canary")
    assert played.labels["m"]["stable"] == registry.labels("m")["stable"] == 2


def test_a_folder_that_is_no_serving_directory_unloads_nothing(registry, untold, played, saved_model, tmp_path):
    registry.push("m", saved_model("one"), {})
    Remote(played.address, timeout=10).announce(tmp_path / "nowhere")
    assert played.labels == {"m": {"stable": 1}}


def test_tls_with_and_without_a_certificate_of_the_client(tmp_path, saved_model):
    pytest.importorskip("cryptography")
    from tests.serving import certificates

    ca, server_key = certificates.write(tmp_path, "server")
    cert, key = certificates.write(tmp_path, "client")
    pair = [(server_key.read_bytes(), ca.read_bytes())]
    registry = Registry(tmp_path / "serving")
    registry.push("m", saved_model("one"), {})
    for credentials, tls, stranger in (
        (grpc.ssl_server_credentials(pair), Tls(ca), Tls()),
        (grpc.ssl_server_credentials(pair, cert.read_bytes(), True), Tls(ca, cert, key), Tls(ca)),
    ):
        servicer = Played()
        server = serve(servicer, credentials)
        Remote(f"grpcs://{servicer.address}", tls=tls).announce(registry.root)
        assert servicer.labels == {"m": {"stable": 1}}
        with pytest.raises(NotToldError, match="UNAVAILABLE"):
            Remote(f"grpcs://{servicer.address}", timeout=0.1, tls=stranger).announce(registry.root)
        server.stop(0).wait()


def test_the_command_leads_a_server_and_says_in_one_line_what_it_cannot(registry, untold, played, saved_model):
    untold.push("m", saved_model("one"), {})
    command = [sys.executable, "-m", "easel_serving.remote", str(untold.root)]
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}

    def run(*more):
        return subprocess.run([*command, *more], env=environment, capture_output=True, text=True, check=False)

    done = run(played.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert played.labels == {"m": {"stable": 1}}
    command[3] = str(untold.root / "m")
    done = run(played.address)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "m/models.config: not there; nothing was pushed here" in done.stderr
    assert played.labels == {"m": {"stable": 1}}
    done = run("http://nowhere:1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "give TensorFlow Serving's gRPC as HOST:PORT" in done.stderr


@pytest.mark.parametrize(
    ("address", "tls", "said"),
    [
        ("http://h:1", Tls(), "http://h:1: give TensorFlow Serving's gRPC as HOST:PORT or grpcs://HOST:PORT"),
        ("h:1", Tls(ca="ca.pem"), "h:1: certificates are for TLS; give the address as grpcs://h:1"),
        (
            "grpcs://h:1",
            Tls(cert="c.pem"),
            "grpcs://h:1: a client's certificate and its private key are needed together",
        ),
    ],
)
def test_addresses_and_certificates_that_do_not_fit_are_named(address, tls, said):
    with pytest.raises(ServingError) as error:
        Remote(address, tls=tls)
    assert str(error.value) == said


def test_a_certificate_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ServingError, match=r"none.pem: cannot be read \(No such file or directory\)"):
        Remote("grpcs://h:1", tls=Tls(ca=tmp_path / "none.pem")).announce(tmp_path)
