import os

from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core: threads of one would only wait for another's
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadline, since machines differ; the same examples every time; and no folder left behind.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")
