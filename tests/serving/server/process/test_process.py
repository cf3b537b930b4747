"""The server as a process: starts, answers on both ports, ends when it is told to."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import easel_serving
import pytest
from easel_serving.protocol.errors import ServingError

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

START = """
import atexit, logging, sys
atexit.register(lambda: print("Keras was imported:", "keras.src" in sys.modules))
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
from easel_serving.server import main
main(sys.argv[1], rest_port=0, grpc_port=0)
"""


def test_starts_answers_and_ends(serving, b64):
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    command = [sys.executable, "-c", START, str(serving)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        ports, available = {}, 0
        for line in process.stdout:
            if match := re.match(r"(REST|gRPC).*127\.0\.0\.1:(\d+)", line):
                ports[match[1]] = int(match[2])
            available += "is available" in line
            if available == len(ports) == 2:
                break
        with httpx.Client(base_url=f"http://127.0.0.1:{ports['REST']}") as client:
            answer = client.post("/v1/models/photos:predict", json={"instances": [b64("red")]})
            assert answer.json()["predictions"][0]["label"] == "red"
        with socket.create_connection(("127.0.0.1", ports["gRPC"]), timeout=5):
            pass
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(30) == 0
        assert "photos version 1 is unloaded" in rest
        assert rest.endswith("Keras was imported: False\n")


def test_a_taken_port_is_one_clear_line(tmp_path):
    from easel_serving.server import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=f"cannot listen on 127.0.0.1:{port} for REST: Address already in use"):
            main(tmp_path, rest_port=port, grpc_port=None)


def test_an_answer_waits_for_no_acknowledgement():
    from easel_serving.server.process.run import _listen

    with _listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        accepted.close()
