"""The asynchronous face. The synchronous one in `_sync` is generated from it by `make sync`."""
