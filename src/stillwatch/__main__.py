"""``python -m stillwatch`` is the same as ``stillwatch``."""

import sys

from stillwatch.cli import main

if __name__ == "__main__":
    sys.exit(main())
