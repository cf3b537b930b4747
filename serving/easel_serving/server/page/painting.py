"""Painting for the page: by one painting, or by a mix of two codes (Dumoulin et al. 2017, section 3.2)."""

import dataclasses

import numpy as np

from easel_serving.images import arrays, prepare
from easel_serving.protocol.status import invalid
from easel_serving.registry.directory import Directory
from easel_serving.server.page.backends import Backend

_PAINTED = ("stylized_bytes",)
_FADE = 0.25
"""Below this strength the photo itself is faded in, as the served model does for one painting."""


@dataclasses.dataclass(frozen=True)
class Painting:
    """A painting by the name that the model knows, or by its file; exactly one of them."""

    name: str = ""
    file: bytes = b""


class Painter:
    """Paints with the model that serves.

    Args:
        backend: runs it.
        directory: for the codes of the paintings that it knows.
    """

    def __init__(self, backend: Backend, directory: Directory):
        self._backend = backend
        self._directory = directory

    async def paint(
        self, model: str, content: bytes, style: Painting, strength: float, other: Painting | None, mix: float
    ) -> tuple[int, bytes]:
        """The version that painted, and the picture's file.

        Args:
            model: the style network's name.
            content: the photo's file.
            style: the painting.
            strength: 0 (the photo) to 1.
            other: a second painting.
            mix: 0 (only `style`) to 1 (only `other`).

        Raises:
            StatusError: the model refused, or there is no painting of that name.
        """
        if other is None or mix == 0.0 or strength == 0.0:
            return await self._one(model, content, style, strength)
        if mix == 1.0:
            return await self._one(model, content, other, strength)
        wanted = [painting.file for painting in (style, other) if not painting.name] + [content]
        version, outputs = await self._backend.run(
            model, "encode_style", {"style_bytes": _column(*wanted)}, ("style_code",)
        )
        read = iter(outputs["style_code"])
        first, second = (self._known(model, version, p.name) if p.name else next(read) for p in (style, other))
        own = next(read)
        code = own + np.float32(strength) * ((1 - mix) * first + mix * second - own)
        inputs = {"content_bytes": _column(content), "style_code": code[np.newaxis].astype(np.float32)}
        version, outputs = await self._backend.run(model, "stylize", inputs, _PAINTED, version)
        picture = outputs["stylized_bytes"][0]
        return version, picture if strength >= _FADE else _faded(content, picture, strength / _FADE)

    async def _one(self, model: str, content: bytes, style: Painting, strength: float) -> tuple[int, bytes]:
        signature, name, value = "serving_default", "style_bytes", style.file
        if style.name:
            signature, name, value = "stylize_named", "style_name", style.name.encode()
        inputs = {
            "content_bytes": _column(content),
            name: _column(value),
            "strength": np.array([strength], np.float32),
        }
        version, outputs = await self._backend.run(model, signature, inputs, _PAINTED)
        return version, outputs["stylized_bytes"][0]

    def _known(self, model: str, version: int, name: str) -> np.ndarray:
        codes = self._directory.version(model, version).codes
        if name not in codes:
            raise invalid(f"no painting is called {name}; the paintings are: {', '.join(codes)}")
        return np.array(codes[name], np.float32)


def _faded(content: bytes, picture: bytes, share: float) -> bytes:
    painted = prepare.pixels(picture)
    photo = arrays.resize(prepare.pixels(content), *painted.shape[:2])
    mixed = arrays.to_uint8(share * painted.astype(np.float32) + (1 - share) * photo.astype(np.float32))
    return arrays.encode(mixed, "png" if picture.startswith(b"\x89PNG") else "jpeg")


def _column(*values: bytes) -> np.ndarray:
    column = np.empty(len(values), object)
    column[:] = values
    return column
