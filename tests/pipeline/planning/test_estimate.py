import pytest

from pipeline.configuration.config import load
from pipeline.planning import estimate
from trainer.networks.backbone_table import TABLE

IMAGES = {"classifier.photos": 1000, "style.photos": 1000, "style.paintings": 20}


def test_the_yardstick_is_a_speed():
    assert estimate.yardstick() > 0.1


def test_more_work_takes_longer_and_a_faster_machine_less(config_file):
    def seconds(*overrides, images=IMAGES, speed=50.0):
        return estimate.seconds(load(config_file, overrides), images, speed)

    usual = seconds()
    assert seconds(speed=100.0) < usual
    assert seconds("style=null") < usual
    assert seconds("style.train.steps=100000") > 2 * usual
    assert seconds("classifier.train.scratch.epochs=300") > usual
    assert seconds("classifier.image.size=448") > usual
    assert seconds(images=dict.fromkeys(IMAGES, 20000)) > usual


@pytest.mark.parametrize("name", TABLE)
def test_every_named_backbone_has_a_cost(name):
    assert name in estimate.FORWARD
