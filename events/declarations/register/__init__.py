"""The register: appending (`log`), checking (`audit`), and what both stand on. `verify.py` is for strangers."""
