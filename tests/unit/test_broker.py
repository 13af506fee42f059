"""The broker's own small rules."""

from __future__ import annotations

import uuid

import pytest

from adclick_cli.runtime.local import broker


def test_a_cluster_id_never_looks_like_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_like_a_flag, fine = uuid.UUID(bytes=b"\xf8" * 16), uuid.UUID(bytes=b"\x00" * 16)
    given = iter([looks_like_a_flag, looks_like_a_flag, fine])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(given))
    assert broker.cluster_id() == "A" * 22
