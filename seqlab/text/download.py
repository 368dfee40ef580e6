"""Fetching a file whose hash is known."""

from __future__ import annotations

from pathlib import Path

from seqlab.doing import doing
from seqlab.errors import TextError, UnreachableError

SECONDS = 10
"""How long a server may stay silent."""

_OTHERWISE = (
    "Try again, or set SEQLAB_OFFLINE=1 to go on with the miniature text, "
    "or put the file where SEQLAB_DATA_DIR points."
)


def fetch(url: str, path: Path, sha256: str) -> None:
    """Fetch a file, check its hash, and only then put it at its place.

    Args:
        url: where it is.
        path: where to put it; folders are made.
        sha256: what its hash must be.

    Raises:
        UnreachableError: when no server answers.
        TextError: when there is no such file, the download breaks off, the hash is wrong, or the
            folder cannot be written; nothing is left behind.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    try:
        with doing(f"downloading {path.name}"):
            downloader = pooch.HTTPDownloader(timeout=SECONDS)
            pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=downloader)
    except requests.exceptions.HTTPError as error:
        raise TextError(f"{url} cannot be had: {error}.", hint=_OTHERWISE) from None
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
        raise UnreachableError(f"{url} cannot be reached.", hint=_OTHERWISE) from None
    except requests.exceptions.RequestException as error:
        raise TextError(f"The download of {url} broke off: {error}.", hint=_OTHERWISE) from None
    except ValueError as error:
        raise TextError(
            f"What came from {url} is not the file that was asked for: {error}", hint=_OTHERWISE
        ) from None
    except OSError as error:
        raise TextError(
            f"The download cannot be kept in {path.parent}: {error.strerror or error}.",
            hint="Set SEQLAB_CACHE_DIR to a folder that you may write to.",
        ) from None
