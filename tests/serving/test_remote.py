"""Leading a TensorFlow Serving by two requests; it is played here by what its source does with a configuration."""

import threading
from concurrent import futures

import pytest
from easel_serving.errors import ServingError
from easel_serving.registry import Registry
from easel_serving.remote import NotToldError, Remote

grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")
from tensorflow_serving.apis import (  # noqa: E402
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)


class Played(model_service_pb2_grpc.ModelServiceServicer):
    """`ServerCore::ReloadConfig`: labels first, all or nothing, at loaded versions unless they are new; then versions.

    A version is loaded when its state was asked for twice; one in `broken` ends with an error.
    """

    def __init__(self):
        self.labels, self.states, self.broken = {}, {}, set()
        self.history = []
        self._lock = threading.Lock()

    def HandleReloadConfigRequest(self, request, context):
        with self._lock:
            configs = {config.name: config for config in request.config.model_config_list.config}
            for name, config in configs.items():
                for label, version in config.version_labels.items():
                    moves = self.labels.get(name, {}).get(label, version) != version
                    if moves and self.states.get(name, {}).get(version) != "AVAILABLE":
                        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"assign label to version {version}")
            self.labels = {name: dict(config.version_labels) for name, config in configs.items()}
            self.history.append(self.labels)
            for name, config in configs.items():
                wanted = set(config.model_version_policy.specific.versions)
                states = self.states.setdefault(name, {})
                for version in wanted - {number for number, state in states.items() if state != "END"}:
                    states[version] = "AVAILABLE" if len(states) == 0 else "START"
                for version in set(states) - wanted:
                    states[version] = "END"
        return model_management_pb2.ReloadConfigResponse()

    def GetModelStatus(self, request, context):
        response = get_model_status_pb2.GetModelStatusResponse()
        with self._lock:
            states = self.states.get(request.model_spec.name, {})
            if not states:
                context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
            for version, state in states.items():
                status = response.model_version_status.add(version=version)
                status.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
                if version in self.broken:
                    status.state = get_model_status_pb2.ModelVersionStatus.END
                    status.status.error_message = "no variables"
                states[version] = {"START": "LOADING", "LOADING": "AVAILABLE"}.get(state, state)
        return response


@pytest.fixture
def played():
    servicer = Played()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(0).wait()


@pytest.fixture
def registry(played, tmp_path):
    return Registry(tmp_path / "serving", server=Remote(played.address, timeout=10))


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
    played.broken = {2}
    with pytest.raises(ServingError, match="version 2 cannot be loaded: no variables; nothing was changed"):
        registry.promote("m", 2)
    assert registry.labels("m") == played.labels["m"] == {"stable": 1}
    assert played.states["m"][2] == "END"


def test_a_push_that_the_server_cannot_load_leaves_its_labels(registry, played, saved_model):
    registry.push("m", saved_model("one"), {})
    played.broken = {2}
    with pytest.raises(NotToldError, match=r"cannot be loaded: no variables; the change is made in .*models.config"):
        registry.push("m", saved_model("two"), {})
    assert registry.labels("m")["stable"] == 2
    assert played.labels["m"]["stable"] == 1
    assert registry.stable("m").number == 2


def test_a_server_that_is_not_there_is_named(tmp_path, saved_model):
    lonely = Registry(tmp_path / "serving", server=Remote("127.0.0.1:9", timeout=1))
    with pytest.raises(NotToldError, match=r"127.0.0.1:9: UNAVAILABLE"):
        lonely.push("m", saved_model("one"), {})
    assert lonely.labels("m") == {"stable": 1}
    with pytest.raises(ServingError, match="nothing was changed"):
        lonely.label("m", "mine", 1)
    assert lonely.labels("m") == {"stable": 1}
