"""Who runs the models for the convenience calls: this server itself, or another one behind the page."""

import dataclasses
import time
from typing import Protocol

from easel_serving.client import AsyncClient, RequestError
from easel_serving.client.calls import Call
from easel_serving.client.results import VersionStatus
from easel_serving.protocol.status import StatusError, known
from easel_serving.registry.directory import STABLE, Directory
from easel_serving.server.limits.batching import Tensors
from easel_serving.server.loading.core import Address, Core
from easel_serving.server.loading.versions import Progress

_FRESH_SECONDS = 2.0
"""How long the gateway relies on what it knows of a server's versions."""


@dataclasses.dataclass(frozen=True)
class Served:
    """A model that answers: the number of the version, and all labels."""

    version: int
    labels: dict[str, int]


class Backend(Protocol):
    """Runs signatures of the stable versions (of the highest one that is loaded where no label says which)."""

    async def models(self) -> dict[str, Served]:
        """The models that answer, by name."""

    async def progress(self) -> list[Progress]:
        """What was asked for and does not answer yet."""

    async def run(
        self, model: str, signature: str, inputs: Tensors, outputs: tuple[str, ...], version: int | None = None
    ) -> tuple[int, Tensors]:
        """The version that answered and the named outputs; `version` asks for one. Raises StatusError."""


class Embedded:
    """The models of this server."""

    def __init__(self, core: Core):
        self._core = core

    async def models(self) -> dict[str, Served]:
        """See `Backend`."""
        served = {}
        for name, labels in self._core.manager.models().items():
            try:
                with self._core.use(self._address(name)) as (version, _):
                    served[name] = Served(version, labels)
            except StatusError:  # asked for, but not loaded (yet)
                continue
        return served

    async def progress(self) -> list[Progress]:
        """See `Backend`."""
        return self._core.manager.progress()

    async def run(
        self, model: str, signature: str, inputs: Tensors, outputs: tuple[str, ...], version: int | None = None
    ) -> tuple[int, Tensors]:
        """See `Backend`."""
        address = self._address(model) if version is None else Address(model, version)
        with self._core.use(address) as (number, servable):
            found = await self._core.run(servable, signature, inputs)
        return number, {name: found[name] for name in outputs}

    def _address(self, model: str) -> Address:
        labels = self._core.manager.models().get(model, {})
        return Address(model, label=STABLE if STABLE in labels else None)


class Gateway:
    """The models of another server, TensorFlow Serving or ours, that reads the same serving directory.

    Args:
        client: of that server; its `version` option has no effect here.
        directory: for the models' names and labels.
    """

    def __init__(self, client: AsyncClient, directory: Directory):
        self._client = client
        self._directory = directory
        self._known: dict[str, tuple[float, Served]] = {}

    async def models(self) -> dict[str, Served]:
        """See `Backend`."""
        served = {}
        for name in self._directory.models():
            try:
                served[name] = await self._served(name)
            except StatusError as error:
                if error.code != "NOT_FOUND":
                    raise
        return served

    async def progress(self) -> list[Progress]:
        """See `Backend`."""
        found = []
        for name in self._directory.models():
            try:
                statuses = await self._statuses(name)
            except StatusError as error:
                if error.code != "NOT_FOUND":
                    raise
                continue
            found += [
                Progress(name, status.version, status.state, None, status.error)
                for status in statuses
                if status.state in ("START", "LOADING") or (status.state == "END" and status.error)
            ]
        return found

    async def run(
        self, model: str, signature: str, inputs: Tensors, outputs: tuple[str, ...], version: int | None = None
    ) -> tuple[int, Tensors]:
        """See `Backend`."""
        # By number, not by label: TensorFlow Serving's answer does not say which version a label stood for.
        number = (await self._served(model)).version if version is None else version
        try:
            return number, await self._client.predict(Call(model, number, signature, inputs, outputs))
        except RequestError as error:
            self._known.pop(model, None)
            raise StatusError(known(error.code), str(error)) from None

    async def _served(self, model: str) -> Served:
        since, served = self._known.get(model, (0.0, None))
        if served is not None and time.monotonic() - since < _FRESH_SECONDS:
            return served
        statuses = await self._statuses(model)
        available = [status.version for status in statuses if status.state == "AVAILABLE"]
        if not available:
            raise StatusError("NOT_FOUND", f"{model}: no version is loaded")
        labels = self._directory.labels(model)
        stable = labels.get(STABLE)
        served = Served(stable if stable in available else max(available), labels)
        self._known[model] = time.monotonic(), served
        return served

    async def _statuses(self, model: str) -> list[VersionStatus]:
        try:
            return await self._client.versions(model)
        except RequestError as error:
            raise StatusError(known(error.code), str(error)) from None
