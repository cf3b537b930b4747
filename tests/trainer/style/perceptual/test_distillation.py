import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style.perceptual import light, losses
from trainer.style.perceptual.distillation import Cases, Student, label, objective, optimised
from trainer.style.perceptual.network import CONTENT_LAYER, STYLE_LAYERS, Perceptual
from trainer.style.perceptual.vgg19 import VGG19


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8) for _ in range(3)]
    return Cases(*images, np.array([(1, 10), (1, 0)], np.float32))


@pytest.fixture(scope="module")
def labelled(cases):
    vgg19 = VGG19("none", "reflect")
    return vgg19, label(vgg19, *(tf.cast(values, tf.float32) for values in cases))


def distances(network, cases, pictures):
    content = network(tf.cast(cases.photos, tf.float32))[CONTENT_LAYER]
    style = losses.moments(network(tf.cast(cases.paintings, tf.float32)))
    return objective(network(tf.cast(pictures, tf.float32)), content, style, tf.constant(cases.weights)).numpy()


def test_labels_are_vgg19s_features_and_slopes(cases, labelled):
    vgg19, found = labelled
    features = vgg19(tf.cast(cases.pictures, tf.float32))
    assert set(found.features) == set(STYLE_LAYERS[1:])
    np.testing.assert_allclose(found.features[CONTENT_LAYER], features[CONTENT_LAYER], rtol=1e-2, atol=1e-2)
    # A step against the slope lowers the distance by the step's length times the slope.
    gradients = found.gradients.numpy().astype(np.float32)
    np.testing.assert_allclose(np.mean(gradients**2, (1, 2, 3)), 1, rtol=1e-2)
    pictures, along = cases.pictures.astype(np.float32), np.random.default_rng(1).choice((-1.0, 1.0), gradients.shape)
    slopes = [
        (distances(vgg19, cases, pictures + 0.5 * way) - distances(vgg19, cases, pictures - 0.5 * way))
        for way in (gradients, along.astype(np.float32))
    ]
    assert (slopes[0] > 5 * np.abs(slopes[1])).all()


def test_pictures_move_to_what_the_network_would_have(cases):
    network = Perceptual("light", "reflect")
    moved = optimised(network, cases, [12, 6], 5.0)
    assert moved.dtype == np.uint8
    assert (distances(network, cases, moved) < 0.9 * distances(network, cases, cases.pictures)).all()


def test_a_student_learns_and_goes_on_where_it_was(cases, labelled):
    def student():
        weights = light.initial(*labelled[0].first_layer(), 3)
        return Student(weights, keras.optimizers.Adam(1e-3), "float32")

    labels = tf.nest.map_structure(lambda value: value.numpy(), labelled[1])
    first = student()
    errors = [first.fit(cases, labels) for _ in range(4)]
    assert errors[-1][CONTENT_LAYER] < errors[0][CONTENT_LAYER]
    second = student()
    second.restore(first.state())
    for name, value in second.weights.items():
        np.testing.assert_array_equal(value, first.weights[name])
    assert second.fit(cases, labels)[CONTENT_LAYER] == pytest.approx(first.fit(cases, labels)[CONTENT_LAYER], rel=1e-4)
