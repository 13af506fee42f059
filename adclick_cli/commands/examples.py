"""Examples of each command, shown below its `--help` and in docs/commands.md; a test parses every one."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "doctor": (
        ("adclick doctor", "the first line says why there are no rows yet"),
        ("adclick doctor --fix --output json", "mend what is safe to; one JSON object a finding"),
    ),
    "test": (
        ("adclick test examples/tests", "every case of a folder"),
        ("adclick test examples/tests --portable", "by plain SQL what does not say otherwise"),
        ("adclick test -k late --junit report.xml", "some cases of the folder tests, for a CI server"),
        ("adclick test examples/tests/lateness.yaml --update", "write what came out where both engines agree"),
    ),
    "demo": (("adclick demo", "all of it, and nothing is left"), ("adclick demo --keep", "the cluster stays up")),
    "up": (
        ("adclick up", "containers where Docker answers, else processes"),
        ("adclick up --runtime local --supervise", "and what dies is started again"),
        ("adclick up --gateway", "and a warm SQL gateway for submit --via gateway"),
        ("adclick up --kafka-port 19092 --ui-port 18081 --metrics", "other ports; metrics for Prometheus"),
    ),
    "down": (("adclick down", "events, results and jobs stay on disk"), ("adclick down -v", "only the jars stay")),
    "status": (
        ("adclick status", "services, jobs, topics"),
        ("adclick status --wait 60", "exit 3 if not all runs after a minute"),
    ),
    "logs": (("adclick logs taskmanager -f", "as lines come"), ("adclick logs --tail 20", "of all services")),
    "render": (
        ("adclick render --window 30s", "the whole script"),
        ("adclick render --stage join", "one stage of it"),
        ("adclick render --target kubernetes", "manifests for the Flink Kubernetes operator"),
    ),
    "submit": (
        ("adclick submit --threshold 0.5", "DROP below 0.5 times, SPIKE above 2 times"),
        ("adclick submit --replace --window 30s --attribution 5m", "all anew, with other windows"),
        ("adclick submit --from-savepoint latest --threshold 0.4", "go on, with another threshold"),
        ("adclick submit --replace --via gateway", "through a process that stays, quicker from the second time on"),
        ("adclick submit --bounded", "what is there now, every window, then the end"),
    ),
    "jobs": (("adclick jobs", "what runs"), ("adclick jobs --output json", "one JSON object a line")),
    "stop": (
        ("adclick stop", "all that was computed is committed"),
        ("adclick stop --savepoint", "and the state is kept"),
    ),
    "cancel": (("adclick cancel", "at once; what is not committed is dropped"),),
    "savepoints": (("adclick savepoints", "newest first"),),
    "generate": (
        ("adclick generate --phase high", "a campaign with four times the clicks, until Ctrl-C"),
        ("adclick generate --phase cycle --backfill 40m --rate 300 --seed 7", "40 minutes of events at once"),
        ("adclick generate --count 1000 --late 0.05 --malformed 0.01", "with late and broken ones"),
    ),
    "heartbeat": (("adclick heartbeat --bootstrap-servers broker:9092", "for a broker of yours"),),
    "replay": (
        ("adclick replay log.csv --map campaign_id=item --speed 60", "a recorded log, an hour a minute"),
        ("adclick replay - --format csv", "standard input, for example behind `zcat log.gz |`"),
    ),
    "watch": (
        ("adclick watch ctr", "live, until Ctrl-C"),
        ("adclick watch ctr --campaign camp-1 --once", "one campaign, once"),
        ("adclick watch alerts --once --output json", "for another program"),
    ),
    "score": (
        ("adclick score", "alerts against the truth of generate"),
        ("adclick score --simulate", "the same without a cluster"),
    ),
    "dashboard": (("adclick dashboard", "http://127.0.0.1:8501"), ("adclick dashboard --port 9000", "elsewhere")),
    "verify": (
        ("adclick verify", "exit 3 on any difference"),
        ("adclick verify --wait 2m", "until all is written, at most so long"),
    ),
    "bench": (("adclick bench --events 1000000 --rounds 3", "each side in turn"),),
    "chaos": (("adclick chaos", "kill processes while events flow, and check every row"),),
    "init": (
        ("adclick init", "the built-in catalog, with comments"),
        ("adclick init --bootstrap-servers kafka:9092 --stdout", "what the topics there look like"),
        ("adclick init --from-file impressions.jsonl.gz", "what a log looks like"),
    ),
    "catalog": (
        ("adclick catalog", "what adclick.toml declares, and what is built in"),
        ("adclick catalog --output json", "one JSON object"),
    ),
    "check": (("adclick catalog check", "exit 1 with file, line, key, value and mend of all that cannot work"),),
    "show": (("adclick config show", "each setting, and where it came from"),),
}


def epilog(name: str | None) -> str | None:
    """What stands below a command's help: `Examples`, one a paragraph, as Typer keeps no line breaks."""
    found = EXAMPLES.get(name or "")
    if not found:
        return None
    return "\n\n".join(["[bold]Examples[/bold]", *(f"{line}   [dim]{what}[/dim]" for line, what in found)])
