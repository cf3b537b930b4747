"""What an order may ask for."""

import pytest
from easel_serving.orders.wishes import parse
from easel_serving.painting.part import Part
from easel_serving.protocol.errors import ServingError


def test_styles_with_weights() -> None:
    wishes = parse({"style": ["wave=0.7", "a=b=0.3"], "strength": "0.5"})
    assert [(share.name, share.weight) for share in wishes.styles] == [("wave", 0.7), ("a=b", 0.3)]
    assert wishes.strength == 0.5
    assert parse(wishes.model_dump(exclude_defaults=True)) == wishes, "as the table keeps them"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "style"),
        ({"style": "wave", "strength": "2"}, "strength"),
        ({"style": "wave", "strength": "nan"}, "strength"),
        ({"style": "wave=-1"}, "style wave=-1"),
        ({"style": "wave=inf"}, "style wave=inf"),
        ({"style": "wave", "colour": "red"}, "colour"),
        ({"style": "wave", "format": "exe"}, "format"),
        ({"style": "wave", "size": "1e9"}, "size"),
        ({"style": "wave", "size": "100", "paper": "A4"}, "size and paper"),
        ({"style": "wave", "paper": "10x10m"}, "10x10m"),
        ({"style": "wave", "paper": "1000x1000cm"}, "pixels long"),
        ({"style": "wave", "paper": "0x0cm"}, "0x0cm"),
        ({"style": "wave", "webhook": "https://shop.example/\0"}, "control characters"),
        ({"style": "wave", "only": "sky"}, "only"),
        ({"style": "wave", "box": "1,2,3,4"}, "only=subject"),
        ({"style": "wave", "only": "subject", "box": "1,2,3"}, "LEFT,TOP,WIDTH,HEIGHT"),
        ({"style": "wave", "only": "subject", "box": "1,2,nan,4"}, "no box"),
        ({"style": "wave", "webhook": "file:///etc/passwd"}, "webhook"),
        ({"style": "wave", "webhook": "https://user:password@shop.example/"}, "webhook"),
    ],
)
def test_a_wish_that_cannot_be_is_named(fields: dict, named: str) -> None:
    with pytest.raises(ServingError) as caught:
        parse(fields)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "dpi", "sides"),
    [
        ("A4", 300, (2480, 3508)),
        ("50x70cm", 300, (5906, 8268)),
        ("70x50 cm", 300, (5906, 8268)),
        ("8x10in", 100, (800, 1000)),
    ],
)
def test_paper_in_pixels(text: str, dpi: int, sides: tuple[int, int]) -> None:
    assert parse({"style": "wave", "paper": text, "dpi": dpi}).within == sides


def test_a_print_says_its_resolution() -> None:
    assert parse({"style": "wave", "paper": "A6"}).resolution == 300
    assert parse({"style": "wave", "paper": "A6", "dpi": 150}).resolution == 150
    assert parse({"style": "wave"}).resolution is None, "the photo's own"


def test_a_part_of_the_photo() -> None:
    assert parse({"style": "wave", "only": "background", "box": "1,2,3,4.5"}).part == Part(True, (1, 2, 3, 4.5))
    assert parse({"style": "wave"}).part is None
