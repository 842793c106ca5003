"""A program of an organisation that calls the API and trusts only its description."""

import itertools
import json

from accounts.identity import Scope
from accounts.models import Organisation
from core import db
from tests import factories
from tests.api.world import Api

_keys = itertools.count(1)


class Program(Api):
    """Calls with its token; holds every answer against the description of the site."""

    def __init__(self, client, owner_id, *scopes):
        super().__init__(client)
        with db.transaction() as session:
            owner = session.get_one(Organisation, owner_id)
            _, self.token = factories.api_client(session, owner, scopes or None)

    def try_send(self, method, path, body=None, **headers):
        """Send a request, whatever comes of it."""
        told = {"Authorization": f"Bearer {self.token}", **headers}
        if body is not None:
            told["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body, ensure_ascii=False)
        empty = {"CONTENT_LENGTH": "0"} if body is None and method == "POST" else {}
        return self.client.open(
            f"/api/v1{path}", method=method, headers=told, data=data, environ_overrides=empty
        )

    def upload(self, path, content, media_type, status=201, **headers):
        """Send a file as the body; a key of its own unless one is given."""
        told = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": media_type,
            "Idempotency-Key": f"test-key-{next(_keys)}",
            **headers,
        }
        response = self.client.open(f"/api/v1{path}", method="POST", headers=told, data=content)
        assert response.status_code == status, response.text
        self.check(path, response, "POST")
        return response

    def send(self, method, path, status, body=None, **headers):
        """Send a request; fails on another status."""
        response = self.try_send(method, path, body, **headers)
        assert response.status_code == status, response.text
        self.check(path, response, method)
        return response

    def get(self, path, status=200, **headers):
        return self.send("GET", path, status, **headers)

    def post(self, path, body, status=201, key=None):
        return self.send(
            "POST", path, status, body, **{"Idempotency-Key": key or f"test-key-{next(_keys)}"}
        )

    def change(self, path, body, status=200, tag=None, method="PUT"):
        """Put back what was read, unless a tag of before is given."""
        tag = tag or self.get(path).headers["ETag"]
        return self.send(method, path, status, body, **{"If-Match": tag})

    def edit(self, path, **values):
        """Read, change some values, put back."""
        read = self.get(path)
        return self.change(path, {**read.json, **values}, tag=read.headers["ETag"])


WRITER = Scope.OFFERING_WRITE
READER = Scope.PROJECT_READ
