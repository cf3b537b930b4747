"""TensorFlow Serving's REST API, with its paths, bodies and errors.

Routes: `kPredictionApiGegex` and `kModelStatusApiRegex` in tensorflow_serving/model_servers/http_rest_api_util.cc;
dispatch: http_rest_api_handler.cc; documentation: "RESTful API" on the TensorFlow Serving site.
"""

import re
import urllib.parse
import zlib
from typing import Any

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.api import examples, json_tensors, json_values, metadata
from easel_serving.server.limits.bounds import Bounds, Hold
from easel_serving.server.limits.offload import offload, within
from easel_serving.server.loading.core import Address, Core, classifications

_WHERE = r"/v1/models/([^/:]+)(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
_CALL = re.compile(rf"(?i){_WHERE}:(classify|regress|predict)")
_ANY = re.compile(r"(?i)/v1/.*")
_STATUS = re.compile(r"(?i)/v1/models(?:/([^/:]+))?(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?(?:/(metadata))?")


class RestApi:
    """Answers everything under `/v1/`.

    Args:
        core: the models.
    """

    def __init__(self, core: Core):
        self._core = core

    async def handle(self, request: Request) -> Response:
        """Answers one request; every failure is `{"error": message}` with TensorFlow Serving's status."""
        try:
            return _json(await self._dispatch(request))
        except StatusError as error:
            return _json({"error": str(error)}, error.http)
        except RecursionError:
            return _json({"error": "JSON Parse error: nested too deeply"}, 400)

    async def _dispatch(self, request: Request) -> Any:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
        if not _ANY.fullmatch(path):
            raise StatusError("NOT_FOUND", f"Not found: {path}")
        if request.method == "POST" and (match := _CALL.fullmatch(path)):
            address, method = _address(match), match[4].lower()
            counted = self._core.counted(method.capitalize(), "REST", address.model)
            with counted as who, self._core.budget.hold() as hold:
                body = await read_body(request, self._core.limits, hold)
                return await getattr(self, f"_{method}")(address, body, who)
        if request.method == "GET" and (match := _STATUS.fullmatch(path)):
            if not match[1]:
                raise invalid("Missing model name in request.")
            address = _address(match)
            return metadata.as_json(self._core, address) if match[4] else self._status(address)
        raise invalid(f"Malformed request: {request.method} {path}")

    async def _predict(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        size = len(body)
        document, signature = await offload(size, json_tensors.parse_request, body)
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            inputs, row = await offload(size, json_tensors.predict_inputs, document, servable.inputs(signature))
            outputs = await self._core.run(servable, signature, inputs)
            return await offload(size, json_tensors.predict_response, outputs, row)

    async def _classify(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        signature, serialized = await offload(len(body), examples.classify_request, body)
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            check_classify(servable, signature)
            outputs = await self._core.run(servable, signature, {"inputs": np.array(serialized, dtype=object)})
        return {"results": classifications(outputs, len(serialized))}

    async def _regress(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        signature, _ = await offload(len(body), examples.classify_request, body)
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            check_regress(servable, signature)

    def _status(self, address: Address) -> Any:
        states = self._core.manager.states(address.model, address.version)
        return {
            "model_version_status": [
                {
                    "version": str(version),
                    "state": state,
                    "status": {"error_code": "UNKNOWN" if error else "OK", "error_message": error},
                }
                for version, state, error in states
            ]
        }


def check_classify(servable: Any, signature: str) -> None:
    """Raises what classifier.cc (`GetClassificationSignatureDef`, `PreProcessClassification`) does for a wrong one."""
    definition = _definition(servable, signature)
    if len(definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(definition.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(definition.outputs)}")
    if "inputs" not in definition.inputs:
        raise StatusError("FAILED_PRECONDITION", f"No classification inputs found in SignatureDef: {definition}")


def check_regress(servable: Any, signature: str) -> None:
    """Raises what regressor.cc (`PreProcessRegression`) does: none of Easel's models is a regression."""
    definition = _definition(servable, signature)
    if len(definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(definition.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in definition.inputs:
        raise StatusError("FAILED_PRECONDITION", f"No regression inputs found in SignatureDef: {definition}")
    raise StatusError("FAILED_PRECONDITION", f"No regression outputs found in SignatureDef: {definition}")


def _definition(servable: Any, signature: str) -> Any:
    name = signature or "serving_default"
    if name not in servable.signature_defs:
        raise invalid(f"No signature was found with the name: {name}")
    return servable.signature_defs[name]


async def read_body(request: Request, limits: Bounds, hold: Hold) -> bytes:
    """The body, within its limits of size and time, unpacked when it is compressed by gzip."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.request_bytes:
        raise _too_large(limits)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise invalid(f"Content-Encoding {encoding} is not supported; send gzip or none")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None

    async def collect() -> bytes:
        chunks, size = [], 0
        async for chunk in request.stream():
            if unpacker is not None:
                ended = unpacker.eof and chunk
                chunk = unpacker.decompress(chunk, limits.request_bytes - size + 1)
                if ended or unpacker.unused_data:
                    raise invalid("The body goes on after the end of its gzip data")
            size += len(chunk)
            if size > limits.request_bytes:
                raise _too_large(limits)
            hold.grow(len(chunk))
            chunks.append(chunk)
        if unpacker is not None and not unpacker.eof:
            raise invalid("The body's gzip data is cut off")
        return b"".join(chunks)

    try:
        return await within(limits.body_seconds, collect())
    except zlib.error:
        raise invalid("The body is not gzip data") from None
    except TimeoutError:
        message = f"The request body did not arrive in {limits.body_seconds:g} seconds"
        raise StatusError("DEADLINE_EXCEEDED", message, http=408) from None
    except ClientDisconnect:
        raise StatusError("CANCELLED", "The client went away") from None


def _too_large(limits: Bounds) -> StatusError:
    # 413, not the code's 429: trying again will not help.
    return StatusError("RESOURCE_EXHAUSTED", f"The request body exceeds {limits.request_bytes} bytes", http=413)


def _address(match: re.Match) -> Address:
    digits = (match[2] or "").lstrip("0")
    if len(digits) > 19 or int(digits or "0") >= 2**63:  # Python turns no more than 4,300 digits into a number
        raise invalid(f"Failed to convert version: {match[2][:40]} to numeric.")
    version = int(digits or "0") if match[2] else None
    label = urllib.parse.unquote(match[3]) if match[3] else None
    return Address(urllib.parse.unquote(match[1]), version, label)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json_values.render(document), status, media_type="application/json")
