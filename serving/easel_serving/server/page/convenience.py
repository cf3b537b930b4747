"""Calls for people and browsers beside TensorFlow Serving's API: multipart images in, JSON or an image out.

Described for programs in `openapi.json`; the tests compare both.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from easel_serving.images import prepare
from easel_serving.painting.part import Part, parse_box
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.registry.directory import PICTURES, Directory
from easel_serving.server.api import forms
from easel_serving.server.api.rest import read_body
from easel_serving.server.limits import pixels
from easel_serving.server.limits.batching import PIXELS
from easel_serving.server.limits.bounds import Bounds, Budget
from easel_serving.server.limits.metrics import Metrics
from easel_serving.server.loading.core import Core
from easel_serving.server.page.backends import Backend, Embedded
from easel_serving.server.page.painting import Painter, Painting

MAX_IMAGES = 16

ROOT = "/easel/v1"

_REGIONS = ("region", "region2", "region3")


class Convenience:
    """`/easel/v1/...`.

    Args:
        backend: runs the models.
        directory: for what the manifests say about them.
        metrics: where requests are counted.
        limits: what a request may cost.
        budget: bytes that all requests may hold.
    """

    def __init__(self, backend: Backend, directory: Directory, metrics: Metrics, limits: Bounds, budget: Budget):
        self._backend = backend
        self._directory = directory
        self._metrics = metrics
        self._limits, self._budget = limits, budget
        self._large = asyncio.Lock()
        """Held while a large image is decoded: one at a time."""
        self._painter = Painter(backend, directory)

    @classmethod
    def embedded(cls, core: Core, directory: Directory) -> "Convenience":
        """The calls for the models of this server."""
        return cls(Embedded(core), directory, core.metrics, core.limits, core.budget)

    async def models(self, request: Request) -> Response:
        """GET: what serves, `[{"model", "kind", "version", "labels", "styles", "classes", "pictures"}]`.

        `pictures` are small examples by the name of a style or a class: addresses relative to the page's.
        """
        return await _answered(self._describe())

    async def status(self, request: Request) -> Response:
        """GET: what was asked for and does not answer yet, `[{"model", "version", "state", "seconds", "error"}]`."""
        return await _answered(self._progress())

    async def classify(self, request: Request) -> Response:
        """POST multipart `image` (up to 16 of them): `[{"name", "label", "score", "scores", "model", "version"}]`."""
        return await _answered(self._with_form(request, self._classify))

    async def stylize(self, request: Request) -> Response:
        """POST multipart `content`, `style` (an image) or `style_name`, `strength` (default 1): an image.

        `mix_style` or `mix_style_name` is a second painting, `mix` (default 0.5) its share. `mask` (an image) or `only`
        (`subject`, `background`) with `box` and `or_all` say what of the photo is painted; `region` is a second mask
        for `region_style` or `region_style_name`, and so are `region2` and `region3`.
        """
        return await _answered(self._with_form(request, self._stylize))

    async def picture(self, request: Request) -> Response:
        """GET: a small example picture that was pushed with a version; never changes."""
        model, number, name = (request.path_params[key] for key in ("model", "version", "name"))
        try:
            version = await asyncio.to_thread(self._directory.version, model, number)
        except ServingError as error:
            return JSONResponse({"error": str(error)}, 404)
        path = version.manifest_dir / PICTURES / name
        is_pushed = f"{PICTURES}/{name}" in version.manifest.get("attachments", {})
        if not is_pushed or path.is_symlink() or not path.is_file():
            return JSONResponse({"error": f"{model} version {number} has no picture {name}"}, 404)
        return FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})

    async def _with_form(self, request: Request, call: Callable[[FormData], Awaitable[Response]]) -> Response:
        forms.require(request.headers.get("content-type", ""))
        # Reading the body here bounds its size and time; the form parser then works on what was read.
        with self._budget.hold() as hold:
            request._body = await read_body(request, self._limits, hold)
            async with request.form(max_files=MAX_IMAGES, max_fields=16) as form:
                return await call(form)

    async def _classify(self, form: FormData) -> Response:
        uploads = [item for item in form.getlist("image") if isinstance(item, UploadFile)]
        if not uploads:
            raise invalid("no file in the field image")
        encoded = np.empty(len(uploads), object)
        encoded[:] = await self._images(*uploads)
        model, known = await self._model("classifier", form.get("model"))
        with self._metrics.request("EaselClassify", "REST", known) as who:
            version, outputs = await self._backend.run(
                model, "serving_default", {"image_bytes": encoded}, ("classes", "scores", "label")
            )
            who["version"] = str(version)
        results = []
        for number, upload in enumerate(uploads):
            classes = [name.decode() for name in outputs["classes"][number]]
            scores = dict(zip(classes, map(float, outputs["scores"][number]), strict=True))
            label = outputs["label"][number].decode()
            results.append({"name": upload.filename, "label": label, "score": scores[label], "scores": scores,
                            "model": model, "version": version})  # fmt: skip
        return JSONResponse(results)

    async def _stylize(self, form: FormData) -> Response:
        content = form.get("content")
        if not isinstance(content, UploadFile):
            raise invalid("no file in the field content")
        style, other = form.get("style"), form.get("mix_style")
        if not isinstance(style, UploadFile) and not form.get("style_name"):
            raise invalid("send a painting in the field style, or the name of one that the model knows in style_name")
        strength, mix = _share(form, "strength", "1"), _share(form, "mix", "0.5")
        regions = [field for field in _REGIONS if form.get(field) is not None]
        fields = ("style", "mix_style", *(f"{field}_style" for field in regions))
        sent = [upload for upload in map(form.get, fields) if isinstance(upload, UploadFile)]
        masks = [await self._mask(form, field) for field in ("mask", *regions)]
        photo, *files = await self._images(content, *sent)
        style, other, *others = (_painting(form, field, dict(zip(sent, files, strict=True))) for field in fields)
        if None in others:
            raise invalid(f"{regions[others.index(None)]}: name or send the painting that this region is painted like")
        places = await _places(photo, masks, _part(form))
        model, known = await self._model("style", form.get("model"))
        with self._metrics.request("EaselStylize", "REST", known) as who:
            version, data = await self._painter.paint(model, photo, style, strength, other, mix)
            layers = [(data, places[0])]
            for painting, place in zip(others, places[1:], strict=True):
                version, part = await self._painter.paint(model, photo, painting, strength, None, mix)
                layers.append((part, place))
            if any(place is not None for place in places):
                data = await asyncio.to_thread(_masking().composed, photo, layers)
            who["version"] = str(version)
        kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        return Response(data, media_type=kind, headers={"X-Easel-Model": model, "X-Easel-Version": str(version)})

    async def _mask(self, form: FormData, field: str) -> bytes | None:
        """A mask as it was sent: what it says by transparency would be lost in a conversion."""
        upload = form.get(field)
        if not isinstance(upload, UploadFile):
            if upload is not None:
                raise invalid(f"{field}: send an image")
            return None
        data = await upload.read()
        size = await asyncio.to_thread(pixels.of_file, data, upload.filename or field)
        pixels.bound(size, self._limits.pixels)
        return data

    async def _images(self, *uploads: UploadFile) -> list[bytes]:
        """The images of one request as the graphs decode them, in their order."""
        files = [(await upload.read(), upload.filename or "image") for upload in uploads]
        sizes = [await asyncio.to_thread(pixels.of_file, data, name) for data, name in files]
        pixels.bound(sum(sizes), self._limits.pixels)
        converted = []
        for (data, name), size in zip(files, sizes, strict=True):
            async with self._large if size > PIXELS else contextlib.nullcontext():
                converted.append(await asyncio.to_thread(prepare.convert, data, name))
        return converted

    async def _model(self, kind: str, named: Any) -> tuple[str, str]:
        """The model that was asked for, or the first of that kind; and its name for the metrics."""
        served = await self._backend.models()
        if named in served:
            return named, named
        if named is None:
            for name, version in served.items():
                if self._directory.version(name, version.version).manifest.get("kind") == kind:
                    return name, name
        loading = [
            each for each in await self._backend.progress() if each.state != "END" and named in (None, each.model)
        ]
        if loading:
            raise StatusError("UNAVAILABLE", f"{', '.join(map(str, loading))}; try again in a moment")
        if named is None:
            raise StatusError("NOT_FOUND", f"no {kind} is served here")
        return str(named), ""  # the backend says what it has to say of a model that nobody serves

    async def _progress(self) -> Response:
        return JSONResponse([dataclasses.asdict(each) for each in await self._backend.progress()])

    async def _describe(self) -> Response:
        served = await self._backend.models()
        described = []
        for name, entry in served.items():
            version = await asyncio.to_thread(self._directory.version, name, entry.version)
            pictures = {
                shown: [f"{ROOT[1:]}/pictures/{name}/{version.number}/{file}" for file in files]
                for shown, files in version.pictures.items()
            }
            described.append(
                {
                    "model": name,
                    "kind": version.manifest.get("kind", ""),
                    "version": version.number,
                    "labels": entry.labels,
                    "styles": version.styles,
                    "classes": version.manifest.get("labels", []),
                    "pictures": pictures,
                }
            )
        return JSONResponse(described)


async def _answered(answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except StatusError as error:
        return JSONResponse({"error": str(error)}, error.http)
    except ServingError as error:
        return JSONResponse({"error": str(error)}, 400)


async def _places(photo: bytes, masks: Sequence[bytes | None], part: Part | None) -> list[np.ndarray | None]:
    """Where the first picture and the regions' are seen."""
    if part is not None and masks[0] is not None:
        raise invalid("mask: goes without only")
    if part is None and not any(masks):
        return [None] * len(masks)
    wanted = zip(masks, [part, *[None] * (len(masks) - 1)], strict=True)
    return [await asyncio.to_thread(_masking().found, photo, mask, where) for mask, where in wanted]


def _masking() -> ModuleType:
    try:
        from easel_serving.server.page import masking
    except ImportError as error:
        raise invalid(f"masks cannot be used here ({error}); install easel-serving[painting]") from error
    return masking


def _part(form: FormData) -> Part | None:
    only, box, or_all = form.get("only"), form.get("box"), str(form.get("or_all", "false")).lower() in ("true", "1")
    if only not in (None, "subject", "background"):
        raise invalid(f"only {only}: must be subject or background")
    if only is None:
        if box is not None or or_all:
            raise invalid(f"{'box' if box is not None else 'or_all'}: goes with only")
        return None
    try:
        return Part(only == "background", None if box is None else parse_box(str(box)), or_all)
    except ValueError as error:
        raise invalid(f"box: {error}") from None


def _painting(form: FormData, field: str, files: Mapping[Any, bytes]) -> Painting | None:
    upload, name = form.get(field), form.get(f"{field}_name")
    if upload in files:
        return Painting(file=files[upload])
    return Painting(name=str(name)) if name else None


def _share(form: FormData, field: str, default: str) -> float:
    text = form.get(field, default)
    try:
        value = float(str(text))
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise invalid(f"{field} {text}: must be a number between 0 and 1")
    return value
