"""The asynchronous API. `make sync` generates the synchronous one in `_sync` from it."""
