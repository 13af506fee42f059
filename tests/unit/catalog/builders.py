"""Trees and files for the tests of the catalog."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st

from adclick_cli.catalog.expressions import Expressions
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import Catalog, EventField
from adclick_cli.catalog.problems import CatalogError, Problem
from adclick_cli.catalog.tree import Binary, Clicks, Count, Impressions, Negative, Number, Sum, Tree

FIELDS = {
    "cost": EventField("cost", ("cost",), "decimal", optional=True),
    "price": EventField("price", ("price",), "decimal", precision=12, scale=2),
    "seconds": EventField("seconds", ("seconds",), "integer"),
    "browser": EventField("browser", ("browser",)),
}

LEAVES: tuple[Tree, ...] = (
    Impressions(),
    Clicks(),
    Sum("cost", 6),
    Sum("price", 2),
    Sum("seconds"),
    Count("browser"),
)
NUMBERS = st.sampled_from(["0", "1", "2", "1000", "0.85", "0.5", "12.125"]).map(lambda text: Number(Decimal(text)))


def trees() -> st.SearchStrategy[Tree]:
    """Trees of up to some ten parts."""
    first: st.SearchStrategy[Tree] = st.one_of(st.sampled_from(LEAVES), NUMBERS)
    return st.recursive(
        first,
        lambda inner: st.one_of(
            st.builds(Negative, inner), st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner)
        ),
        max_leaves=6,
    )


def printed(tree: Tree) -> str:
    """A tree as a user could write it, each operation in parentheses."""
    if isinstance(tree, Binary):
        return f"({printed(tree.left)} {tree.op} {printed(tree.right)})"
    if isinstance(tree, Negative):
        return f"(- {printed(tree.value)})"
    if isinstance(tree, Number):
        return f"{tree.value:f}"
    if isinstance(tree, Sum):
        return f"sum({tree.field})"
    if isinstance(tree, Count):
        return f"count({tree.field})"
    return "impressions" if isinstance(tree, Impressions) else "clicks"


def declared(folder: Path, text: str) -> Catalog:
    """The catalog of a file with this text."""
    path = folder / "adclick.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def refused(folder: Path, text: str) -> list[Problem]:
    """All that is wrong in a file with this text, the places without its folder."""
    try:
        declared(folder, text)
    except CatalogError as error:
        return list(error.problems)
    return []


def parse(text: str, **others: str) -> Tree:
    """The tree of a metric's text; `others` are further metrics."""
    return Expressions({"it": text, **others}, FIELDS).tree("it")
