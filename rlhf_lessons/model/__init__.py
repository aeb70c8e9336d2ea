"""The language model, its reward and value heads, and sampling."""
