"""The queue's promises, on both databases."""

import concurrent.futures
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from easel_serving.orders.queue import Conflict, Missing, Orders, TooMany
from easel_serving.orders.table import DONE, FAILED, ORDERS, PAINTING, QUEUED
from easel_serving.orders.wishes import parse

WISHES = parse({"style": "wave"})
BY = {"model": "style", "version": 1}


def _lapse(orders: Orders) -> None:
    """All leases run out, and all pauses are over."""
    with orders._database.writing() as connection:
        connection.execute(ORDERS.update().where(ORDERS.c.lease.is_not(None)).values(lease_until=1.0))
        connection.execute(ORDERS.update().values(due=1.0))


def _call_now(orders: Orders) -> None:
    with orders._database.writing() as connection:
        connection.execute(ORDERS.update().values(call_due=1.0))


def test_an_order_goes_from_photo_to_picture(orders: Orders) -> None:
    placed, new = orders.place("shop", WISHES, b"photo")
    assert (new, placed.state, placed.attempts) == (True, QUEUED, 0)
    taken = orders.leases.take()
    assert (taken.id, taken.state, taken.attempts) == (placed.id, PAINTING, 1)
    assert orders.leases.take() is None
    assert orders.files.get(taken.photo) == b"photo"
    assert orders.leases.renew(taken, 0.4)
    assert orders.find(placed.id).document()["progress"] == 0.4
    assert orders.leases.finish(taken, b"picture", ".png", BY)
    done = orders.find(placed.id, "shop")
    assert (done.state, done.painted_by, done.progress) == (DONE, BY, 1.0)
    assert orders.files.get(done.result) == b"picture"
    assert orders.leases.take() is None


def test_an_order_whose_worker_died_is_painted_again_and_finished_once(orders: Orders) -> None:
    orders.place("", WISHES, b"photo")
    first = orders.leases.take()
    _lapse(orders)
    second = orders.leases.take()
    assert (second.id, second.attempts) == (first.id, 2)
    # The first was only slow: it is told so, and its picture does not count, nor stay.
    assert not orders.leases.renew(first, 0.9)
    assert orders.leases.finish(second, b"second", ".png", BY)
    assert not orders.leases.finish(first, b"first", ".png", BY)
    assert not orders.leases.give_back(first, "late", passing=True)
    done = orders.find(first.id)
    assert orders.files.get(done.result) == b"second"
    assert orders.files.orphans({done.photo, done.result}, 1e12) == []


def test_a_clock_that_was_set_back_holds_no_order_for_ever(orders: Orders) -> None:
    orders.place("", WISHES, b"photo")
    orders.leases.take()
    with orders._database.writing() as connection:
        ahead = orders._database.now(connection) + 86_400
        connection.execute(ORDERS.update().values(lease_until=ahead))
    assert orders.leases.take() is not None


def test_a_clock_that_was_set_back_holds_up_neither_orders_nor_webhooks(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, _ = orders.place("", WISHES.model_copy(update={"webhook": "https://shop.example/done"}), b"photo")
    orders.leases.give_back(orders.leases.take(), "the disk was busy", passing=True)
    fresh, _ = orders.place("", WISHES, b"photo")
    now = orders._database.now
    monkeypatch.setattr(orders._database, "now", lambda connection: now(connection) - 86_400)
    assert [orders.leases.take().id for _ in range(2)] == [again.id, fresh.id]
    # Its lease was given under the new clock, which is put right now: it has run out, and is finished once.
    monkeypatch.setattr(orders._database, "now", now)
    second = orders.leases.take()
    assert (second.id, second.attempts) == (again.id, 3)
    assert orders.leases.finish(second, b"picture", ".png", BY)
    monkeypatch.setattr(orders._database, "now", lambda connection: now(connection) - 86_400)
    assert orders.calls.take().id == again.id
    assert orders.statistics().painting_seconds >= 0


def test_what_may_pass_is_tried_again_and_then_fails(opened: Callable[..., Orders]) -> None:
    orders = opened(attempts=2)
    placed, _ = orders.place("", WISHES, b"photo")
    assert orders.leases.give_back(orders.leases.take(), "the disk was busy", passing=True)
    assert orders.find(placed.id).state == QUEUED
    assert orders.leases.take() is None, "not before a pause"
    _lapse(orders)
    assert orders.leases.give_back(orders.leases.take(), "the disk was busy", passing=True)
    failed = orders.find(placed.id)
    assert (failed.state, failed.reason) == (FAILED, "the disk was busy; tried 2 times")
    orders.retry(placed.id)
    assert orders.leases.take().attempts == 1
    with pytest.raises(Missing):
        orders.retry(placed.id)


def test_bad_input_fails_at_once(orders: Orders) -> None:
    placed, _ = orders.place("", WISHES, b"photo")
    assert orders.leases.give_back(orders.leases.take(), "photo: not an image", passing=False)
    assert orders.find(placed.id).document()["reason"] == "photo: not an image"
    assert orders.leases.take() is None


def test_an_order_that_kills_its_workers_blocks_nobody(opened: Callable[..., Orders]) -> None:
    orders = opened(attempts=2)
    poison, _ = orders.place("", WISHES, b"poison")
    good, _ = orders.place("", WISHES, b"good")
    for _ in range(2):
        assert orders.leases.take().id == poison.id
        _lapse(orders)
    assert orders.leases.take().id == good.id
    assert orders.find(poison.id).reason == "its worker ended while it was painted; tried 2 times"


def test_the_first_come_first_and_urgent_ones_before(orders: Orders) -> None:
    placed = [orders.place("", WISHES, bytes([i]), priority=p)[0].id for i, p in enumerate((0, 0, 5))]
    assert [orders.leases.take().id for _ in placed] == [placed[2], placed[0], placed[1]]


def test_the_same_key_is_the_same_order(orders: Orders) -> None:
    first, _ = orders.place("shop", WISHES, b"photo", "key")
    again, new = orders.place("shop", WISHES, b"photo", "key")
    assert (again.id, new) == (first.id, False)
    with pytest.raises(Conflict):
        orders.place("shop", WISHES, b"another", "key")
    assert orders.place("other", WISHES, b"another", "key")[1], "everyone has keys of their own"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: orders.place("shop", WISHES, b"at once", "race"), range(8)))
    assert len({order.id for order, _ in found}) == 1
    assert sum(new for _, new in found) == 1


def test_an_order_is_seen_by_its_owner_only(orders: Orders) -> None:
    order, _ = orders.place("shop", WISHES, b"photo")
    for call in (orders.find, orders.remove):
        with pytest.raises(Missing):
            call(order.id, "other")
    assert orders.page("other") == []
    assert [one.id for one in orders.page("shop")] == [order.id]


def test_pages_have_every_order_once(orders: Orders) -> None:
    placed = [orders.place("", WISHES, bytes([i]))[0].id for i in range(5)]
    seen, before = [], None
    while page := orders.page(limit=2, before=before):
        seen += [order.id for order in page]
        before = page[-1].id
    assert seen == placed[::-1]
    assert len(orders.page(state=DONE)) == 0


def test_a_full_queue_refuses(opened: Callable[..., Orders]) -> None:
    orders = opened(queued=3, queued_per_owner=2)
    orders.place("a", WISHES, b"1")
    orders.place("a", WISHES, b"2", "key")
    with pytest.raises(TooMany):
        orders.place("a", WISHES, b"3")
    assert not orders.place("a", WISHES, b"2", "key")[1], "what is known already needs no room"
    orders.place("b", WISHES, b"3")
    with pytest.raises(TooMany):
        orders.place("b", WISHES, b"4")


def test_an_order_that_is_removed_while_it_is_painted_leaves_nothing(orders: Orders) -> None:
    order, _ = orders.place("", WISHES, b"photo")
    taken = orders.leases.take()
    orders.remove(order.id)
    assert not orders.leases.renew(taken, 0.5)
    assert not orders.leases.finish(taken, b"picture", ".png", BY)
    assert orders.files.orphans(set(), 1e12) == []


def test_what_is_old_is_cleared_away(opened: Callable[..., Orders]) -> None:
    orders = opened(keep_days=1)
    done, waiting = (orders.place("", WISHES, bytes([i]))[0] for i in range(2))
    orders.leases.finish(orders.leases.take(), b"picture", ".png", BY)
    assert orders.clear() == 0
    with orders._database.writing() as connection:
        connection.execute(ORDERS.update().where(ORDERS.c.id == done.id).values(finished=1.0))
    assert orders.clear() == 1
    with pytest.raises(Missing):
        orders.find(done.id)
    assert orders.files.orphans({waiting.photo}, 1e12) == []


def test_statistics(orders: Orders) -> None:
    assert orders.statistics().oldest_seconds == 0
    for i in range(3):
        orders.place("", WISHES, bytes([i]))
    orders.leases.take()
    found = orders.statistics()
    assert found.states == {QUEUED: 2, PAINTING: 1}
    assert found.oldest_seconds >= 0


def test_many_workers_take_every_order_once(opened: Callable[..., Orders]) -> None:
    orders = opened()
    placed = {orders.place("", WISHES, bytes([i]))[0].id for i in range(40)}

    def work(_: int) -> list[str]:
        queue, mine = opened(), []
        while (order := queue.leases.take()) is not None:
            assert queue.leases.finish(order, b"picture", ".png", BY)
            mine.append(order.id)
        return mine

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        finished = [order for mine in pool.map(work, range(4)) for order in mine]
    assert sorted(finished) == sorted(placed)


def test_webhooks_wait_for_the_end_and_are_given_up_at_last(
    opened: Callable[..., Orders], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = opened(call_attempts=2)
    orders.place("", WISHES.model_copy(update={"webhook": "https://shop.example/done"}), b"photo")
    assert orders.calls.take() is None
    orders.leases.finish(orders.leases.take(), b"picture", ".png", BY)
    first = orders.calls.take()
    assert first.webhook == "https://shop.example/done"
    assert orders.calls.take() is None, "one call at a time"
    orders.calls.note(first, answered=False)
    _call_now(orders)
    orders.calls.note(orders.calls.take(), answered=False)
    _call_now(orders)
    assert orders.calls.take() is None
    with orders._database.reading() as connection:
        assert connection.scalar(sa.select(ORDERS.c.call_state)) == "given up"
