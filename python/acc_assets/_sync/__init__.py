"""The synchronous face, generated from `_async` by `make sync`, except `_drive.py`."""
