"""A verified float transformer on photos of any size, whole or in parts.

Its file is made for one size, but its chain of convolutions, norms and resizings asks for none: only the input's shape
and the sizes that are resized to are of it, and they are written anew. Weights and operations, which are what was
verified, stay as they are.

In parts the instance norms need the statistics of the whole photo (Ulyanov et al. 2016, section 3, defines them over
all of it), or the seams show. They are what the file's MEAN operations give: one variation of the file puts them out,
and another takes them in.
"""

import copy
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from easel_serving.models.tflite.network import THREADS, usable
from easel_serving.protocol.errors import ServingError

_Op = schema.BuiltinOperator
_SIZES = 4
"""LiteRT is kept ready for as many sizes: a preview and a whole picture, or what is measured and a part."""

Statistics = Sequence[np.ndarray]
"""Means and variances of the norms' channels, each float32 [1, 1, 1, C], in the order of the file."""
_Kind = Literal["whole", "measure", "part"]


class Transformer:
    """The transformer in a file, for photos whose sides are multiples of 4, each 32 pixels at least.

    Args:
        path: `content` float32 [1, S, S, 3], 0..255, and `style_code` float32 [1, D] -> `stylized` like `content`.

    Raises:
        ServingError: LiteRT cannot use it, or it is no such network.
    """

    def __init__(self, path: Path):
        self._path = path
        with usable(path):
            self._file = _File(path.read_bytes())
        self.reach = self._file.reach()
        """How many pixels around a part its picture depends on; a multiple of 4."""
        self._ready = functools.lru_cache(_SIZES)(self._prepared)

    def __call__(self, photo: np.ndarray, code: np.ndarray, statistics: Statistics | None = None) -> np.ndarray:
        """Paints a photo or, with the statistics of the whole, a part with `reach` pixels to spare at each side.

        The photo is uint8 [H, W, 3], the code float32 [D]; `statistics` are of `measure`, None where the photo is
        whole.

        Returns:
            float32 [H, W, 3], 0..255.
        """
        [painted] = self._run("whole" if statistics is None else "part", photo, code, statistics or ())
        if painted.shape[1:] != photo.shape:
            raise ServingError(f"{self._path}: cannot paint {photo.shape[1]} x {photo.shape[0]} pixels")
        return painted[0]

    def measure(self, photo: np.ndarray, code: np.ndarray) -> Statistics:
        """The statistics of a whole photo, uint8 [H, W, 3], in a style, float32 [D]."""
        return self._run("measure", photo, code, ())

    def _run(self, kind: _Kind, photo: np.ndarray, code: np.ndarray, statistics: Statistics) -> list[np.ndarray]:
        with usable(self._path):
            interpreter, inputs, outputs = self._ready(kind, *photo.shape[:2])
            given = [photo[np.newaxis].astype(np.float32), code[np.newaxis].astype(np.float32), *statistics]
            for index, values in zip(inputs, given, strict=True):
                interpreter.set_tensor(index, values)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in outputs]

    def _prepared(self, kind: _Kind, height: int, width: int) -> tuple[Interpreter, list[int], list[int]]:
        """The interpreter for a size, and the indices of its inputs and outputs."""
        content, inputs, outputs = self._file.varied(kind, height, width)
        interpreter = Interpreter(model_content=content, num_threads=THREADS)
        interpreter.resize_tensor_input(inputs[0], [1, height, width, 3])
        interpreter.allocate_tensors()
        return interpreter, inputs, outputs


class _File:
    """A transformer's file as the objects of its schema.

    Raises:
        Exception: it is damaged, or another network's.
    """

    def __init__(self, content: bytes):
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        (self._graph,) = self._model.subgraphs
        (signature,) = self._model.signatureDefs
        named = {entry.name.decode(): int(entry.tensorIndex) for entry in (*signature.inputs, *signature.outputs)}
        self._content, self._code, self._painted = named["content"], named["style_code"], named["stylized"]
        self._side = self._size(self._content)
        means = [op for op in self._graph.operators if self._is(op, _Op.MEAN)]
        self._statistics = [int(op.outputs[0]) for op in means]
        if any(list(self._graph.tensors[index].shape[:3]) != [1, 1, 1] for index in self._statistics):
            raise ValueError("its means are not those of instance norms")

    def reach(self) -> int:
        """How far away from a pixel of the picture the photo has a say in it, norms apart; a multiple of 4.

        A convolution sees half of its kernel to each side, resizing one pixel, both in pixels of their own resolution.
        """
        reach = {self._content: 0}
        for op in self._graph.operators:
            given = [int(index) for index in op.inputs if index in reach]
            if not given or self._is(op, _Op.MEAN):
                continue
            pixels = 0
            if self._is(op, _Op.CONV_2D, _Op.DEPTHWISE_CONV_2D):
                pixels = self._size(op.inputs[1]) // 2
            elif self._is(op, _Op.RESIZE_BILINEAR):
                pixels = 1
            more = round(pixels / _share(self._size(given[0]), self._side))
            reach |= dict.fromkeys(map(int, op.outputs), more + max(reach[index] for index in given))
        return -(-reach[self._painted] // 4) * 4

    def varied(self, kind: _Kind, height: int, width: int) -> tuple[bytes, list[int], list[int]]:
        """The file for a size of photos, of which its inputs must still be told.

        Args:
            kind: `whole` paints a whole photo; `measure` gives its statistics and no picture; `part` takes them in.
            height: of the photo or the part.
            width: of the photo or the part.

        Returns:
            The content, the indices of the inputs (photo, code, statistics) and of the outputs.
        """
        model, graph = copy.copy(self._model), copy.copy(self._graph)
        model.subgraphs, model.signatureDefs, model.buffers = [graph], [], list(self._model.buffers)
        inputs, outputs = [self._content, self._code], [self._painted]
        if kind == "measure":
            outputs = self._statistics
        elif kind == "part":
            inputs = [*inputs, *self._statistics]
        graph.inputs, graph.outputs = inputs, outputs
        graph.operators = _needed(graph.operators, inputs, outputs)
        for op in graph.operators:
            if self._is(op, _Op.RESIZE_BILINEAR):
                number = graph.tensors[op.inputs[1]].buffer
                sizes = np.frombuffer(bytes(self._model.buffers[number].data), np.int32)
                grown = [
                    size + (wanted - self._side) * _share(size, self._side)
                    for size, wanted in zip(sizes, (height, width), strict=True)
                ]
                model.buffers[number] = copy.copy(model.buffers[number])
                model.buffers[number].data = np.array(grown, np.int32).view(np.uint8)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output()), inputs, outputs

    def _is(self, op: schema.OperatorT, *kinds: int) -> bool:
        code = self._model.operatorCodes[op.opcodeIndex]
        # Files of before 2020 kept the number in a byte of its own.
        return max(code.builtinCode, code.deprecatedBuiltinCode) in kinds

    def _size(self, index: int) -> int:
        """Rows of a tensor [N, H, W, C]."""
        return int(self._graph.tensors[index].shape[1])


def _needed(operators: Sequence[schema.OperatorT], inputs: Sequence[int], outputs: Sequence[int]) -> list:
    """The operators, in their order, without which the outputs could not be had from the inputs.

    XNNPACK ends the process where the result of one is of no use.
    """
    wanted, kept = set(outputs) - set(inputs), []
    for op in reversed(operators):
        if wanted.intersection(map(int, op.outputs)):
            kept.append(op)
            wanted |= set(map(int, op.inputs)) - set(inputs)
    return kept[::-1]


def _share(size: int, side: int) -> float:
    """The resolution at which a photo of `side` pixels has `size`, with its margins: 1, 1/2, 1/4 ..."""
    return 2.0 ** np.round(np.log2(size / side))
