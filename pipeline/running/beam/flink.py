"""Flink without Docker: Beam's job server in a Java process of ours, with a Flink inside it or connected to one."""

import ctypes
import logging
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.configuration.beam import BeamOptions
from pipeline.running.beam.arguments import arguments
from trainer.base.errors import UserError

_STARTS_WITHIN = 120
_ENDS_WITHIN = 10
_MEGABYTES, _MEGABYTES_FOR_A_WORKER = 512, 768
"""Java's heap: of photos a hundred messages of a batch wait for each worker between two steps of Transform."""
_SETTINGS = """heartbeat.interval: 10000
heartbeat.timeout: 3600000
pekko.ask.timeout: 1 h
client.timeout: 1 h
"""
"""Flink's configuration: all of a session here is one process, which may be suspended without anything being lost."""
_LOGS = (
    "defaultLogLevel=warn",
    "showThreadName=false",
    "showDateTime=true",
    # Says at the end of each job, with a trace, that what it closes is closed already.
    "log.org.apache.beam.runners.fnexecution.control.DefaultJobBundleFactory=error",
)
_OPENED = ("java.lang", "java.util", "java.nio", "java.time")
_LOGGER = logging.getLogger("easel")


class Session:
    """The arguments of Beam for a run, and, for Flink, the job server behind them; a context manager.

    Flink is started when the arguments are first asked for: a run that finds everything in the cache needs none.
    """

    def __init__(self, options: BeamOptions, given: Sequence[str] = ()):
        """Checks what can be checked at once.

        Raises:
            UserError: Java or Flink is missing, or arguments that the runner needs.
        """
        self._options, self._given = options, given
        self._process: subprocess.Popen | None = None
        self._folder = self._arguments = None
        if options.runner == "flink":
            _check(options.jars)
        else:
            self._arguments = arguments(options, given)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def arguments(self) -> list[str]:
        """Beam's arguments; Flink is ready when they are returned.

        Raises:
            UserError: Flink's job server did not start.
        """
        if self._arguments is None:
            self._arguments = arguments(self._options, self._given, self._start())
        return self._arguments

    def stop(self) -> None:
        """Ends the job server, and with it the session that it holds and the workers."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = self._arguments = None

    def _start(self) -> str:
        port = free_port()
        self._folder = tempfile.mkdtemp(prefix="easel-flink-")
        Path(self._folder, "flink-conf.yaml").write_text(_SETTINGS)
        Path(self._folder, "jars").symlink_to(self._options.jars.absolute())  # a class path cannot quote a colon
        master = self._options.address or "[local]"
        memory = _MEGABYTES + _MEGABYTES_FOR_A_WORKER * (0 if self._options.address else self._options.processes)
        command = [
            "java",
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
            # Nearly all work is the workers', who read and write the files themselves: in the minutes that it lives the
            # second compiler and several collectors cost more than they save.
            *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Xmx{memory}m", f"-Djava.io.tmpdir={self._folder}"),
            *(f"-Dorg.slf4j.simpleLogger.{name}" for name in _LOGS),
            *("-cp", f"{self._folder}/jars/*", "org.apache.beam.runners.flink.FlinkJobServerDriver"),
            *("--job-host=localhost", f"--job-port={port}", "--artifact-port=0", "--expansion-port=0"),
            *(f"--artifacts-dir={self._folder}/artifacts", f"--flink-master={master}"),
            f"--flink-conf-dir={self._folder}",
        ]
        # Its output goes where ours goes, into the run's log.
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent)
        deadline = time.monotonic() + _STARTS_WITHIN
        while not _answers(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise UserError("beam.runner: flink: the job server did not start; why is in the log of this run")
            time.sleep(0.1)
        _LOGGER.info("Flink's job server for %s listens on port %d", master, port)
        return f"localhost:{port}"


def _check(jars: Path) -> None:
    if not any(jars.glob("beam-runners-flink-*.jar")):
        raise UserError(
            f"beam.runner: flink: there is no Flink in {jars}: fetch it with `make flink`, or set beam.jars"
        )
    if shutil.which("java") is None:
        raise UserError("beam.runner: flink needs Java: install a JDK or JRE, version 11 or 17")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("localhost", 0)) as probe:
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("localhost", port), timeout=1):
            return True
    except OSError:
        return False


def _end_with_parent() -> None:
    """Linux ends the job server when this process is killed and cannot do it itself."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
