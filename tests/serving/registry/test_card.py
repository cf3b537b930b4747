"""The model card is Markdown of ours around text of other people's."""

import pytest
from easel_serving.registry import card

HOSTILE = [
    "[a](javascript:x)",
    "<img src=x onerror=y>",
    "*bold* and _slanted_",
    "a | b",
    "one\n\n## Another section",
    "![x][y]",
    "[x]: http://y",
    "# a title",
    "> quoted",
]


def render(name):
    manifest = {
        "model": "m",
        "version": 1,
        "digest": "d",
        "notes": [name],
        "reasons": [name],
        "checks": [{"metric": "accuracy", "slice": name, "value": 0.5, "rule": "at_least", "bound": 0.4}],
        "data": {"photos": {"classes": {name: 3}, "list": [name]}},
    }
    return card.render(manifest, {name: ["pictures/0.jpg"]})


@pytest.mark.parametrize("name", HOSTILE)
def test_text_from_outside_is_no_markup(name):
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    inline = [token for token in markdown.parse(render(name)) if token.type == "inline"]
    inner = [child for token in inline for child in token.children or ()]
    kinds = {child.type for child in inner} - {"text", "softbreak", "code_inline", "text_special"}
    assert kinds == {"image"}  # the picture's own
    assert [child.attrs["src"] for child in inner if child.type == "image"] == ["pictures/0.jpg"]
    shown = " ".join(name.split())
    texts = ["".join(child.content for child in token.children or ()) for token in inline]
    assert sum(shown in text for text in texts) >= 6
    headings = [line for line in render(name).splitlines() if line.startswith("#")]
    assert headings == ["# m, version 1", "## Why it was approved", "## Checks", "## Pictures", "## Data"]


def test_what_is_no_markup_is_left_as_it_is():
    text = render("beats_trivial_by 0.05 [0.41, 0.6]: 1 < 2, `easel models promote cats 1`")
    assert "- beats_trivial_by 0.05 [0.41, 0.6]: 1 < 2, `easel models promote cats 1`" in text
