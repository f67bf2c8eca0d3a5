"""Looking into a network with weights."""
