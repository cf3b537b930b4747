"""Our messages beside TensorFlow Serving's and TensorFlow's own, in one process."""

import subprocess
import sys
import time

import pytest
from easel_serving.protocol import messages
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import config_files
from google.protobuf import descriptor_pb2

HAND_WRITTEN = """
# by hand
model_config_list: {
  config { name: 'a' "b", base_path: "/m/\\"x\\"", model_platform: "tensorflow"
           model_version_policy: { specific { versions: [1, 2] versions: 3 } }
           version_labels { key: "stable" value: 3 } }
  config < name: "ü"; model_type: TENSORFLOW; logging_config { sampling_config { sampling_rate: 0.5 } } >
}
"""


def test_reads_what_people_write_and_writes_what_it_reads():
    message = messages.parse(HAND_WRITTEN, messages.ModelServerConfig)
    first, second = message.model_config_list.config
    assert (first.name, first.base_path, list(first.model_version_policy.specific.versions)) == (
        "ab", '/m/"x"', [1, 2, 3]
    )  # fmt: skip
    assert second.logging_config.sampling_config.sampling_rate == 0.5
    assert 'name: "ü"' in messages.render(message)
    assert messages.parse(messages.render(message), messages.ModelServerConfig) == message


@pytest.mark.parametrize("text", ["a {", "a", "1: 2", "model_config_list {", "model_config_list { config { nam: 1 } }"])
def test_refuses_what_is_no_message_in_one_line(text):
    with pytest.raises(ValueError, match=r"^1:\d+ : [^\n]+$"):
        messages.parse(text, messages.ModelServerConfig)


def test_a_hand_in_the_configuration_is_named_and_not_overwritten(tmp_path):
    path = tmp_path / "models.config"
    path.write_text("model_config_list { config { nam: 1 } }")
    with pytest.raises(
        ServingError, match=r'models.config: not a TensorFlow Serving model configuration .*named "nam"'
    ):
        config_files.write_model(tmp_path, "m", {"stable": 1}, "/models/m")
    path.write_text('custom_model_config { type_url: "x" }')
    with pytest.raises(ServingError, match="custom_model_config"):
        config_files.write_model(tmp_path, "m", {"stable": 1}, "/models/m")
    assert path.read_text() == 'custom_model_config { type_url: "x" }'


def test_they_are_tensorflow_servings_own_in_one_process():
    pytest.importorskip("tensorflow_serving")
    from google.protobuf import text_format
    from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2
    from tensorflow_serving.config import model_server_config_pb2

    ours = messages.parse(HAND_WRITTEN, messages.ModelServerConfig)
    theirs = text_format.Parse(HAND_WRITTEN, model_server_config_pb2.ModelServerConfig())
    assert model_server_config_pb2.ModelServerConfig.FromString(ours.SerializeToString()) == theirs
    assert text_format.Parse(messages.render(ours), model_server_config_pb2.ModelServerConfig()) == theirs
    for mine, original in (
        (messages.ModelServerConfig, model_server_config_pb2.ModelServerConfig),
        (messages.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
        (messages.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
        (messages.ReloadConfigRequest, model_management_pb2.ReloadConfigRequest),
    ):
        compare(mine.DESCRIPTOR, original.DESCRIPTOR)


def test_a_saved_model_is_read_as_tensorflow_writes_it():
    tensorflow = pytest.importorskip("tensorflow")
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    graph = saved.meta_graphs.add()
    graph.asset_file_def.add(filename="labels.txt")
    graph.object_graph_def.nodes.add().variable.trainable = True
    assert tensorflow.__version__
    [read] = messages.SavedModel.FromString(saved.SerializeToString()).meta_graphs
    assert [asset.filename for asset in read.asset_file_def] == ["labels.txt"]
    assert read.object_graph_def


def test_reading_a_configuration_takes_no_tensorflow():
    code = (
        "import sys, easel_serving.protocol.messages; "
        "sys.exit(any(name.startswith('tensorflow') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def compare(ours, theirs):
    """Every field of ours has their number, name and type, all the way down."""
    known = {field.number: field for field in theirs.fields}
    labels = {field.number: field.label for field in described(theirs).field}
    assert all(field.label == labels[field.number] for field in described(ours).field)
    for field in ours.fields:
        original = known[field.number]
        if field.name != "error_code":  # an enum of TensorFlow's, a number on the wire
            assert (field.name, field.cpp_type) == (original.name, original.cpp_type)
        if field.message_type and not field.message_type.full_name.startswith("google."):
            compare(field.message_type, original.message_type)
        if field.enum_type:
            values = {value.name: value.number for value in original.enum_type.values}
            assert {value.name: value.number for value in field.enum_type.values} == values


def described(descriptor):
    proto = descriptor_pb2.DescriptorProto()
    descriptor.CopyToProto(proto)
    return proto


def field(number, content):
    size, digits = len(content), bytearray()
    while size > 0x7F:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *digits, size]) + content


@pytest.mark.parametrize(
    "data",
    [
        field(1, field(1, b"\x0a\x00") * 200_000),  # features without a name
        field(1, field(1, field(2, field(1, b"\x0a\x00" * 200_000)))),  # empty values of one feature
        b"\x12\x00" * 200_000,  # fields that nobody knows
        b"\x10\x00" * 200_000,
    ],
    ids=["features", "values", "unknown", "numbers"],
)
def test_a_message_of_too_many_values_is_refused_before_it_is_parsed(data):
    """20 MB of such values took 380 to 510 MB as objects."""

    class NeverParsed:
        DESCRIPTOR = messages.Example.DESCRIPTOR

        def ParseFromString(self, data):
            pytest.fail("it was parsed")

    start = time.process_time()
    with pytest.raises(ValueError, match=r"no Example that is read \(more than 100000 values\)"):
        messages.decode(data, NeverParsed)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x0a\x05abc", "cut off"),
        (b"\x0c", "a group"),
        (b"\xff" * 11, "a number without an end"),
        (b"\x0d\x00", "cut off"),
        (b"\x0a", "a number without an end"),
    ],
)
def test_what_is_no_message_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        messages.decode(data, messages.Example)


def test_messages_in_messages_are_counted_so_deep(monkeypatch):
    predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    data = b""
    for _ in range(60):  # a tensor in a variant in a tensor ...
        data = field(15, field(3, data))
    with pytest.raises(ValueError, match="messages in messages, too many"):
        messages.decode(field(2, field(1, b"x") + field(2, data)), predict_pb2.PredictRequest)


def test_a_few_large_values_are_few():
    example = messages.Example()
    example.features.feature["image/encoded"].bytes_list.value.append(bytes(range(256)) * 200_000)
    example.features.feature["scores"].float_list.value.extend([0.5] * 300_000)
    assert messages.decode(example.SerializeToString(), messages.Example) == example
