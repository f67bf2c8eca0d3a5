"""What a forked child runs: the command line with its output in files. Given `arguments`, `output` and `limit`."""

import os
import resource
import sys

from explorer.cli import main

for number, path in enumerate(output, start=1):  # noqa: F821
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
if limit:  # noqa: F821
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: F821
sys.exit(main(arguments))  # noqa: F821
