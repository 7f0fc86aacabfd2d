"""Why a request is not answered by the portal itself."""


class RequestRefused(Exception):  # noqa: N818 - the client's mistake, or too many of them
    """A request that is refused without a thread: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


class ClientGone(Exception):  # noqa: N818 - no error: nobody is left to answer
    """The client went away before its request was whole, or before it was answered."""
