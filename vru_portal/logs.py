import logging
import re

# What follows in the address of a link that was mailed is its secret.
SECRET = re.compile(r"(/declaration/sign/)[^/\s]{16,}")


class HideLinks(logging.Filter):
    """Takes the secrets of mailed links out of what is logged of requests: more people read a log than a mailbox."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line; drop none."""
        said = record.getMessage()
        if (hidden := SECRET.sub(r"\1…", said)) != said:
            record.msg, record.args = hidden, None
        return True
