"""Run a network: settings, the loop, what is watched, and the directory and process of a run."""
