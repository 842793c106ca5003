"""Pages of usage-contract requests, of the contract register, and of a project with its request."""

from procurement.contracts.views import answering, project_page, register, requests
from procurement.contracts.views.frame import contracts_blueprint, requests_blueprint

PARTS = (requests, answering, register, project_page)

__all__ = ["PARTS", "contracts_blueprint", "requests_blueprint"]
