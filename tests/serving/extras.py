"""Installs each extra of easel-serving into an environment of its own and tries what it is for.

    python tests/serving/extras.py SERVING_DIR PHOTO [EXTRA ...]

SERVING_DIR is one that `easel run` pushed both models to, PHOTO any photo. Packages come from the
registry that uv or pip is configured for; nothing of this checkout but the built wheel is on the path.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERVING = Path(__file__).resolve().parents[2] / "serving"
UV = next((path for path in (SERVING.parent / ".uv/bin/uv", Path(sys.executable).parent / "uv") if path.exists()), "uv")

REGISTRY = """
import sys
from easel_serving.registry.directory import listing
from easel_serving.registry.registry import Registry
from easel_serving.registry.verify import verify
print(len(listing(sys.argv[1])), "versions,", len(verify(sys.argv[1])), "findings")
name, = sys.argv[2:]
registry = Registry(sys.argv[1])
registry.label(name, "extras", registry.stable(name).number)
registry.unlabel(name, "extras")
assert not {"numpy", "PIL", "tensorflow"} & set(sys.modules)
"""

CLIENT = """
import asyncio, importlib.util, sys
from easel_serving import AsyncClient, Client
url, photo, without, classifier, style = sys.argv[1:]
names = {"classifier": classifier, "style": style}
for name in without.split():
    assert importlib.util.find_spec(name) is None, f"{name} is installed"
with Client(url, **names) as client:
    [answer] = client.classify(photo)
    [code] = client.encode_style(photo)
    [painted] = client.stylize(photo, style=photo, strength=0.5)
    [by_code] = client.stylize_code(photo, code=code)
async def main():
    async with AsyncClient(url, **names) as client:
        return (await client.classify(photo))[0].label
assert asyncio.run(main()) == answer.label
print(answer.label, f"{answer.score:.3f},", len(painted), "and", len(by_code), "bytes painted")
"""

WITHOUT = {
    "": "numpy PIL tensorflow grpc",
    "remote": "numpy PIL tensorflow tensorflow_serving",
    "client": "tensorflow starlette grpc",
    "tflite": "tensorflow grpc httpx",
    "gateway": "tensorflow grpc",
    "server": "tensorflow_serving httpx",
    "server,grpc": "httpx",
}
"""What must not have come along; `server,grpc` is for gRPC from both sides."""


def run(*command, **options):
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run([str(part) for part in command], check=True, text=True, env=environment, **options)


def environment(folder, extra, wheel):
    """The Python of a new environment with the extra."""
    python = folder / "bin/python"
    run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    wanted = f"easel-serving[{extra}] @ {wheel.as_uri()}" if extra else f"easel-serving @ {wheel.as_uri()}"
    run(UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, wanted)
    absent = [f"importlib.util.find_spec({name!r}) is None" for name in WITHOUT[extra].split()]
    run(python, "-c", f"import importlib.util; assert {' and '.join(absent)}, {extra!r}")
    return python


@contextlib.contextmanager
def running(*command):
    """A server; yields its REST address, its gRPC address or None, and the seconds until it was ready."""
    start = time.monotonic()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)
    command = [str(part) for part in command]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            found, available, opened = {}, 0, False
            for line in process.stderr:
                if match := re.search(r"(REST|gRPC|Uvicorn).*?(127\.0\.0\.1:\d+)", line):
                    found[match[1]] = match[2]
                available += "is available" in line
                opened = "tflite" in command or "gRPC" in line or opened
                if (available == 2 and opened) or "Uvicorn" in found:
                    break
            else:
                raise SystemExit(f"{' '.join(command)} ended with {process.wait()}")
            rest = f"http://{found.get('REST', found.get('Uvicorn'))}"
            yield rest, f"grpc://{found['gRPC']}" if "gRPC" in found else None, time.monotonic() - start
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
        assert process.wait(60) == 0


def names(serving_dir):
    """The names of the classifier and of the style network."""
    manifests = [json.loads(path.read_text()) for path in Path(serving_dir).glob("*/manifests/*/manifest.json")]
    by_kind = {manifest["kind"]: manifest["model"] for manifest in manifests}
    return by_kind["classifier"], by_kind["style"]


def curl(*arguments):
    return run("curl", "--silent", "--show-error", "--fail-with-body", *arguments, stdout=subprocess.PIPE).stdout


def main(serving_dir, photo, *extras):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(UV, "build", "--quiet", "--wheel", "--out-dir", folder, SERVING)
        [wheel] = folder.glob("*.whl")
        python = {extra: environment(folder / f"env-{extra}", extra, wheel) for extra in extras or WITHOUT}

        def call(url, extra="client"):
            run(python[extra], "-c", CLIENT, url, photo, WITHOUT[extra], *names(serving_dir))

        def start(extra, *arguments):
            ports = ("--rest-port", "0", "--grpc-port", "0")
            return running(python[extra], "-m", "easel_serving.server", serving_dir, *ports, *arguments)

        if "" in python:
            print("no extra: the registry")
            run(python[""], "-c", REGISTRY, serving_dir, names(serving_dir)[0])
        if "tflite" in python:
            with start("tflite", "--runtime", "tflite") as (rest, _, seconds):
                print(
                    f"tflite: ready in {seconds:.1f} s;", curl("--form", f"image=@{photo}", f"{rest}/easel/v1/classify")
                )
                call(rest)
                if "gateway" in python:
                    page = ("-m", "easel_serving.gateway", serving_dir, "--port", "18777", "--server", rest)
                    with running(python["gateway"], *page) as (address, _, seconds):
                        print(f"gateway: ready in {seconds:.1f} s;", len(curl(f"{address}/")), "characters of page")
                        print(curl("--form", f"image=@{photo}", f"{address}/easel/v1/classify"))
        if "server" in python:
            with start("server") as (rest, grpc, seconds):
                print(f"server: ready in {seconds:.1f} s, gRPC {grpc}")
                assert grpc is None
                call(rest)
        if "server,grpc" in python:
            with start("server,grpc") as (_, grpc, seconds):
                print(f"server,grpc: ready in {seconds:.1f} s, gRPC {grpc}")
                call(grpc, "server,grpc")
                if "remote" in python:
                    run(python["remote"], "-m", "easel_serving.remote", serving_dir, grpc.removeprefix("grpc://"))


if __name__ == "__main__":
    main(*sys.argv[1:])
