"""Files as responses: their media types, and the name under which a browser saves them."""

from collections.abc import Iterable
from typing import IO, Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

# By the ending of the file's name.
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ics": "text/calendar; charset=utf-8",
    "jpg": "image/jpeg",
    "json": "application/json",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "py": "text/x-python; charset=utf-8",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
    "webp": "image/webp",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_response(content: bytes, name: str, *, inline: bool = False) -> HttpResponse:
    """A file that is in memory: saved under this name, or shown in the browser where it is `inline`."""
    response = HttpResponse(content)
    _describe_file(response, name, inline=inline)
    return response


def streamed_file_response(request: HttpRequest, parts: Iterable[str | bytes], name: str) -> HttpResponseBase:
    """A file that is written while it is sent, so that a long one takes no memory; HEAD does not begin to write it."""
    # A response of no length: of a plain one, Django would say that the file has 0 bytes.
    response = StreamingHttpResponse(() if request.method == "HEAD" else parts)
    _describe_file(response, name)
    return response


def opened_file_response(file: IO[Any], name: str, *, inline: bool = False) -> HttpResponseBase:
    """A file on disk, which is closed once it is sent."""
    response = FileResponse(file)
    _describe_file(response, name, inline=inline)
    return response


def text_response(text: str, status: int = 200) -> HttpResponse:
    """Plain text that ends in a line break, such as the reason why there is no file."""
    text = text if text.endswith("\n") else f"{text}\n"
    return HttpResponse(text, status=status, content_type=MEDIA_TYPES["txt"])


def file_headers(name: str, *, inline: bool = False) -> dict[str, str]:
    """What a browser learns about a file: its type, and the name under which it is saved."""
    ending = name.rpartition(".")[2]
    disposition = "inline" if inline else "attachment"
    return {
        # A file of unknown type is saved, never interpreted: a browser must not guess that it is a page.
        "Content-Type": MEDIA_TYPES.get(ending, "application/octet-stream"),
        "Content-Disposition": f'{disposition}; filename="{name}"',
    }


def _describe_file(response: HttpResponseBase, name: str, *, inline: bool = False) -> None:
    for header, value in file_headers(name, inline=inline).items():
        response.headers[header] = value
