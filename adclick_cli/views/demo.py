"""How `adclick demo` speaks."""

from __future__ import annotations

from adclick_cli.demo import Summary
from adclick_cli.views import console


def step(number: str, text: str) -> None:
    """What comes next."""
    console.err().print(f"[{number}] {text} …", style="bold", markup=False, soft_wrap=True)


def summary(found: Summary) -> None:
    """The closing figures, on stdout."""
    results = found.verdict.results
    wrong = sum(one.missing + one.unexpected + one.different for one in results.values())
    rates = ", ".join(f"{phase} {ctr:.4f}" for phase, ctr in found.ctr_by_phase.items())
    alerts = ", ".join(f"{count} {name}" for name, count in sorted(found.alerts.items())) or "none"
    lines = [
        f"Events:          {found.impressions:,} impressions, {found.clicks:,} clicks",
        f"Final windows:   {found.windows:,} (campaign and minute)",
        f"CTR of camp-1:   {rates}",
        f"Alerts:          {alerts}",
        f"Rows compared:   {sum(one.compared for one in results.values()):,}",
        f"differences: {wrong}",
        f"Took {found.seconds:.0f} s.",
    ]
    console.write("\n".join(lines) + "\n")
