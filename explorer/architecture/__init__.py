"""What a network is, operation by operation, and what it costs; without torch."""
