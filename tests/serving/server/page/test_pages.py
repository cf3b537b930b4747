"""The page's files, the pictures that were pushed with a version, and the description of the convenience calls."""

import importlib.resources
import json
import re

import jsonschema
import pytest


@pytest.fixture(scope="module")
def description(client):
    return client.get("/easel/v1/openapi.json").json()


def test_the_page_is_self_contained(client):
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "unsafe" not in page.headers["content-security-policy"]
    files = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert files == ["data:,", "easel/page.css", "easel/common.js", "easel/page.js", "easel/mask.js"]
    for file in files[1:]:
        kind = "text/css" if file.endswith(".css") else "text/javascript"
        answer = client.get(f"/{file}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert "//" not in re.sub(r"(?m)(^|\s)//.*$", "", answer.text)
    assert client.get("/easel/secret.txt").status_code == 404


@pytest.fixture(params=[("index.html", "page.js"), ("orders.html", "orders.js")], ids=["first", "orders"])
def page(request):
    """A page and its script, as they lie in the package."""
    files = importlib.resources.files("easel_serving.server.page").joinpath("static")
    return tuple(files.joinpath(name).read_text() for name in request.param)


def test_every_control_has_a_name_that_is_read_out(page):
    page, _ = page
    for control in re.findall(r"<(?:input|select)[^>]*>", page):
        name = re.search(r'id="([^"]+)"', control)[1]
        inside_label = re.search(rf"<label[^>]*><input[^>]*id=\"{name}\"[^>]*>[^<]+</label>", page)
        assert inside_label or re.search(rf'<label for="{name}"[ >]', page), control
    for section in re.findall(r"<section[^>]*>", page):
        assert f'id="{re.search("aria-labelledby=.([^ >]+?).(?= |>)", section)[1]}"' in page
    assert page.count("<h1>") == 1


def test_every_element_that_the_script_asks_for_is_in_the_page(page):
    ids = set(re.findall(r'id="([^"]+)"', page[0]))
    asked = set(re.findall(r'\$\("([^"]+)"\)', page[1]))
    assert asked - ids == set()


def next_version(folder):
    (folder / "next").mkdir()
    (folder / "next/saved_model.pb").write_text("y")
    return folder / "next"


def test_pictures(core, serving, client, tmp_path):
    from easel_serving.registry.directory import Directory
    from easel_serving.registry.registry import Registry
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build
    from starlette.testclient import TestClient

    (tmp_path / "model").mkdir()
    (tmp_path / "model/saved_model.pb").write_text("x")
    (tmp_path / "attached/pictures").mkdir(parents=True)
    (tmp_path / "attached/pictures/0000.jpg").write_bytes(b"red things")
    (tmp_path / "attached/pictures/index.json").write_text('{"red": ["0000.jpg"]}')
    manifest = {"kind": "classifier", "labels": ["blue", "red"]}
    registry = Registry(tmp_path / "serving")
    registry.push("photos", tmp_path / "model", manifest, attachments=tmp_path / "attached")
    registry.push("painter", tmp_path / "model", {"kind": "style"})
    (registry.root / "photos/manifests/1/pictures/secret.jpg").write_text("not pushed")
    other = TestClient(build(core, Convenience.embedded(core, Directory(registry.root))))
    [model] = [model for model in other.get("/easel/v1/models").json() if model["model"] == "photos"]
    assert (model["classes"], list(model["pictures"])) == (["blue", "red"], ["red"])
    picture = other.get(f"/{model['pictures']['red'][0]}")
    assert (picture.content, picture.headers["content-type"]) == (b"red things", "image/jpeg")
    for path in ("photos/1/secret.jpg", "photos/1/..%2Fmanifest.json", "photos/7/0000.jpg", "nobody/1/0000.jpg"):
        assert other.get(f"/easel/v1/pictures/{path}").status_code in (400, 404)
    registry.push("photos", next_version(tmp_path), manifest)
    registry.retire("photos", 1)
    assert not (registry.root / "photos/manifests/1/pictures").exists()
    assert other.get(f"/{model['pictures']['red'][0]}").status_code == 404


def test_the_description_names_every_call_and_field(client, description):
    from easel_serving.server.page import convenience, pages

    described = {(path, method.upper()) for path, calls in description["paths"].items() for method in calls}
    routes = pages.routes(convenience.Convenience(None, None, None, None, None))
    served = {
        (re.sub(r":\w+}", "}", route.path), method)
        for route in routes
        for method in route.methods - {"HEAD"}
        if route.path.startswith("/easel/v1/")
    }
    assert described == served
    for path in ("/easel/v1/classify", "/easel/v1/stylize"):
        schema = description["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert set(schema["required"]) <= set(schema["properties"])


def test_answers_are_as_described(client, description, png):
    def check(answer, path, method):
        described = description["paths"][path][method]["responses"][str(answer.status_code)]
        kind = answer.headers["content-type"].partition(";")[0]
        schema = described["content"][kind]["schema"]
        if kind == "application/json":
            jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(answer.json())
        return answer

    check(client.get("/easel/v1/models"), "/easel/v1/models", "get")
    assert check(client.get("/easel/v1/status"), "/easel/v1/status", "get").json() == []
    files = [("image", ("a.png", png("red")))] * 2
    assert len(check(client.post("/easel/v1/classify", files=files), "/easel/v1/classify", "post").json()) == 2
    check(client.post("/easel/v1/classify", files={"image": ("a.txt", b"x")}), "/easel/v1/classify", "post")
    files = {"content": ("a.png", png("red"))}
    for data in ({"style_name": "Great-Wave"}, {}, {"style_name": "x", "model": "nobody"}):
        check(client.post("/easel/v1/stylize", files=files, data=data), "/easel/v1/stylize", "post")


def test_the_description_is_an_openapi_document(description):
    assert json.dumps(description)
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(description))
    assert set(references) == set(description["components"]["schemas"]) - {"unused"}
    ids = [call["operationId"] for calls in description["paths"].values() for call in calls.values()]
    assert len(ids) == len(set(ids))
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
