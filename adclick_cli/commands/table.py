"""The commands by panel: names, what each does in a sentence, and where its function is.

The help of `adclick` itself is drawn from this alone, so that it imports neither Typer nor a command's module; a test
holds each summary to its command's own docstring.
"""

from __future__ import annotations

from typing import NamedTuple

PROGRAM = "adclick"
HELP = "Ad impressions and clicks in, click-through rates, engagement and anomaly alerts out: Flink SQL, proven."
HELP_FLAGS = ("--help", "-h")

CLUSTER = "Cluster"
PIPELINE = "Pipeline"
EVENTS = "Events"
RESULTS = "Results"
SETUP = "Set-up"
PANELS = (CLUSTER, PIPELINE, EVENTS, RESULTS, SETUP)


class Entry(NamedTuple):
    """One command.

    Attributes:
        name: as the user types it.
        panel: one of `PANELS`.
        summary: the first paragraph of its docstring.
        place: `module:attribute` below `adclick_cli.commands`, a function or a Typer app.
        hidden: whether no help shows it.
    """

    name: str
    panel: str
    summary: str
    place: str
    hidden: bool = False


COMMANDS = (
    Entry(
        "demo", CLUSTER, "See it all: up, submit, 40 minutes of events, live table, alerts, verify, down.", "demo:demo"
    ),
    Entry(
        "up",
        CLUSTER,
        "Bring up broker, JobManager and TaskManager with the topics, and the jobs that ran; harmless where they run.",
        "up:up",
    ),
    Entry(
        "down",
        CLUSTER,
        "Stop the cluster. Events, results and the jobs' state stay on disk unless -v is given.",
        "up:down",
    ),
    Entry(
        "supervise",
        CLUSTER,
        "Start again what dies; `up --supervise` runs this in the background.",
        "up:supervise",
        hidden=True,
    ),
    Entry(
        "metrics-relay",
        CLUSTER,
        "Hand on what Flink's processes push; `up --metrics` runs this in the background on the local runtime.",
        "up:metrics_relay",
        hidden=True,
    ),
    Entry("status", CLUSTER, "Show services, jobs and topics.", "status:status"),
    Entry("logs", CLUSTER, "Print the services' logs.", "status:logs"),
    Entry(
        "render", PIPELINE, "Print the SQL that submit sends: a plain script for any Flink SQL client.", "render:render"
    ),
    Entry(
        "test",
        PIPELINE,
        "Run cases in YAML: events in order of arrival in, result rows out; exit 3 when one fails.",
        "cases:cases",
    ),
    Entry(
        "submit",
        PIPELINE,
        "Submit both jobs; they run when this returns (with --bounded: they have finished).",
        "submit:submit",
    ),
    Entry("jobs", PIPELINE, "List the jobs that Flink knows, newest first, and why one does not run.", "jobs:jobs"),
    Entry(
        "stop",
        PIPELINE,
        "End both jobs when all that they have computed is committed. The cluster, the events and the results stay.",
        "jobs:stop",
    ),
    Entry("cancel", PIPELINE, "End both jobs at once; rows that are not committed yet are dropped.", "jobs:cancel"),
    Entry("savepoints", PIPELINE, "List the savepoints, newest first.", "jobs:savepoints"),
    Entry(
        "generate", EVENTS, "Send made-up impressions and clicks; Ctrl-C ends it after a flush.", "generate:generate"
    ),
    Entry(
        "heartbeat",
        EVENTS,
        "Write heartbeats into silent partitions, so that their windows close, until Ctrl-C.",
        "heartbeat:heartbeat",
    ),
    Entry(
        "replay", EVENTS, "Send a recorded log's impressions and clicks, in the order of their time.", "replay:replay"
    ),
    Entry(
        "watch",
        RESULTS,
        "Show results as they come; Ctrl-C ends. Without a terminal: one JSON line for each row.",
        "watch:watch",
    ),
    Entry(
        "score",
        RESULTS,
        "Compare alerts with what the generator injected: precision, recall, F1, delay, false alerts an hour.",
        "score:score",
    ),
    Entry(
        "dashboard",
        RESULTS,
        "Serve a web page with CTR, engagement, alerts and data quality, live; Ctrl-C ends.",
        "dashboard:dashboard",
    ),
    Entry(
        "verify",
        RESULTS,
        "Recompute every result from the raw events and compare; exit 3 on any difference, 1 if no row was checked.",
        "verify:verify",
    ),
    Entry(
        "bench", RESULTS, "Measure on the cluster that is up; nothing else should run on the machine.", "bench:bench"
    ),
    Entry(
        "chaos",
        RESULTS,
        "Kill processes while events flow, mend as `up` does, verify every row; exit 3 on any difference.",
        "chaos:chaos",
    ),
    Entry(
        "doctor",
        SETUP,
        "Check machine, set-up and pipeline: why are there no rows yet? Exits 3 if something is wrong.",
        "doctor:doctor",
    ),
    Entry(
        "init",
        SETUP,
        "Write an adclick.toml: the built-in catalog, or one proposed from a broker's topics or from a log.",
        "init:init",
    ),
    Entry("catalog", SETUP, "Show what is declared: events, fields, metrics, results.", "catalog:app"),
    Entry("config", SETUP, "Show the settings.", "config:app"),
)

OPTIONS = (
    ("--version", "Print the version."),
    ("--install-completion", "Install completion for the current shell."),
    ("--show-completion", "Show completion for the current shell, to copy it or customize the installation."),
    (", ".join(HELP_FLAGS), "Show this message and exit."),
)
"""The options of `adclick` itself. All but the first are Typer's own."""
