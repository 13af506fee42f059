"""`adclick init`: a catalog to begin with."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import SERVERS, given_path


def init(
    servers: str | None = SERVERS,
    impressions: str | None = typer.Option(
        None, "--impressions", metavar="TOPIC", help="The topic of impressions. Default: found out by names and ids."
    ),
    clicks: str | None = typer.Option(
        None, "--clicks", metavar="TOPIC", help="The topic of clicks. Default: found out by names and ids."
    ),
    log: Path | None = typer.Option(
        None,
        "--from-file",
        parser=given_path,
        metavar="FILE",
        help="Look at a log of impressions instead: JSON, CSV or TSV, compressed or not. - reads stdin.",
    ),
    force: bool = typer.Option(False, "--force", help="Replace an adclick.toml that is there."),
    stdout: bool = typer.Option(False, "--stdout", help="Print it, and write no file."),
) -> None:
    """Write an adclick.toml: the built-in catalog, or one proposed from a broker's topics or from a log.

    With a broker (--bootstrap-servers, ADCLICK_BOOTSTRAP_SERVERS, or one of the topics) the newest messages are looked
    at; nothing is written there. Each guess has a comment that says what speaks for it.
    """
    from adclick_cli import settings
    from adclick_cli.inference import init as core
    from adclick_cli.views import catalog as view
    from adclick_cli.views import console

    if not (force or stdout):
        core.require_room()
    request = core.Request(impressions, clicks, log)
    found = core.text(settings.load(bootstrap_servers=servers), request, console.say)
    if stdout:
        console.write(found)
    else:
        core.write(found, force=force)
        console.say(f"{settings.PROJECT_FILE} is written.")
    console.say(view.told(core.check(found), settings.PROJECT_FILE))
    console.next_step("adclick catalog, then adclick up and adclick submit")
