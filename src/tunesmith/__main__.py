"""``python -m tunesmith`` is the command line."""

from tunesmith.cli import main

if __name__ == "__main__":
    main()
