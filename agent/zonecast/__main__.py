"""``python -m zonecast``: the same as the command ``zonecast``."""

from zonecast.cli import main

if __name__ == "__main__":
    main()
