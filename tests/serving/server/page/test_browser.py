"""The web page in a real Chromium, on a computer and on a phone."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.serving.browser import Browser

wait = Browser.wait


@pytest.fixture(scope="module")
def address(core, serving):
    """The embedded server with a style network that paints: over the photo goes the painting's colour, by strength."""
    from easel_serving.registry.directory import Directory
    from easel_serving.server.page.backends import Embedded
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    from tests.serving.server.conftest import served

    class Painting(Embedded):
        async def run(self, model, signature, inputs, outputs, version=None):
            if model != "painter":
                return await super().run(model, signature, inputs, outputs, version)
            photo = Image.open(io.BytesIO(inputs["content_bytes"][0])).convert("RGB")
            colour = {"Great-Wave": "blue", "starry-night": "yellow"}
            name = inputs["style_name"][0].decode() if "style_name" in inputs else ""
            painted = Image.blend(photo, Image.new("RGB", photo.size, colour.get(name, "lime")), inputs["strength"][0])
            buffer = io.BytesIO()
            painted.save(buffer, "PNG")
            return 1, {"stylized_bytes": np.array([buffer.getvalue()], object)}

    calls = Convenience(Painting(core), Directory(serving), core.metrics, core.limits, core.budget)
    with served(build(core, calls)) as found:
        yield found


@pytest.fixture
def page(window, address, tmp_path):
    """The page with a red photo of 60 x 40 in it, painted and classified."""
    Image.new("RGB", (60, 40), "red").save(tmp_path / "red.png")
    window.open(address)
    wait(lambda: "photos version 1" in window.text("#serving"))
    assert not window.shows("#result")
    window.type("#photo", str(tmp_path / "red.png"))
    wait(lambda: window.shows("#download") and window.shows("#bars li"))
    yield window
    assert window.messages() == []
    assert not window.shows("#error")


def colour(page, x=0.9):
    """The colour of the painted picture itself, at a part of its width."""
    return page.run(
        """const image = document.querySelector("#after"), canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
        return [...context.getImageData(canvas.width * arguments[0], 1, 1, 1).data].slice(0, 3)""",
        x,
    )


def near(page, expected):
    return page.run("return document.querySelector('#after').complete") and np.allclose(colour(page), expected, atol=12)


def test_a_photo_is_painted_and_classified(page):
    assert page.text("#painted-by").startswith("Painted by painter version 1 in")
    assert page.text("#verdict") == "red, 100 % sure, says photos version 1"
    assert near(page, [0, 0, 255])
    assert page.run("return document.querySelector('#download').download") == "painted.png"
    bars = "return [...document.querySelectorAll('#bars button')].map(button => button.textContent)"
    assert page.run(bars) == ["red99.6 %", "blue0.0 %"]


def test_sliders_and_paintings_take_effect_while_they_move(page):
    page.run(
        """const slider = document.querySelector("#strength");
        slider.value = 0.5; slider.dispatchEvent(new Event("input"))"""
    )
    wait(lambda: near(page, [127, 0, 127]))
    assert page.text("#strength-value") == "50 %"
    assert page.text("#painted-by") == "Preview …"
    page.run("document.querySelector('#strength').dispatchEvent(new Event('change'))")
    wait(lambda: page.text("#painted-by").startswith("Painted by"))
    page.run("document.querySelectorAll('input[name=painting]')[1].click()")
    wait(lambda: near(page, [255, 127, 0]))


def test_a_painting_of_ones_own(page, tmp_path):
    Image.new("RGB", (30, 30), "lime").save(tmp_path / "my_meadow.png")
    page.type("#own", str(tmp_path / "my_meadow.png"))
    wait(lambda: near(page, [0, 255, 0]))
    assert page.tree("input[value='own:']") == ("radio", "my meadow")
    page.run("document.querySelectorAll('input[name=painting]')[1].click()")
    wait(lambda: near(page, [0, 0, 255]))


def test_before_and_after_by_keyboard_and_by_hand(page):
    page.run("document.querySelector('#wipe').focus()")
    page.type("#wipe", "\ue012" * 10)  # ten times the left arrow
    assert page.run("return document.querySelector('#wipe').value") == "40"
    assert page.run("return getComputedStyle(document.querySelector('#after')).clipPath") == "inset(0px 0px 0px 40%)"
    page.run(
        """const area = document.querySelector("#wipe-area"), box = area.getBoundingClientRect();
        const at = { clientX: box.left + box.width * 0.75, clientY: box.top + 5, buttons: 1, pointerId: 1 };
        area.setPointerCapture = () => {};
        area.dispatchEvent(new PointerEvent("pointerdown", at))"""
    )
    assert page.run("return document.querySelector('#wipe').value") == "75"
    assert page.run("return document.querySelector('#wipe').getAttribute('aria-valuetext')") == "25 % painted"


def choose(page, part):
    page.run(
        """const select = document.querySelector("#part");
        select.value = arguments[0]; select.dispatchEvent(new Event("change"))""",
        part,
    )


def drag(page, x):
    """Draws a line from top to bottom with the widest pen."""
    page.run(
        """const canvas = document.querySelector("#drawing"), box = canvas.getBoundingClientRect();
        canvas.setPointerCapture = () => {};
        document.querySelector("#pen").value = 30;
        for (const [kind, y] of [["pointerdown", 0], ["pointermove", 0.5], ["pointermove", 1], ["pointerup", 1]]) {
          const at = { clientX: box.left + box.width * arguments[0], clientY: box.top + box.height * y };
          canvas.dispatchEvent(new PointerEvent(kind, { ...at, buttons: 1, pointerId: 1, bubbles: true }));
        }""",
        x,
    )


def test_what_is_marked_on_the_photo_is_painted(page):
    choose(page, "mask")
    assert page.shows("#drawing")
    assert page.tree("#pen") == ("slider", "Pen")
    page.run("document.querySelector('#mask-apply').click()")
    assert page.text("#mask-note") == "Nothing is marked yet: draw on the photo."
    drag(page, 0.1)
    wiped = page.run("return document.querySelector('#wipe').value")
    assert wiped == "50"  # the pen draws, and the slider between before and after stays
    page.run("document.querySelector('#mask-apply').click()")
    wait(lambda: np.allclose(colour(page, 0.9), [255, 0, 0], atol=12))
    assert np.allclose(colour(page, 0.1), [0, 0, 255], atol=12)
    assert not page.shows("#drawing")
    page.run("document.querySelector('#mask-apply').click()")  # mark more
    drag(page, 0.9)
    page.run("document.querySelector('#mask-rub').click()")
    drag(page, 0.1)
    page.run("document.querySelector('#mask-rub').click(); document.querySelector('#mask-apply').click()")
    wait(lambda: np.allclose(colour(page, 0.9), [0, 0, 255], atol=12))
    assert np.allclose(colour(page, 0.1), [255, 0, 0], atol=12)
    choose(page, "")
    wait(lambda: np.allclose(colour(page, 0.1), [0, 0, 255], atol=12))


def test_a_photo_without_a_subject_is_said(page):
    choose(page, "subject")
    wait(lambda: page.shows("#error"))
    assert page.text("#error").startswith("no subject was found")
    choose(page, "")
    wait(lambda: not page.shows("#error"))
    page.messages()  # the browser's own note of the refused request


def test_a_photo_that_is_dropped(page):
    page.run(
        """const canvas = document.createElement("canvas"); canvas.width = canvas.height = 20;
        const context = canvas.getContext("2d"); context.fillStyle = "blue"; context.fillRect(0, 0, 20, 20);
        canvas.toBlob(blob => {
          const data = new DataTransfer(); data.items.add(new File([blob], "blue.png", { type: "image/png" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        })"""
    )
    wait(lambda: page.text("#verdict").startswith("blue,"))


def test_what_the_browser_cannot_show_is_shown_by_the_model(page, tmp_path):
    Image.new("RGB", (50, 20), "blue").save(tmp_path / "scan.tiff")
    page.type("#photo", str(tmp_path / "scan.tiff"))
    wait(lambda: page.text("#verdict").startswith("blue,"))
    assert page.run("return document.querySelector('#before').naturalWidth") == 50
    wait(lambda: page.shows("#after"))


def test_a_version_that_was_promoted_meanwhile_is_told(page):
    page.run("answered('painter', 7)")
    assert page.text("#serving") == "Answering: painter version 7, photos version 1"
    page.run("document.querySelectorAll('input[name=painting]')[1].click()")
    wait(lambda: page.text("#serving") == "Answering: painter version 1, photos version 1")


def test_a_screen_reader_is_told_what_everything_is(page):
    assert page.tree("#strength")[0] == "slider"
    assert page.tree("#strength")[1].startswith("Strength")
    assert page.tree("#wipe") == ("slider", "Before and after")
    assert page.tree("input[name=painting]") == ("radio", "Great Wave")
    assert page.tree("#other") == ("combobox", "Mix with")
    assert page.tree("#download") == ("link", "Download")
    assert page.tree("#photo")[1].startswith("Choose a photo")
    assert page.tree("#style") == ("region", "Paint it like")
    assert page.run("return document.querySelector('#verdict').getAttribute('role')") == "status"


def test_nothing_is_wider_than_the_screen_and_the_picture_stays_in_view(page):
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.run("document.querySelector('#strength').scrollIntoView({ block: 'end' })")
    top, bottom, height = page.run(
        """const box = document.querySelector("#after").getBoundingClientRect();
        return [box.top, box.bottom, innerHeight]"""
    )
    assert top >= 0
    assert bottom <= height
    fingers = page.run(
        """return [...document.querySelectorAll("button, select, .button, input[type=range]")]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 30 && e.id !== "wipe").length"""
    )
    assert fingers == 0


def test_what_is_no_image_is_said_and_the_page_goes_on(window, address, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    window.open(address)
    wait(lambda: "photos version 1" in window.text("#serving"))
    window.type("#photo", str(tmp_path / "notes.txt"))
    wait(lambda: window.shows("#error"))
    assert window.text("#error") == "notes.txt: not an image in a known format"
    assert window.tree("#error")[0] == "alert"
    Image.new("RGB", (60, 40), "red").save(tmp_path / "red.png")
    window.type("#photo", str(tmp_path / "red.png"))
    wait(lambda: window.text("#verdict").startswith("red,") and window.shows("#download"))
    assert not window.shows("#error")
    window.run("scrollTo(0, document.body.scrollHeight)")
    window.type("#photo", str(tmp_path / "notes.txt"))
    wait(lambda: window.shows("#error"))
    # The photo before it is still there to be painted, and the message in view.
    assert window.shows("#after")
    assert window.run("return document.querySelector('#error').getBoundingClientRect().top >= 0")
    window.run("document.querySelectorAll('input[name=painting]')[1].click()")
    wait(lambda: not window.shows("#error") and near(window, [255, 255, 0]))
    window.messages()  # the browser's own note of the refused request
