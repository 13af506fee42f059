"""`python -m adclick_cli` is the same program as the `adclick` console script."""

from adclick_cli.entry import main

if __name__ == "__main__":
    main()
