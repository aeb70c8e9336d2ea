"""The doctor inside other people's tools: TRL's trainers, and reward models of Hugging Face transformers."""

try:
    import transformers  # noqa: F401
except ImportError as error:
    message = "integrations need transformers and TRL: install the `scale` extra, pip install 'rlhf-lessons[scale]'"
    raise ImportError(message) from error
