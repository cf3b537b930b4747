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
from collections.abc import Sequence

import httpx

from easel_serving.orders.queue import Orders
from easel_serving.orders.table import Order
from easel_serving.protocol.errors import ServingError

LOGGER = logging.getLogger("easel.orders")

HEADER = "Easel-Signature"
_SECONDS = 10.0
_AGE = 300.0
_PORTS = {"http": 80, "https": 443}


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
    """Raises ServingError for an address on another host than those that are configured.

    `HOST:PORT` is that port, `HOST` the one of HTTP or HTTPS: others of the same machine are no business of a shop's.
    """
    try:
        # Read by what calls it: two readers of an address may see two hosts in it.
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise ServingError(f"webhook: {address[:80]} is no address") from None
    host = f"[{url.host}]" if ":" in url.host else url.host
    named = {f"{host}:{url.port or _PORTS.get(url.scheme)}"} | ({host} if url.port is None else set())
    if not named & {host.lower() for host in hosts}:
        known = ", ".join(hosts) or "none"
        raise ServingError(f"webhook: {url.netloc.decode()[:80]} is not among the hosts that are called ({known})")


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
            # What it has to say besides the status is not waited for, however much that is.
            with self._client.stream("POST", order.webhook, content=body, headers=headers) as answer:
                pass
        except (httpx.HTTPError, httpx.InvalidURL, ServingError, ValueError) as error:
            LOGGER.warning("order %s: its webhook was not reached (%s)", order.id, error)
            return False
        if not answer.is_success:
            LOGGER.warning("order %s: its webhook answered %s", order.id, answer.status_code)
        return answer.is_success
