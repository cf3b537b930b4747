import numpy as np
import pytest

from tests.serving import attacks

tf = pytest.importorskip("tensorflow")
prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def test_reads_what_tensorflow_serving_writes(tmp_path):
    from easel_serving.server.loading import warmup

    predict, classify, passed_over = (prediction_log_pb2.PredictionLog() for _ in range(3))
    request = predict.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = "m", "stylize"
    request.model_spec.version.value = 7
    codes = np.array([[0.5, -2.0]], np.float32)
    for name, value in (("content_bytes", np.array([b"\xff\x00"], object)), ("style_code", codes)):
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    request.output_filter.append("x")
    example = attacks.example(b"photo")
    classify.classify_log.request.input.example_list.examples.add().ParseFromString(example)
    passed_over.regress_log.request.model_spec.name = "m"
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for log in (predict, classify, passed_over):
            writer.write(log.SerializeToString())

    (name, inputs), (default, examples) = warmup.requests(tmp_path / "records")
    assert (name, default) == ("stylize", "")
    assert inputs["content_bytes"].tolist() == [b"\xff\x00"]
    np.testing.assert_array_equal(inputs["style_code"], codes)
    assert examples["inputs"].tolist() == [example]


def test_what_is_no_record_is_named(tmp_path):
    from easel_serving.server.loading import warmup

    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        writer.write(b"\xff" * 9)
    with pytest.raises(ValueError, match="records: no PredictionLog"):
        list(warmup.requests(tmp_path / "records"))
