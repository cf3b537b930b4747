import subprocess
import sys

import pytest
from pydantic import ValidationError

from trainer.classifier.options import BackboneOptions, ClassifierTrainOptions, TunerOptions, from_config, tuned


def test_the_image_is_as_large_as_the_backbone_expects_unless_it_is_said():
    assert from_config({"options": {"backbone": {"name": "EfficientNetB1"}}}).image_size == 240
    assert from_config({"options": {"image": {"size": 64}}}).image_size == 64


def test_an_unknown_backbone_is_an_error_of_its_key():
    with pytest.raises(ValidationError, match=r"name\n.*did you mean MobileNetV2"):
        BackboneOptions(name="mobilenetv22")


def test_found_values_replace_the_configured_ones_by_key():
    train = tuned(ClassifierTrainOptions(dropout=0.1), {"head.learning_rate": 0.01, "label_smoothing": 0.2})
    assert (train.head.learning_rate, train.label_smoothing, train.dropout) == (0.01, 0.2, 0.1)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"head.learning_rat": {"low": 1, "high": 2}}, "'head.learning_rat' is not a key of classifier.train"),
        ({"head": {"values": [1]}}, "'head' is not a key of classifier.train"),
        ({"dropout": {"low": 0.5, "high": 0.1}}, "low must be below high"),
        ({"dropout": {"low": 0.1}}, "low must be below high"),
        ({"dropout": {"low": 0.1, "high": 0.2, "values": [0.1]}}, "give either values, or low and high"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space, message):
    with pytest.raises(ValidationError, match=message):
        TunerOptions(space=space)


def test_the_options_are_light():
    heavy = "import sys, trainer.classifier.options; assert not {'tensorflow', 'keras', 'tfx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", heavy], check=True)
