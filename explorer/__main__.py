"""``python -m explorer``: hands over to the command line."""

import sys

from explorer.cli import main

if __name__ == "__main__":
    sys.exit(main())
