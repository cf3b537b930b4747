"""Messages of TensorFlow Serving and TensorFlow, made here so that reading one takes neither.

Names and numbers of the fields are those of TensorFlow Serving's `config/model_server_config.proto`,
`config/{logging,log_collector,monitoring}_config.proto`, `sources/storage_path/file_system_storage_path_source.proto`,
`servables/tensorflow/session_bundle_config.proto` (BatchingParameters), `apis/{model,get_model_status,
model_management,prediction_log,predict,classification,input}.proto` and `util/status.proto`, and of TensorFlow's
`core/protobuf/{saved_model,meta_graph}.proto` and `core/example/{example,feature}.proto`, of which only what Easel
looks at is here; what is passed on as it is counts as `bytes`, which in the wire format a message is, too. Text and
bytes are interchangeable with their own classes. The messages live in a pool of their own: a process that also imports
`tensorflow_serving` would otherwise have two of one name.
"""

import re
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
    text_format,
    wrappers_pb2,
)

from easel_serving.protocol import value_count

DecodeError = message.DecodeError
"""Bytes are no such message."""

_PACKAGE = "easel.serving"
_KINDS = descriptor_pb2.FieldDescriptorProto

# Type, name, number; `*` after the type is a repeated field, fields with a common word at the end exclude each other.
_MESSAGES = {
    "ModelServerConfig": (
        "ModelConfigList model_config_list 1 config",
        ".google.protobuf.Any custom_model_config 2 config",
    ),
    "ModelConfigList": ("ModelConfig* config 1",),
    "ModelConfig": (
        "string name 1",
        "string base_path 2",
        "ModelType model_type 3",
        "string model_platform 4",
        "LoggingConfig logging_config 6",
        "ServableVersionPolicy model_version_policy 7",
        "map<int64> version_labels 8",
    ),
    "ServableVersionPolicy": (
        "Latest latest 100 policy_choice",
        "All all 101 policy_choice",
        "Specific specific 102 policy_choice",
    ),
    "Latest": ("uint32 num_versions 1",),
    "All": (),
    "Specific": ("int64* versions 1",),
    "LoggingConfig": ("LogCollectorConfig log_collector_config 1", "SamplingConfig sampling_config 2"),
    "LogCollectorConfig": ("string type 1", "string filename_prefix 2"),
    "SamplingConfig": ("double sampling_rate 1", "int32 attributes 2"),
    "MonitoringConfig": ("PrometheusConfig prometheus_config 1",),
    "PrometheusConfig": ("bool enable 1", "string path 2"),
    "BatchingParameters": (
        ".google.protobuf.Int64Value max_batch_size 1",
        ".google.protobuf.Int64Value batch_timeout_micros 2",
        ".google.protobuf.Int64Value max_enqueued_batches 3",
        ".google.protobuf.Int64Value num_batch_threads 4",
        ".google.protobuf.StringValue thread_pool_name 5",
        "int64* allowed_batch_sizes 6",
        "bool pad_variable_length_inputs 7",
    ),
    "ModelSpec": (
        "string name 1",
        ".google.protobuf.Int64Value version 2",
        "string signature_name 3",
        "string version_label 4",
    ),
    "StatusProto": ("int32 error_code 1", "string error_message 2"),
    "GetModelStatusRequest": ("ModelSpec model_spec 1",),
    "ModelVersionStatus": ("int64 version 1", "State state 2", "StatusProto status 3"),
    "GetModelStatusResponse": ("ModelVersionStatus* model_version_status 1",),
    "ReloadConfigRequest": ("ModelServerConfig config 1",),
    "ReloadConfigResponse": ("StatusProto status 1",),
    "SavedModel": ("MetaGraphDef* meta_graphs 2",),
    "MetaGraphDef": ("AssetFileDef* asset_file_def 6", "bytes object_graph_def 7"),
    "AssetFileDef": ("string filename 2",),
    "BytesList": ("bytes* value 1",),
    "FloatList": ("float* value 1",),
    "Int64List": ("int64* value 1",),
    "Feature": ("BytesList bytes_list 1 kind", "FloatList float_list 2 kind", "Int64List int64_list 3 kind"),
    "Features": ("map<Feature> feature 1",),
    "Example": ("Features features 1",),
    "PredictRequest": ("ModelSpec model_spec 1", "map<bytes> inputs 2"),
    "ExampleList": ("bytes* examples 1",),
    "Input": ("ExampleList example_list 1",),
    "ClassificationRequest": ("ModelSpec model_spec 1", "Input input 2"),
    "PredictLog": ("PredictRequest request 1",),
    "ClassifyLog": ("ClassificationRequest request 1",),
    "PredictionLog": ("ClassifyLog classify_log 2", "PredictLog predict_log 6"),
}
_ENUMS = {
    "ModelType": {"MODEL_TYPE_UNSPECIFIED": 0, "TENSORFLOW": 1, "OTHER": 2},
    "State": {"UNKNOWN": 0, "START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50},
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="easel/serving/config.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.extend([any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name])
    for name, values in _ENUMS.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field in fields:
            _add(described, *field.split())
    return file


def _add(described: descriptor_pb2.DescriptorProto, kind: str, name: str, number: str, choice: str = "") -> None:
    of_map = re.fullmatch(r"map<(\w+)>", kind)
    repeated = kind.endswith("*") or of_map is not None
    field = described.field.add(name=name, number=int(number))
    field.label = _KINDS.LABEL_REPEATED if repeated else _KINDS.LABEL_OPTIONAL
    kind = kind.removesuffix("*")
    if of_map:
        entry = described.nested_type.add(name="".join(map(str.capitalize, name.split("_"))) + "Entry")
        entry.options.map_entry = True
        _add(entry, "string", "key", "1")
        _add(entry, of_map[1], "value", "2")
        field.type, field.type_name = _KINDS.TYPE_MESSAGE, f".{_PACKAGE}.{described.name}.{entry.name}"
    elif kind[0].islower():
        field.type = _KINDS.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type = _KINDS.TYPE_ENUM if kind in _ENUMS else _KINDS.TYPE_MESSAGE
        field.type_name = kind if kind.startswith(".") else f".{_PACKAGE}.{kind}"
    if choice:
        if choice not in [known.name for known in described.oneof_decl]:
            described.oneof_decl.add(name=choice)
        field.oneof_index = 0


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, wrappers_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(_file().SerializeToString())
    return pool


_POOL = _pool()
# protobuf before 4.22 has no GetMessageClass, later ones no GetPrototype
_class_of = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(_POOL).GetPrototype


def _class(name: str) -> Any:
    return _class_of(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


ModelServerConfig: Any = _class("ModelServerConfig")
"""`models.config`."""
ModelConfig: Any = _class("ModelConfig")
"""One model in it."""
MonitoringConfig: Any = _class("MonitoringConfig")
"""`monitoring.config`."""
BatchingParameters: Any = _class("BatchingParameters")
"""`batching.config`."""
GetModelStatusRequest: Any = _class("GetModelStatusRequest")
GetModelStatusResponse: Any = _class("GetModelStatusResponse")
ReloadConfigRequest: Any = _class("ReloadConfigRequest")
ReloadConfigResponse: Any = _class("ReloadConfigResponse")
SavedModel: Any = _class("SavedModel")
"""`saved_model.pb`: which assets it needs, and its objects (which TensorFlow 1 did not write)."""
Example: Any = _class("Example")
PredictionLog: Any = _class("PredictionLog")
"""A record of `assets.extra/tf_serving_warmup_requests`."""
STATES: dict[int, str] = {number: name for name, number in _ENUMS["State"].items()}
"""What became of a version, `ModelVersionStatus.State`."""


def parse(text: str, kind: Any, allow_unknown: bool = False) -> Any:
    """A message of the class `kind` from protocol buffers' text format.

    Args:
        text: a file's content.
        kind: one of the classes above.
        allow_unknown: passes over fields that are not known here; only for what is not written again.

    Raises:
        ValueError: it is no such message; the text says where and why.
    """
    try:
        return text_format.Parse(text, kind(), allow_unknown_field=allow_unknown)
    except text_format.ParseError as error:
        raise ValueError(" ".join(str(error).split())) from None


def decode(data: bytes, kind: Any) -> Any:
    """A message of the class `kind` from protocol buffers' wire format.

    Raises:
        ValueError: it is no such message, not all of the bytes belong to it, or it has too many values (`value_count`).
    """
    try:
        value_count.check(data, kind)
    except ValueError as error:
        raise ValueError(f"no {kind.DESCRIPTOR.name} that is read ({error})") from None
    decoded = kind()
    try:
        # protobuf 3 takes a stray end of a group for the message's, warns, and says how far it came.
        complete = decoded.ParseFromString(data) == len(data)
    except (DecodeError, SystemError, RuntimeWarning):  # the latter two where its warning is an error
        complete = False
    if not complete:
        raise ValueError(f"no {kind.DESCRIPTOR.name} in protocol buffers' wire format")
    return decoded


def render(document: Any) -> str:
    """The text format of a message."""
    return text_format.MessageToString(document, as_utf8=True)
