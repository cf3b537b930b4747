"""The API key, TLS and signatures at the server's door."""

import base64
import contextlib
import datetime
import ipaddress
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import easel_serving
import pytest
from easel_serving import Client
from easel_serving.client import RequestError
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.registry import Registry

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")
pytest.importorskip("tensorflow")
grpc = pytest.importorskip("grpc")
x509 = pytest.importorskip("cryptography.x509")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: E402
from easel_serving.server.api import access  # noqa: E402
from easel_serving.server.process.run import Settings, _read_tls  # noqa: E402

KEY = "a-key-of-enough-characters"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate of 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            False,
        )
        .sign(key, hashes.SHA256())
    )
    cert, private = tmp_path / "cert.pem", tmp_path / "tls.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(pem(key))
    return cert, private


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Bearer {KEY}", True),
        (f"bearer  {KEY}", True),
        ("Basic " + base64.b64encode(f"anybody:{KEY}".encode()).decode(), True),
        ("Basic " + base64.b64encode(KEY.encode()).decode(), False),
        ("Basic !", False),
        (f"Bearer {KEY}x", False),
        (KEY, False),
        ("", False),
        ("Bearer \xff", False),
    ],
)
def test_headers(header, expected):
    assert access.allowed(header, ["another-key-of-enough", KEY]) is expected


def test_keys_that_are_none_are_named(tmp_path):
    path = tmp_path / "key"
    with pytest.raises(ServingError, match="cannot be read"):
        access.read_keys(path)
    for text in ("", "short", "two words of which none is a key", "ключ-ключ-ключ-ключ", f"{KEY}\nshort\n"):
        path.write_text(text)
        with pytest.raises(ServingError, match="one word of at least 16 ASCII characters"):
            access.read_keys(path)


def test_half_a_certificate_is_named(certificate, tmp_path):
    cert, _ = certificate
    with pytest.raises(ServingError, match="both a certificate and its private key"):
        _read_tls(Settings("h", 1, None, tls_cert=cert))
    with pytest.raises(ServingError, match="no certificate with its key"):
        _read_tls(Settings("h", 1, None, tls_cert=cert, tls_key=cert))


def test_nobody_is_asked_for_the_password_of_a_key(certificate, tmp_path):
    """OpenSSL asks the terminal, if there is one, and the server would wait."""
    cert, key = certificate
    locked = tmp_path / "locked.pem"
    loaded = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    locked.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert _read_tls(Settings("h", 1, None, tls_cert=cert, tls_key=key))
    with pytest.raises(ServingError, match="without a password"):
        _read_tls(Settings("h", 1, None, tls_cert=cert, tls_key=locked))


START = """
import logging, sys
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
from easel_serving.server import main
main(sys.argv[1], rest_port=0, grpc_port=0, public_key=sys.argv[2], api_key_file=sys.argv[3], tls_cert=sys.argv[4],
     tls_key=sys.argv[5])
"""


@contextlib.contextmanager
def _ended(process):
    """A process that does not outlive a test that fails."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_server_with_key_certificate_and_signatures(tiny, certificate, tmp_path, b64, png):
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    cert, private = certificate
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "sign.pem").write_bytes(pem(key))
    public = tmp_path / "sign.pub.pem"
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "api.key").write_text(KEY + "\n")
    signed = Registry(tmp_path / "serving", signing_key=tmp_path / "sign.pem")
    signed.push("photos", tiny / "colours", {"kind": "classifier"})
    Registry(signed.root).push("painter", tiny / "echo", {"kind": "style"})
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    command = [sys.executable, "-c", START, *map(str, (signed.root, public, tmp_path / "api.key", cert, private))]
    with _ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)) as process:
        ports, told = {}, set()
        for line in process.stdout:
            if match := re.search(r"(https|gRPC).*127\.0\.0\.1:(\d+)", line):
                ports[match[1]] = int(match[2])
            told |= {word for word in ("photos version 1 is available", "not signed by the holder") if word in line}
            if len(told) == len(ports) == 2:
                break
        import ssl

        context = ssl.create_default_context(cafile=cert)
        with httpx.Client(base_url=f"https://127.0.0.1:{ports['https']}", verify=context) as client:
            body = {"instances": [b64("red")]}
            refused = client.post("/v1/models/photos:predict", json=body)
            assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
            bearer = {"Authorization": f"Bearer {KEY}"}
            answer = client.post("/v1/models/photos:predict", json=body, headers=bearer)
            assert answer.json()["predictions"][0]["label"] == "red"
            status = client.get("/v1/models/painter", headers=bearer).json()["model_version_status"]
            assert "not signed" in status[0]["status"]["error_message"]
            assert client.get("/healthz").status_code == 200
        credentials = grpc.ssl_channel_credentials(cert.read_bytes())
        with grpc.secure_channel(f"127.0.0.1:{ports['gRPC']}", credentials) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = "photos"
            with pytest.raises(grpc.RpcError) as error:
                stub.GetModelStatus(request, timeout=20)
            assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
            metadata = [("authorization", f"Bearer {KEY}")]
            assert stub.GetModelStatus(request, metadata=metadata, timeout=20).model_version_status[0].version == 1
        for address in (f"https://127.0.0.1:{ports['https']}", f"grpcs://127.0.0.1:{ports['gRPC']}"):
            with Client(address, classifier="photos", api_key=KEY, ca=cert) as client:
                assert client.classify(png("red"))[0].label == "red"
            with Client(address, classifier="photos", ca=cert) as client, pytest.raises(RequestError) as refusal:
                client.classify(png("red"))
            assert refusal.value.code == "UNAUTHENTICATED"
        process.send_signal(signal.SIGTERM)
        log = process.stdout.read()
        assert process.wait(30) == 0
        assert "protocol=gRPC method=GetModelStatus" in log
        assert "status=UNAUTHENTICATED" in log


ORIGIN = {"Origin": "https://shop.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def shops(core, serving):
    """Clients of the server with a key: for pages of no other origin, of two, of any."""
    from easel_serving.registry.directory import Directory
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    calls = Convenience.embedded(core, Directory(serving))
    allowed = ((), ("https://shop.example", "http://localhost:3000"), ("*",))
    return [
        pytest.importorskip("starlette.testclient").TestClient(build(core, calls, api_keys=[KEY], origins=origins))
        for origins in allowed
    ]


def test_pages_of_other_origins_may_ask_where_they_are_listed(shops, b64):
    closed, listed, anybody = shops
    body, key = {"instances": [b64("red")]}, {"Authorization": f"Bearer {KEY}"}
    path = "/v1/models/photos:predict"
    for client, expected in ((closed, None), (listed, ORIGIN["Origin"]), (anybody, "*")):
        answer = client.post(path, json=body, headers={**ORIGIN, **key})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (200, expected)
        refused = client.post(path, json=body, headers=ORIGIN)  # a page can read why
        assert (refused.status_code, refused.headers.get("access-control-allow-origin")) == (401, expected)
    other = listed.get("/easel/v1/models", headers={"Origin": "https://shop.example.evil", **key})
    assert "access-control-allow-origin" not in other.headers


def test_preflight_is_answered_without_a_key(shops):
    closed, listed, _ = shops
    for path in ("/v1/models/photos:predict", "/easel/v1/stylize"):
        assert closed.options(path, headers=PREFLIGHT).status_code == 401
        answer = listed.options(path, headers=PREFLIGHT)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN["Origin"])
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
        other = listed.options(path, headers={**PREFLIGHT, "Origin": "https://evil.example"})
        assert (other.status_code, "access-control-allow-origin" in other.headers) == (400, False)


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "https://a b", "ftp://shop.example", ""])
def test_what_is_no_origin_is_named(origin):
    from easel_serving.server.api import cors

    with pytest.raises(ServingError, match=r"an origin is like https://shop\.example"):
        cors.check([origin])
    cors.check(["*", "http://localhost:3000", "https://[::1]:8443"])
