"""What may be fetched."""

import fsspec
import pytest
from easel_serving.orders import sources
from easel_serving.protocol.errors import ServingError

PREFIX = "memory://shop/in/"


@pytest.fixture(autouse=True)
def bucket() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/shop/in/a photo.jpg", b"photo")
    system.pipe("/shop/secret.jpg", b"secret")
    system.pipe("/shop/inside/b.jpg", b"secret")


def test_a_photo_below_a_prefix_is_fetched() -> None:
    assert sources.fetch("memory://shop/in/a photo.jpg", [PREFIX], 5) == b"photo"


@pytest.mark.parametrize(
    "address",
    [
        "memory://shop/in/../secret.jpg",
        "memory://shop/in/./a photo.jpg",
        "memory://shop/in//a photo.jpg",
        "memory://shop/in/%2e%2e/secret.jpg",
        "memory://shop/inside/b.jpg",
        "memory://shop/in",
        "file:///etc/passwd",
        "/etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "simplecache::memory://shop/in/a photo.jpg",
        "memory://shop/in/a photo.jpg\n",
        "",
    ],
)
def test_nothing_else_is(address: str) -> None:
    with pytest.raises(ServingError, match="only from configured places"):
        sources.fetch(address, [PREFIX], 100)


def test_a_missing_or_large_file_is_said() -> None:
    with pytest.raises(ServingError, match=r"no.jpg cannot be read"):
        sources.fetch("memory://shop/in/no.jpg", [PREFIX], 100)
    with pytest.raises(ServingError, match="more than 4 bytes"):
        sources.fetch("memory://shop/in/a photo.jpg", [PREFIX], 4)
