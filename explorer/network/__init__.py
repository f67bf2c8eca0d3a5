"""The torch module: built from a plan, its weights read, translated and saved."""
