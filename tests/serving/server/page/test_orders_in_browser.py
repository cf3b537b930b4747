"""The page of orders in a real Chromium, on a computer and on a phone: an order is placed, painted and removed."""

import io
import threading

import pytest
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.worker import Worker
from easel_serving.protocol.errors import ServingError
from PIL import Image

from tests.serving.browser import Browser
from tests.serving.server.conftest import served

wait = Browser.wait


@pytest.fixture
def queue(tmp_path):
    return Orders.open(tmp_path / "orders", limits=Limits(queued=30))


@pytest.fixture
def address(core, serving, queue):
    from easel_serving.registry.directory import Directory
    from easel_serving.server.api.orders import OrdersApi
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    def require_style(name):
        if name not in ("Great-Wave", "starry-night"):
            raise ServingError(f"{name}: not known")

    api = OrdersApi(queue, require_style, [], [], core.limits, core.budget)
    calls = Convenience.embedded(core, Directory(serving))
    with served(build(core, calls, more_routes=api.routes())) as found:
        yield found


@pytest.fixture
def page(window, address, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "red.png")
    window.open(f"{address}/orders")
    wait(lambda: window.text("#standing") == "No orders" and window.text("#style"))
    yield window
    assert window.messages() == []
    # So that it asks no server that is gone.
    window.open("about:blank")


def state(page):
    """What the first order says of itself; None while the list has none."""
    return page.run("return document.querySelector('#orders .state')?.textContent.trim()")


def place(page, tmp_path):
    page.type("#photo", str(tmp_path / "red.png"))
    page.click("#place")


def paint(queue, until):
    """Paints what is queued: half, and the rest when `until` is set."""

    def painter(wishes, photo, mask, report):
        report(0.5)
        assert until.wait(20)
        buffer = io.BytesIO()
        Image.new("RGB", (60, 40), "blue").save(buffer, wishes.format)
        return buffer.getvalue(), f".{wishes.format}", {"model": "painter", "version": 3}

    order = queue.leases.take()
    thread = threading.Thread(target=Worker(queue, painter).paint, args=(order,))
    thread.start()
    queue.leases.renew(order, 0.5)
    return thread


def state_of(page):
    return page.run("return document.querySelector('#orders li')?.dataset.state")


def test_an_order_is_placed_painted_and_removed(page, queue, tmp_path):
    place(page, tmp_path)
    wait(lambda: state_of(page) == "queued")
    assert page.text("#placed") == "Placed: Great Wave"
    assert page.text("#standing") == "1 waiting"
    ready = threading.Event()
    painting = paint(queue, ready)
    wait(lambda: state(page) == "is painted, 50 %")
    assert page.tree("#orders progress")[0] == "progressbar"
    ready.set()
    painting.join()
    wait(lambda: state_of(page) == "done")
    assert "by painter version 3" in page.text("#orders .state")
    picture = page.run(
        "return fetch(document.querySelector('#orders a').href).then(answer => answer.headers.get('content-type'))"
    )
    assert picture == "image/jpeg"
    assert page.run("return document.querySelector('#orders a').download") == "Great-Wave.jpg"
    page.click("#orders button")
    wait(lambda: page.shows("#none"))
    assert queue.page() == []
    assert page.run("return document.activeElement.id") == "list-title"


def test_every_wish_of_the_form_arrives(page, queue, tmp_path):
    Image.new("L", (60, 40), "white").save(tmp_path / "mask.png")
    page.run(
        """const set = (id, value) => {
          const field = document.getElementById(id);
          field.value = value; field.dispatchEvent(new Event("change", { bubbles: true }));
        };
        set("style", "starry-night"); set("strength", "0.5"); set("how-large", "paper"); set("paper", "50x70cm");
        set("dpi", "100"); set("only", "mask"); set("format", "tiff");"""
    )
    page.type("#mask", str(tmp_path / "mask.png"))
    place(page, tmp_path)
    order = wait(queue.page)[0]
    assert order.wishes == {"styles": [{"name": "starry-night"}], "strength": 0.5, "paper": "50x70cm", "dpi": 100,
                            "format": "tiff"}  # fmt: skip
    assert queue.files.get(order.mask) == (tmp_path / "mask.png").read_bytes()
    wait(lambda: state_of(page) == "queued")
    assert page.text("#orders .note") == "50 %, 50x70cm, 100 dpi, in a mask, TIFF"
    page.run("const f = document.querySelector('#only'); f.value = 'subject'; f.dispatchEvent(new Event('change'))")
    page.run("document.querySelector('#form').dispatchEvent(new Event('change'))")
    assert page.shows("#or-all")
    assert not page.shows("#mask")


def choose(page, **values):
    page.run(
        """for (const [id, value] of Object.entries(arguments[0])) {
          const field = document.getElementById(id);
          field.value = value;
          for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
        }""",
        {name.replace("_", "-"): value for name, value in values.items()},
    )


def test_two_styles_are_mixed(page, queue, tmp_path):
    assert not page.shows("#mix")
    choose(page, style="starry-night", other="Great-Wave", mix="0.25")
    assert page.text("#mix-value") == "25 %"
    place(page, tmp_path)
    assert wait(queue.page)[0].wishes["styles"] == [
        {"name": "starry-night", "weight": 0.75},
        {"name": "Great-Wave", "weight": 0.25},
    ]
    wait(lambda: state_of(page) == "queued")
    assert page.text("#orders strong").startswith("starry night 75 % and Great Wave 25 %, ")


def test_a_box_is_drawn_on_the_photo(page, queue, tmp_path):
    choose(page, only="subject")
    assert not page.shows("#draw")
    page.type("#photo", str(tmp_path / "red.png"))
    wait(lambda: page.shows("#draw"))
    page.run(
        """const area = document.querySelector("#draw"), box = area.getBoundingClientRect();
        area.setPointerCapture = () => {};
        for (const [kind, x, y] of [["pointerdown", .75, .5], ["pointermove", .25, .25], ["pointerup", .25, .25]]) {
          const where = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
          area.dispatchEvent(new PointerEvent(kind, { ...where, buttons: 1, pointerId: 1, bubbles: true }));
        }"""
    )
    assert page.run("return document.querySelector('#box').value") == "15,10,30,10"
    assert page.run("return document.querySelector('#frame').style.width") == "50%"
    page.click("#place")
    assert (wait(queue.page)[0].wishes["box"], queue.page()[0].wishes["only"]) == ("15,10,30,10", "subject")
    # Another photo has another subject.
    Image.new("RGB", (30, 30), "blue").save(tmp_path / "blue.png")
    page.type("#photo", str(tmp_path / "blue.png"))
    assert page.run("return document.querySelector('#box').value") == ""


def test_by_keyboard_alone(page, queue, tmp_path):
    page.type("#photo", str(tmp_path / "red.png"))
    page.run("document.querySelector('#style').focus()")
    page.type("#style", "s")
    page.run("document.querySelector('#place').focus()")
    page.type("#place", "\ue007")  # Enter
    order = wait(queue.page)[0]
    assert order.wishes["styles"] == [{"name": "starry-night"}]
    wait(lambda: state_of(page) == "queued")
    page.run("document.querySelector('#orders button').focus()")
    before = page.run("return document.activeElement.getAttribute('aria-label')")
    ready = threading.Event()
    ready.set()
    paint(queue, ready).join()
    wait(lambda: state_of(page) == "done")
    # The list was renewed around whoever was on its button.
    wait(lambda: page.run("return document.activeElement.getAttribute('aria-label')") == before)
    page.type("#orders button", "\ue007")
    wait(lambda: page.shows("#none"))


def test_a_failure_and_a_refusal_say_why(page, queue, tmp_path):
    place(page, tmp_path)
    wait(queue.page)
    queue.leases.give_back(queue.leases.take(), "photo: <b>cut off</b>", passing=False)
    wait(lambda: state(page) == "failed: photo: <b>cut off</b>")
    page.run(
        """const paper = document.querySelector("#how-large");
        paper.value = "paper"; paper.dispatchEvent(new Event("change", { bubbles: true }));
        document.querySelector("#paper").value = "10x10m";"""
    )
    page.click("#place")
    wait(lambda: page.shows("#error"))
    assert "'10x10m' is no paper" in page.text("#error")
    assert page.tree("#error")[0] == "alert"
    assert [order.state for order in queue.page()] == ["failed"]
    assert any("400" in message for message in page.messages())  # the browser's own note of the refused request


def test_a_screen_reader_is_told_what_everything_is(page, queue, tmp_path):
    place(page, tmp_path)
    wait(lambda: state_of(page) == "queued")
    assert page.tree("#style") == ("combobox", "Paint it like")
    assert page.tree("#strength")[0] == "slider"
    assert page.tree("#only") == ("combobox", "What of it")
    assert page.tree("#form") == ("form", "Place an order")
    assert page.tree("#orders")[0] == "list"
    role, name = page.tree("#orders button")
    assert (role, name.startswith("Remove Great Wave, ")) == ("button", True)
    assert page.run("return document.querySelector('#standing').getAttribute('role')") == "status"


def test_it_fits_the_screen_and_fingers(page, queue, tmp_path):
    place(page, tmp_path)
    wait(lambda: state_of(page) == "queued")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    small = page.run(
        """return [...document.querySelectorAll("button, select, .button, input")]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 30 && e.type !== "checkbox")
        .map(e => e.id)"""
    )
    assert small == []


def test_the_first_page_leads_here_where_orders_are_taken(window, address, client):
    window.open(address)
    assert window.tree("header nav a") == ("link", "Orders")
    window.click("header nav a")
    wait(lambda: window.text("h1") == "Orders")
    window.open("about:blank")
    window.messages()
    assert b"orders" not in client.get("/").content
    assert client.get("/orders").status_code == 404
