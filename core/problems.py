"""An error answer of the API: problem+json (RFC 9457), in Japanese or, when asked for, in English."""

import json
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from core.errors import DomainError

PROBLEM_TYPE = "application/problem+json"
_LANGUAGES = ("ja", "en")

# By code: the title, and what it means with how to mend it. Japanese words stand with each error.
ENGLISH: dict[str, tuple[str, str]] = {
    "address_too_long": (
        "Address too long",
        "The address with its query is over the limit. Send fewer or shorter parameters.",
    ),
    "answers_refused": (
        "Answers do not fit the specification",
        "Answers do not fit the requirements of that version. Mend those named in errors.",
    ),
    "bad_parameters": (
        "Parameters cannot be used",
        "Parameters are unknown, given twice, or have wrong values. Mend those named in errors.",
    ),
    "bad_request": (
        "Request cannot be understood",
        "The request cannot be read. Check how it is written and send it again.",
    ),
    "conflict": (
        "Conflict with another act",
        "Another registration or act is in the way. Read the present content and try again.",
    ),
    "csrf": ("Form expired", "Nothing has changed. Open the page again and send it once more."),
    "cursor_too_old": (
        "Cannot continue from this number",
        ("Changes after that number are no longer kept, or the epoch is another. Take the snapshot"
        " (/api/v1/snapshot) again and continue from its sequence."),
    ),
    "evidence_refused": (
        "Evidence file refused",
        "Kind, size or content of the file breaks the rules. Send an intact PDF, PNG, XLSX or CSV.",
    ),
    "file_missing": (
        "File missing",
        "A recorded file is not in the store. Please tell the operator.",
    ),
    "forbidden": (
        "Not allowed",
        "You may know of this but not do it with the rights that you have now.",
    ),
    "gone": ("Gone", "It existed and has ended. Remove your copy and look for a substitute."),
    "guard_failed": (
        "Conditions are not met",
        "Something is missing for this act. Provide everything named in errors and try again.",
    ),
    "headers_too_large": (
        "Header fields too large",
        "The header fields are over the limit. Send fewer or shorter ones.",
    ),
    "http_405": (
        "Method not allowed",
        "This address does not take that method. The Allow header names those that it takes.",
    ),
    "http_406": (
        "Not acceptable",
        "The address does not answer in that media type. Accept the one that the API describes.",
    ),
    "http_415": (
        "Unsupported media type",
        "Bodies of that media type are not taken. Send one that the API describes, mostly application/json.",
    ),
    "http_error": ("Error", "The status has the meaning that HTTP gives it. Check the request."),
    "idempotency_key_missing": (
        "Idempotency-Key required",
        "POST needs an Idempotency-Key header: a new value for each act, 8 to 200 ASCII characters.",
    ),
    "idempotency_key_reused": (
        "Idempotency-Key used for another request",
        "The same key came within 24 hours with other content. Use a new key for another act.",
    ),
    "index_behind": (
        "Index is catching up",
        "The search index is behind the database. Try again in a few seconds.",
    ),
    "insufficient_scope": (
        "Insufficient scope",
        "The token lacks the scope that WWW-Authenticate names. Ask for a token with it.",
    ),
    "invalid": ("Invalid values", "Values break the rules. Mend those named in errors."),
    "invalid_token": (
        "Invalid token",
        "The access token is wrong, expired or revoked. Get a new one from /oauth/token.",
    ),
    "length_required": ("Length required", "Send the body with a Content-Length header."),
    "not_found": (
        "Not found",
        "There is no such thing, or you may not see it. Check the address and its ids.",
    ),
    "precondition_required": (
        "If-Match required",
        "A change needs the ETag of what was read. Read first, then send it as If-Match.",
    ),
    "reauthentication_required": (
        "Recent sign-in required",
        "This act needs a sign-in of the last ten minutes.",
    ),
    "search_index_missing": (
        "Search unavailable",
        "The search index is missing or unreadable. Wait until the operator has rebuilt it.",
    ),
    "search_unavailable": (
        "Search unavailable",
        "The search cannot answer now, and nothing wider is answered instead. Try again later.",
    ),
    "server_error": (
        "Server error",
        "We failed; nothing was saved. Try again later, and tell us the request_id if it stays.",
    ),
    "sign_in_required": ("Sign-in required", "Only people who have signed in may use this."),
    "specification_import": (
        "Specification cannot be imported",
        "Mend the rows and columns named in errors and send the whole file again.",
    ),
    "stale_version": (
        "Changed by somebody else",
        "It was changed after you read it. Read it again, compare, and send your change anew.",
    ),
    "storage_unavailable": (
        "File store unavailable",
        "The file store does not answer now. Try again later.",
    ),
    "table_error": (
        "Table cannot be used",
        "Mend the rows and columns named in errors and send the whole file again.",
    ),
    "token_required": (
        "Token required",
        ("Nobody is answered here without a token. Get one from /oauth/token and send it as"
        " Authorization: Bearer."),
    ),
    "too_large": ("Too large", "What was sent or asked for is over the limit. Divide or narrow it."),
    "too_many": (
        "Too many requests",
        "The limit for this time is used up. Wait as many seconds as Retry-After says.",
    ),
    "unavailable": (
        "Temporarily unavailable",
        "A part of the system cannot answer now; nothing has changed. Try again later.",
    ),
    "wrong_state": (
        "Not possible in the present state",
        "The present state does not allow this. Read it again.",
    ),
}  # fmt: skip


def make_problem(
    status: int, code: str, words: tuple[str, str], request_id: str, details: list[tuple[str, str]]
) -> Response:
    """Return the error answer; `words` are the Japanese title and sentence, `details` name fields."""
    language = request.accept_languages.best_match(_LANGUAGES, default="ja")
    title, sentence = words if language == "ja" else _say_in_english(status, code)
    problem: dict[str, Any] = {
        "type": f"/docs/problems#{code}",
        "title": title,
        "status": status,
        "detail": sentence,
        "instance": request.path,
        "request_id": request_id,
    }
    if details:
        problem["errors"] = [{"field": name, "message": text} for name, text in details]
    response = jsonify(problem)
    response.status_code = status
    response.content_type = PROBLEM_TYPE
    response.content_language.add(language or "ja")
    response.vary.add("Accept-Language")
    return response


def _say_in_english(status: int, code: str) -> tuple[str, str]:
    known = status in set(HTTPStatus)
    plain = HTTPStatus(status).phrase if known else "Error"
    return ENGLISH.get(code, (plain, f"{plain}. The address in type explains it."))


def tell_more(response: Response, error: DomainError) -> None:
    """Add to a problem what its error knows besides: codes of faults, what stands there now."""
    problem = response.get_json()
    error.tell_more(problem)
    response.set_data(json.dumps(problem, ensure_ascii=False))
