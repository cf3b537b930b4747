"""The section `beam` of the configuration. Importing this is light."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from trainer.base.options import Options

JARS = Path(__file__).resolve().parents[2] / ".flink"
"""Where `make flink` puts Flink and Beam's job server."""


class BeamOptions(Options):
    """Where images are read, measured, transformed and evaluated. Training stays on this machine."""

    runner: Literal["direct", "flink", "spark", "dataflow"] = "direct"
    """`direct` is this process. What the others need: docs/scale.md."""
    address: Annotated[str, Field(pattern=r"^\S+:\d+$")] | None = None
    """`HOST:PORT` of a Flink session's REST interface, `spark://HOST:PORT` of a Spark master. Flink without an address
    is a session on this machine for the length of the run."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Worker processes; of a cluster, those on each of its machines. The default is 1 for `direct` and 2 elsewhere."""
    parallelism: Annotated[int, Field(ge=1)] | None = None
    """Parts that Flink works on at the same time, over all machines; the default is `workers`."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads that a worker process decodes with; the default is its share of the processors."""
    worker: str | None = None
    """The program `easel-beam-worker` on the machines of the cluster, where Easel is installed; the default is ours."""
    jars: Path = JARS
    """Folder with Flink and Beam's job server; `make flink` fills the default one."""

    @model_validator(mode="after")
    def _what_the_runner_takes(self) -> "BeamOptions":
        if self.address and self.runner in ("direct", "dataflow"):
            raise ValueError(f"address: the runner {self.runner} has none; leave it out, or set runner: flink or spark")
        if self.runner == "spark" and not (self.address or "").startswith("spark://"):
            raise ValueError("address: the runner spark needs spark://HOST:PORT of its master")
        if self.address and self.runner == "flink" and "://" in self.address:
            raise ValueError(f"address: Flink's is HOST:PORT of its REST interface, not {self.address!r}")
        for key in ("worker", "parallelism"):
            if getattr(self, key) is not None and self.runner not in ("flink", "spark"):
                raise ValueError(f"{key}: the runner {self.runner} has none; leave it out")
        return self

    @property
    def elsewhere(self) -> bool:
        """Whether workers are on other machines, which see only what lies in shared folders."""
        host = (self.address or "").removeprefix("spark://").rpartition(":")[0]
        return self.runner == "dataflow" or host not in ("", "localhost", "127.0.0.1", "[::1]")

    @property
    def processes(self) -> int:
        """Worker processes on each machine."""
        return self.workers or (1 if self.runner == "direct" else 2)
