"""Build any ResNet, see what it costs, train it, and look inside it."""
