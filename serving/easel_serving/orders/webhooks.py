"""Webhooks: what became of an order, told to the shop's own address, signed.

The signature is Stripe's scheme: `Easel-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 by the shared secret over
`SECONDS.BODY`. A receiver recomputes it and refuses old times. Calls are repeated until one is answered with 2xx, so a
receiver may hear of an order twice: its `id` tells.
"""

import hashlib
import hmac
import json
import logging
import time
import urllib.parse
from collections.abc import Sequence

import httpx

from easel_serving.orders.queue import Orders
from easel_serving.orders.table import Order
from easel_serving.protocol.errors import ServingError

LOGGER = logging.getLogger("easel.orders")

HEADER = "Easel-Signature"
_SECONDS = 10.0
_AGE = 300.0


def signature(body: bytes, secret: str, now: float) -> str:
    """The header's value for a body sent at a time, in seconds since 1970."""
    stamp = str(int(now))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def verify(body: bytes, header: str, secret: str, now: float | None = None) -> bool:
    """Whether a header is the signature of a body, not older than five minutes: for those who receive."""
    stamp = dict(part.partition("=")[::2] for part in header.split(",")).get("t", "")
    if not stamp.isdigit() or abs((time.time() if now is None else now) - int(stamp)) > _AGE:
        return False
    return hmac.compare_digest(signature(body, secret, int(stamp)), header)


def require_host(address: str, hosts: Sequence[str]) -> None:
    """Raises ServingError for an address on another host than those that are configured (`HOST` or `HOST:PORT`)."""
    parts = urllib.parse.urlsplit(address)
    try:
        named = {parts.hostname, f"{parts.hostname}:{parts.port}"}
    except ValueError:
        raise ServingError(f"webhook: {address[:80]} is no address") from None
    if not named & {host.lower() for host in hosts}:
        known = ", ".join(hosts) or "none"
        raise ServingError(f"webhook: {parts.hostname} is not among the hosts that are called (they are: {known})")


class Caller:
    """Calls the webhooks that are due.

    Args:
        orders: the queue.
        secret: shared with the receivers.
        hosts: that may be called; looked at again at each call, as the configuration may have changed.
    """

    def __init__(self, orders: Orders, secret: str, hosts: Sequence[str]):
        self._orders, self._secret, self._hosts = orders, secret, tuple(hosts)
        self._client = httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False)

    def call_due(self) -> bool:
        """Makes one call, if one is due; whether it did."""
        order = self._orders.calls.take()
        if order is None:
            return False
        self._orders.calls.note(order, self._call(order))
        return True

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _call(self, order: Order) -> bool:
        body = json.dumps({"event": f"order.{order.state}", "order": order.document()}).encode()
        headers = {"Content-Type": "application/json", HEADER: signature(body, self._secret, time.time())}
        try:
            require_host(order.webhook, self._hosts)
            answer = self._client.post(order.webhook, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ServingError) as error:
            LOGGER.warning("order %s: its webhook was not reached (%s)", order.id, error)
            return False
        if not answer.is_success:
            LOGGER.warning("order %s: its webhook answered %s", order.id, answer.status_code)
        return answer.is_success
