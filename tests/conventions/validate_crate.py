"""Run by the Python of `.tools`: validate a crate without a network, `python validate_crate.py CONTEXT ARGUMENTS ...`.

CONTEXT is the JSON-LD context of RO-Crate 1.3 that comes with the library that writes crates. It stands in for that of
1.1 that the validator would fetch, from which it differs in the addresses of Bioschemas. Nothing else may be fetched.
"""

import sys
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request
from urllib.response import addinfourl

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def from_disk(request: Request) -> addinfourl:
    """The context for a request, as a server would answer."""
    if request.full_url != CONTEXT:
        raise URLError(f"{request.full_url}: tests have no network")
    content = Path(sys.argv[1]).read_bytes().replace(b"https://bioschemas.org/terms/", b"https://bioschemas.org/")
    headers = {"Content-Type": "application/ld+json"}
    return addinfourl(BytesIO(content), headers, request.full_url, 200)  # type: ignore[arg-type]


if __name__ == "__main__":
    import rdflib.parser
    from rocrate_validator.cli.main import cli

    rdflib.parser._urlopen = from_disk
    cli(sys.argv[2:])
