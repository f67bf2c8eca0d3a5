"""Drawings of records and plans: plain dicts, SVG, HTML. No torch, no gradio, no counting."""
