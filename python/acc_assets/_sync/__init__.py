"""The synchronous API, generated from `_async` by `make sync`, except `_drive.py`."""
