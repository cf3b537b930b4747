"""The audit log: one JSON line for every change of the serving directory."""

import datetime
import getpass
import json
import os
import socket
from pathlib import Path
from typing import Any

AUDIT = "audit.jsonl"


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def whoami() -> str:
    """`user@host` of this process; the user's number where it has no name (containers)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def read(serving_dir: Path) -> list[dict[str, Any]]:
    """Every record, oldest first. A line torn by a kill is skipped: its change is recorded again on recovery."""
    try:
        lines = (serving_dir / AUDIT).read_text().splitlines()
    except FileNotFoundError:
        return []
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def append(serving_dir: Path, record: dict[str, Any]) -> None:
    """Adds a record durably; one with the same `id` is not added twice."""
    if any(known.get("id") == record["id"] for known in read(serving_dir)):
        return
    path = serving_dir / AUDIT
    torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with open(path, "a") as file:
        file.write(("\n" if torn else "") + json.dumps(record, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
