"""Files: the upload in three steps and what is kept of it."""

import mimetypes
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

SAFE_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(slots=True)
class StoredFile:
    """A file; `content` is None until its bytes were sent, `shared_in` is empty until the upload is completed."""

    id: str
    name: str
    title: str
    user: str
    created: int
    base_url: str
    size: int = 0
    alt_text: str = ""
    content: bytes | None = None
    shared_in: list[str] = field(default_factory=list)

    @property
    def mimetype(self) -> str:
        """Guess the type from the name, as Slack does."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_text(self) -> bool:
        """Say whether the bytes can be shown as text."""
        if self.content is None or b"\0" in self.content[:4096]:
            return False
        try:
            self.content[:4096].decode("utf-8")
        except UnicodeDecodeError as error:
            return error.start > len(self.content[:4096]) - 4
        return True

    def payload(self) -> dict[str, Any]:
        """Render the file object of files.info."""
        # The page shows files at /files/; who has only a token gets them at /files-pri/.
        name = quote(self.name, safe="")
        url, page = f"{self.base_url}/files-pri/{self.id}/{name}", f"{self.base_url}/files/{self.id}/{name}"
        body: dict[str, Any] = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2] if "." in self.name else "text",
            "pretty_type": self.mimetype,
            "user": self.user,
            "size": self.size,
            "mode": "snippet" if self.is_text else "hosted",
            "is_external": False,
            "is_public": bool(self.shared_in),
            "url_private": url,
            "url_private_download": url + "?download=1",
            "permalink": page,
            "channels": list(self.shared_in),
            "alt_txt": self.alt_text,
        }
        if self.is_text and self.content is not None:
            body["preview"] = self.content[:2000].decode("utf-8", errors="ignore")
        return body
