"""The register: appending to it (`log`), checking it (`audit`), and the parts that both use.

`verify.py` is the stand-alone program with which anybody checks the register without this portal.
"""
