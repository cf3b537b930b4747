import subprocess
import sys

import pytest
from pydantic import ValidationError

from trainer.classifier.options import BackboneOptions, from_config


def test_the_image_is_as_large_as_the_backbone_expects_unless_it_is_said():
    assert from_config({"options": {"backbone": {"name": "EfficientNetB1"}}}).image_size == 240
    assert from_config({"options": {"image": {"size": 64}}}).image_size == 64


def test_an_unknown_backbone_is_an_error_of_its_key():
    with pytest.raises(ValidationError, match=r"name\n.*did you mean MobileNetV2"):
        BackboneOptions(name="mobilenetv22")


def test_the_options_are_light():
    heavy = "import sys, trainer.classifier.options; assert not {'tensorflow', 'keras', 'tfx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", heavy], check=True)
