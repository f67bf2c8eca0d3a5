from hypothesis import settings

# No deadline, since machines differ; the same examples every time; and no folder left behind.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")
