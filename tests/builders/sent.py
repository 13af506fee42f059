"""Events with every field of the schema, as a producer sends them; times are ms after T0."""

from __future__ import annotations

T0 = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def impression(number: int, at: int, campaign: str = "camp-1", device: str = "mobile") -> dict[str, object]:
    return {
        "impression_id": f"i{number}",
        "user_id": "u1",
        "campaign_id": campaign,
        "ad_id": "a1",
        "device_type": device,
        "browser": "chrome",
        "event_timestamp": T0 + at,
        "cost": 0.01,
    }


def click(number: int, at: int, of: int | None = None) -> dict[str, object]:
    return {
        "click_id": f"c{number}",
        "impression_id": f"i{number if of is None else of}",
        "user_id": "u1",
        "event_timestamp": T0 + at,
    }


def time_of(event: dict[str, object]) -> int:
    return int(str(event["event_timestamp"]))
