"""Calls for people and browsers beside TensorFlow Serving's API: multipart images in, JSON or an image out."""

import asyncio
from typing import Any

import numpy as np
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from easel_serving import images
from easel_serving.directory import STABLE, Directory
from easel_serving.errors import ServingError
from easel_serving.server.core import Address, Core
from easel_serving.server.rest import read_body
from easel_serving.server.status import StatusError, invalid

MAX_IMAGES = 16


class Convenience:
    """`/easel/v1/...`.

    Args:
        core: the models.
        directory: for what the manifests say about them.
    """

    def __init__(self, core: Core, directory: Directory):
        self._core = core
        self._directory = directory

    async def models(self, request: Request) -> Response:
        """GET: `[{"model", "kind", "version", "labels", "styles"}]` of what serves."""
        return JSONResponse(await asyncio.to_thread(self._describe))

    async def classify(self, request: Request) -> Response:
        """POST multipart `image` (up to 16 of them): `[{"name", "label", "score", "scores", "model", "version"}]`."""
        return await self._answer(request, self._classify)

    async def stylize(self, request: Request) -> Response:
        """POST multipart `content`, `style` (an image) or `style_name`, `strength` (default 1): an image."""
        return await self._answer(request, self._stylize)

    async def _answer(self, request: Request, call: Any) -> Response:
        try:
            if not request.headers.get("content-type", "").startswith("multipart/form-data"):
                raise invalid("send multipart/form-data")
            # Reading the body here bounds its size and time; the form parser then works on what was read.
            with self._core.budget.hold() as hold:
                request._body = await read_body(request, self._core.limits, hold)
                async with request.form(max_files=MAX_IMAGES, max_fields=16) as form:
                    return await call(form)
        except StatusError as error:
            return JSONResponse({"error": str(error)}, error.http)
        except ServingError as error:
            return JSONResponse({"error": str(error)}, 400)

    async def _classify(self, form: Any) -> Response:
        uploads = [item for item in form.getlist("image") if isinstance(item, UploadFile)]
        if not uploads:
            raise invalid("no file in the field image")
        encoded = [await _image(upload) for upload in uploads]
        address = self._address("classifier", form.get("model"))
        with self._core.metrics.request("EaselClassify", "REST") as who, self._core.use(address) as (version, servable):
            who.update(model_name=address.model, version=str(version))
            outputs = await self._core.run(servable, "", {"image_bytes": np.array(encoded, dtype=object)})
        results = []
        for number, upload in enumerate(uploads):
            classes = [name.decode() for name in outputs["classes"][number]]
            scores = dict(zip(classes, map(float, outputs["scores"][number]), strict=True))
            label = outputs["label"][number].decode()
            results.append({"name": upload.filename, "label": label, "score": scores[label], "scores": scores,
                            "model": address.model, "version": version})  # fmt: skip
        return JSONResponse(results)

    async def _stylize(self, form: Any) -> Response:
        content, style, name = form.get("content"), form.get("style"), form.get("style_name")
        if not isinstance(content, UploadFile):
            raise invalid("no file in the field content")
        inputs = {"content_bytes": [await _image(content)], "strength": [_strength(form.get("strength", "1"))]}
        if isinstance(style, UploadFile):
            signature, inputs["style_bytes"] = "serving_default", [await _image(style)]
        elif name:
            signature, inputs["style_name"] = "stylize_named", [name.encode()]
        else:
            raise invalid("send a painting in the field style, or the name of one that the model knows in style_name")
        address = self._address("style", form.get("model"))
        tensors = {
            key: np.array(value, dtype=np.float32 if key == "strength" else object) for key, value in inputs.items()
        }
        with self._core.metrics.request("EaselStylize", "REST") as who, self._core.use(address) as (version, servable):
            who.update(model_name=address.model, version=str(version))
            outputs = await self._core.run(servable, signature, tensors)
        data = outputs["stylized_bytes"][0]
        kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        return Response(
            data, media_type=kind, headers={"X-Easel-Model": address.model, "X-Easel-Version": str(version)}
        )

    def _address(self, kind: str, model: str | None) -> Address:
        """The stable version of the model of that kind, or the highest available while no label says which."""
        if model is None:
            serving = self._core.manager.models()
            names = [name for name in serving if self._kind(name) == kind]
            if not names:
                raise StatusError("NOT_FOUND", f"no {kind} is served here")
            model = names[0]
        labels = self._core.manager.models().get(model, {})
        return Address(model, label=STABLE if STABLE in labels else None)

    def _kind(self, name: str) -> str:
        versions = self._directory.versions(name)
        return versions[-1].manifest.get("kind", "") if versions else ""

    def _describe(self) -> list[dict[str, Any]]:
        described = []
        for name, labels in self._core.manager.models().items():
            number = labels.get(STABLE) or self._core.manager.states(name)[0][0]
            version = self._directory.version(name, number)
            described.append(
                {
                    "model": name,
                    "kind": version.manifest.get("kind", ""),
                    "version": number,
                    "labels": labels,
                    "styles": version.styles,
                }
            )
        return described


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise invalid(f"strength {text}: must be a number between 0 and 1")
    return value


async def _image(upload: UploadFile) -> bytes:
    return await asyncio.to_thread(images.convert, await upload.read(), upload.filename or "image")
