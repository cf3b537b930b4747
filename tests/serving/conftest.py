import pytest


@pytest.fixture
def saved_model(tmp_path):
    """Makes stand-ins for SavedModels: the registry reads bytes, not graphs."""

    def make(content):
        root = tmp_path / f"model-{content}"
        for folder in ("variables", "assets"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "saved_model.pb").write_text(content)
        (root / "variables" / "variables.index").write_text("index")
        return root

    return make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Two SavedModels with the contract's signatures: `colours` says red or blue, `echo` shows what it was given."""
    tf = pytest.importorskip("tensorflow")
    strings = tf.TensorSpec([None], tf.string)
    floats = tf.TensorSpec([None], tf.float32)

    class Colours(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
        def serve(self, image_bytes):
            def one(data):
                mean = tf.reduce_mean(tf.cast(tf.io.decode_image(data, 3, expand_animations=False), tf.float32), (0, 1))
                return tf.stack([mean[2], mean[0]]) / 255.0

            scores = tf.map_fn(one, image_bytes, fn_output_signature=tf.float32)
            classes = tf.tile(tf.constant([["blue", "red"]]), [tf.shape(scores)[0], 1])
            return {"classes": classes, "scores": scores, "label": tf.gather(["blue", "red"], tf.argmax(scores, 1))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def classify(self, inputs):
            parsed = tf.io.parse_example(inputs, {"image/encoded": tf.io.FixedLenFeature([], tf.string)})
            served = self.serve(parsed["image/encoded"])
            return {"classes": served["classes"], "scores": served["scores"]}

    class Echo(tf.Module):
        @tf.function(input_signature=[strings, strings, floats])
        def serve(self, content_bytes, style_bytes, strength):
            return {
                "stylized_bytes": tf.strings.join(
                    [content_bytes, style_bytes, tf.strings.as_string(strength, shortest=True)], "|"
                )
            }

        @tf.function(input_signature=[strings, strings, floats])
        def named(self, content_bytes, style_name, strength):
            del strength
            return {"stylized_bytes": tf.strings.join([content_bytes, style_name], "|")}

        @tf.function(input_signature=[strings])
        def encode(self, style_bytes):
            lengths = tf.cast(tf.strings.length(style_bytes), tf.float32)
            return {"style_code": tf.stack([lengths, 0.1 * lengths], axis=1)}

        @tf.function(input_signature=[strings, tf.TensorSpec([None, 2], tf.float32, name="style_code")])
        def code(self, content_bytes, style_code):
            return {
                "stylized_bytes": tf.strings.join(
                    [content_bytes, tf.strings.as_string(style_code[:, 0], shortest=True)], "|"
                )
            }

    root = tmp_path_factory.mktemp("tiny")
    colours, echo = Colours(), Echo()
    tf.saved_model.save(
        colours, str(root / "colours"), signatures={"serving_default": colours.serve, "classify": colours.classify}
    )
    tf.saved_model.save(
        echo,
        str(root / "echo"),
        signatures={
            "serving_default": echo.serve,
            "stylize_named": echo.named,
            "encode_style": echo.encode,
            "stylize": echo.code,
        },
    )
    (root / "styles").mkdir()
    (root / "styles/styles.json").write_text('[{"name": "Great-Wave"}, {"name": "starry-night"}]')
    return root


@pytest.fixture(scope="session")
def serving(tiny):
    """A serving directory with both, as `photos` and `painter`."""
    from easel_serving.registry import Registry

    registry = Registry(tiny / "serving")
    registry.push("photos", tiny / "colours", {"kind": "classifier"})
    registry.push("painter", tiny / "echo", {"kind": "style"}, attachments=tiny / "styles")
    return registry.root
