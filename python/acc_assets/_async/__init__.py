"""The asynchronous API, from which `make sync` generates the synchronous API in `_sync`."""
