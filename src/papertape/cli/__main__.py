"""`python -m papertape.cli`: the same as `papertape`."""

from papertape.cli import main

if __name__ == "__main__":
    main()
