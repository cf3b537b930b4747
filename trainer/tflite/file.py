"""A TFLite file as the objects of its schema, and back."""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"


def unpacked(content: bytes) -> schema.ModelT:
    """The model in a file's content."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def packed(model: schema.ModelT) -> bytes:
    """The file's content."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def operator_code(model: schema.ModelT, op: schema.OperatorT) -> int:
    """The operation's number; files of before 2020 kept it in a byte of its own."""
    code = model.operatorCodes[op.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)
