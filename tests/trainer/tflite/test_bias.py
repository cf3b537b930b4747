import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.trainer.tflite.conftest import photo
from trainer.tflite import bias
from trainer.tflite.convert import convert
from trainer.tflite.file import packed, unpacked
from trainer.tflite.run import Runner


def samples():
    return [{"image": photo(seed, 32)} for seed in range(8)]


@pytest.fixture(scope="module")
def files(classifier):
    """The network in float32 and in int8."""
    return [convert(classifier.saved_model, variant, samples) for variant in ("float32", "int8")]


def biases(content):
    """Each convolution's and dense layer's int32 bias, by the name of its output."""
    model = unpacked(content)
    (graph,) = model.subgraphs
    return model, {
        graph.tensors[op.outputs[0]].name: (model.buffers[tensor.buffer], np.asarray(tensor.quantization.scale))
        for op in graph.operators
        if len(op.inputs) == 3 and op.inputs[2] >= 0
        if (tensor := graph.tensors[op.inputs[2]]).type == schema.TensorType.INT32
    }


def shifted(content, by):
    """The file with `by` added to or taken from each channel of every such layer."""
    model, found = biases(content)
    for buffer, scale in found.values():
        values = np.frombuffer(bytes(buffer.data), np.int32)
        values = values + np.rint(by / scale) * np.resize([1, -1], len(values))
        buffer.data = values.astype(np.int32).view(np.uint8)
    return packed(model)


def error(content, reference):
    """The largest difference of a score over some photos."""
    runs = [Runner(each, 1) for each in (content, reference)]
    return max(np.abs(np.subtract(*(run(sample)["scores"] for run in runs))).max() for sample in samples())


def shifts(content, reference):
    """By how much each layer's channels differ from the float file's on average over photos, a mean per layer."""
    model, original = unpacked(content), unpacked(reference)
    return np.array(
        [
            np.abs(channel_means(model, layer.output) - channel_means(original, layer.reference)).mean()
            for layer in bias._layers(model, original)
        ]
    )


def channel_means(model, output):
    """A tensor's mean in each channel over photos, by a run of the whole graph."""
    cut = bias._cut(model, 0, len(model.subgraphs[0].operators), [output])
    return np.mean([bias._channels(*found[output])[0] for found in bias._run(cut, bias._fed(model, samples()))], axis=0)


def test_a_shift_of_every_layer_is_found_and_taken_back(files):
    floating, integers = files
    broken = shifted(integers, 0.05)
    mended = bias.corrected(broken, floating, samples())
    before, after = shifts(broken, floating), shifts(mended, floating)
    assert len(before) >= 2
    assert (before > 0.01).all()
    assert (after < before / 3).all()
    # The scores themselves have steps of 1/256.
    assert error(mended, floating) <= error(integers, floating) + 1.5 / 256


def test_without_examples_nothing_changes(files):
    floating, integers = files
    assert bias.corrected(integers, floating, []) == integers
