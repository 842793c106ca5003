"""The one permission table: Permission -> who, under which predicate. An absent row is an error."""

from collections.abc import Mapping
from enum import StrEnum

from accounts.identity import Grantee, Pseudo, Scope
from accounts.models import Role
from accounts.predicates import (
    Predicate,
    anywhere,
    assigned,
    cleared,
    ended,
    independent,
    independent_unrecused,
    named,
    opened_ended,
    opened_own,
    own,
    own_sent,
    own_unsent,
    personal,
    sent_here,
    unbiased,
    unrecused,
)


class Permission(StrEnum):
    """Everything that somebody may do."""

    API_READ = "api.read"
    CATALOG_READ = "catalog.read"
    FEED_READ = "feed.read"
    SPECIFICATION_READ = "specification.read"
    SIGN_IN = "account.sign_in"
    ACCOUNT_USE = "account.use"
    ACCOUNT_CHANGE = "account.change"
    SPECIFICATION_READ_DRAFT = "specification.read_draft"
    SPECIFICATION_EDIT = "specification.edit"
    SPECIFICATION_PUBLISH = "specification.publish"
    SPECIFICATION_OPEN = "specification.open_to_saas"
    SPECIFICATION_CONSULT = "specification.consult"
    SPECIFICATION_COMMENT = "specification.comment"
    COMMENT_READ = "comment.read"
    COMMENT_EDIT = "comment.edit"
    BODY_IMPORT = "body.import"
    MEMBERSHIP_MANAGE = "membership.manage"
    MEMBERSHIP_ADMIT = "membership.admit"
    VENDOR_REGISTER = "vendor.register"
    VENDOR_QUEUE = "vendor.queue"
    VENDOR_READ_FILE = "vendor.read_file"
    VENDOR_EDIT = "vendor.edit"
    VENDOR_SUBMIT = "vendor.submit"
    VENDOR_ASSIGN = "vendor.assign"
    VENDOR_DECIDE = "vendor.decide"
    VENDOR_ACCEPT_AGREEMENT = "vendor.accept_agreement"
    VENDOR_RENEW = "vendor.renew"
    AGREEMENT_ISSUE = "agreement.issue"
    VENDOR_EXCLUDE = "vendor.exclude"
    VENDOR_SUCCEED = "vendor.succeed"
    VENDOR_MANAGE_MEMBERS = "vendor.manage_members"
    VENDOR_WITHDRAW = "vendor.withdraw"
    INVITATION_ACCEPT = "invitation.accept"
    OFFERING_CREATE = "offering.create"
    OFFERING_READ_DRAFT = "offering.read_draft"
    OFFERING_EDIT = "offering.edit"
    OFFERING_SUBMIT = "offering.submit"
    OFFERING_DECIDE = "offering.decide"
    OFFERING_PUBLISH = "offering.publish"
    OFFERING_WITHDRAW = "offering.withdraw"
    LISTING_CONFIRM = "listing.confirm"
    REFERENCE_ASK = "reference.ask"
    REFERENCE_ANSWER = "reference.answer"
    CERTIFICATION_QUEUE = "certification.queue"
    CERTIFICATION_READ = "certification.read"
    CERTIFICATION_ASSIGN = "certification.assign"
    CERTIFICATION_RECOMMEND = "certification.recommend"
    CERTIFICATION_REQUEST_INFO = "certification.request_info"
    CERTIFICATION_READ_OPINIONS = "certification.read_opinions"
    CERTIFICATION_DECIDE = "certification.decide"
    CERTIFICATION_DECLARE = "certification.declare"
    CERTIFICATION_FIND = "certification.find"
    CERTIFICATION_REPLY = "certification.reply"
    CERTIFICATION_REPORT = "certification.report"
    CERTIFICATION_CONFIRM = "certification.confirm"
    CERTIFICATION_SUSPEND = "certification.suspend"
    CERTIFICATION_REVOKE = "certification.revoke"
    CERTIFICATION_APPEAL = "certification.appeal"
    CERTIFICATION_DECIDE_APPEAL = "certification.decide_appeal"
    BODY_RULES_READ = "body_rules.read"
    BODY_RULES_PROPOSE = "body_rules.propose"
    BODY_RULES_CONFIRM = "body_rules.confirm"
    PROJECT_CREATE = "project.create"
    PROJECT_READ = "project.read"
    PROJECT_EDIT = "project.edit"
    PROJECT_DECIDE = "project.decide"
    DECISION_RECORD_EXTERNAL = "decision.record_external"
    EVIDENCE_READ = "evidence.read"
    EVIDENCE_EXPORT = "evidence.export"
    ESTIMATED_PRICE_OPEN = "estimated_price.open"
    ESTIMATED_PRICE_READ = "estimated_price.read"
    ESTIMATED_PRICE_EDIT = "estimated_price.edit"
    ESTIMATED_PRICE_PRINT = "estimated_price.print"
    ESTIMATED_PRICE_HAND_OVER = "estimated_price.hand_over"
    REQUEST_EDIT = "request.edit"
    REQUEST_READ = "request.read"
    REQUEST_DECIDE = "request.decide"
    REQUEST_SEND = "request.send"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_ANSWER = "request.answer"
    QUOTE_ROUND_READ = "quote_round.read"
    QUOTE_ROUND_EDIT = "quote_round.edit"
    QUOTE_ROUND_DECIDE = "quote_round.decide"
    QUOTE_ROUND_OPEN = "quote_round.open"
    QUOTE_ROUND_WITHDRAW = "quote_round.withdraw"
    QUOTE_ROUND_READ_OPENED = "quote_round.read_opened"
    QUOTE_REQUEST_READ = "quote_request.read"
    QUOTE_REQUEST_DECLINE = "quote_request.decline"
    QUOTE_READ = "quote.read"
    QUOTE_EDIT = "quote.edit"
    QUESTION_ASK = "question.ask"
    QUESTION_ANSWER = "question.answer"
    CONTRACT_REGISTER = "contract.register"
    CONTRACT_CONFIRM = "contract.confirm"
    CONTRACT_READ = "contract.read"
    CONTRACT_PREPARE_NOTICE = "contract.prepare_notice"
    CONTRACT_DECIDE_NOTICE = "contract.decide_notice"
    SYNONYM_EDIT = "synonym.edit"
    SAVED_SEARCH_READ = "saved_search.read"
    SAVED_SEARCH_EDIT = "saved_search.edit"
    COST_COMPUTE = "cost.compute"
    COST_PROFILE_EDIT = "cost_profile.edit"
    CLIENT_READ = "client.read"
    CLIENT_MANAGE = "client.manage"
    CLIENT_END = "client.end"
    TOKEN_ASK = "token.ask"  # noqa: S105 - the name of a permission
    WEBHOOK_READ = "webhook.read"
    WEBHOOK_MANAGE = "webhook.manage"
    CHECKPOINT_READ = "checkpoint.read"
    AUDIT_READ_CASE = "audit.read_case"
    AUDIT_READ_ALL = "audit.read_all"

    @property
    def is_write(self) -> bool:
        """Tell whether it changes something."""
        return self not in _READS


_AN, _CO = Pseudo.ANONYMOUS, Pseudo.CONSOLE
_VM, _VA = Role.VENDOR_MEMBER, Role.VENDOR_ADMIN
_MC, _MA, _PC = Role.CLERK, Role.APPROVER, Role.COORDINATOR
_RV, _LR, _OP, _AU = Role.REVIEWER, Role.LEAD_REVIEWER, Role.OPERATOR, Role.AUDITOR
_EVERYONE: dict[Grantee, Predicate] = dict.fromkeys((_AN, *Role), anywhere)
_PROGRAMS: dict[Grantee, Predicate] = dict.fromkeys(Scope, anywhere)
_SIGNED_IN: dict[Grantee, Predicate] = dict.fromkeys(Role, anywhere)
_P = Permission

PERMISSIONS: Mapping[Permission, Mapping[Grantee, Predicate]] = {
    _P.API_READ: {**_EVERYONE, **_PROGRAMS},
    _P.CATALOG_READ: {**_EVERYONE, Scope.CATALOG_READ: anywhere},
    _P.FEED_READ: {**_EVERYONE, Scope.FEED_READ: anywhere},
    _P.SPECIFICATION_READ: {**_EVERYONE, Scope.SPEC_READ: anywhere},
    _P.SIGN_IN: _EVERYONE,
    _P.ACCOUNT_USE: _SIGNED_IN,
    _P.ACCOUNT_CHANGE: _SIGNED_IN,
    _P.SPECIFICATION_READ_DRAFT: {_RV: anywhere, _LR: anywhere, _AU: anywhere, _CO: anywhere},
    _P.SPECIFICATION_EDIT: {_RV: anywhere, _LR: anywhere, _CO: anywhere},
    _P.SPECIFICATION_PUBLISH: {_LR: anywhere},
    _P.SPECIFICATION_OPEN: {_LR: anywhere},
    _P.SPECIFICATION_CONSULT: {_RV: anywhere, _LR: anywhere},
    _P.SPECIFICATION_COMMENT: dict.fromkeys((_VM, _VA, _MC, _MA, _PC), anywhere),
    _P.COMMENT_READ: {
        **dict.fromkeys((_VM, _VA, _MC, _MA, _PC), own),
        **dict.fromkeys((_RV, _LR, _AU), anywhere),
    },
    _P.COMMENT_EDIT: dict.fromkeys((_VM, _VA, _MC, _MA, _PC), own),
    _P.SYNONYM_EDIT: {_LR: anywhere},
    _P.SAVED_SEARCH_READ: dict.fromkeys(Role, personal),
    _P.SAVED_SEARCH_EDIT: dict.fromkeys(Role, personal),
    _P.COST_COMPUTE: {**_EVERYONE, Scope.CATALOG_READ: anywhere},
    _P.COST_PROFILE_EDIT: dict.fromkeys(Role, personal),
    _P.BODY_IMPORT: {_CO: anywhere},
    _P.MEMBERSHIP_MANAGE: {_CO: anywhere},
    _P.MEMBERSHIP_ADMIT: {_VA: own},
    _P.VENDOR_REGISTER: _EVERYONE,
    _P.VENDOR_QUEUE: {_RV: anywhere, _LR: anywhere, _AU: anywhere},
    _P.VENDOR_READ_FILE: {_VM: own, _VA: own, _RV: assigned, _LR: anywhere, _AU: anywhere},
    _P.VENDOR_EDIT: {_VA: own},
    _P.VENDOR_SUBMIT: {_VA: own},
    _P.VENDOR_ASSIGN: {_LR: independent},
    _P.VENDOR_DECIDE: {_LR: independent},
    _P.VENDOR_ACCEPT_AGREEMENT: {_VA: own},
    _P.VENDOR_RENEW: {_VA: own},
    _P.AGREEMENT_ISSUE: {_LR: anywhere},
    _P.VENDOR_EXCLUDE: {_LR: independent},
    _P.VENDOR_SUCCEED: {_LR: independent},
    _P.VENDOR_MANAGE_MEMBERS: {_VA: own},
    _P.VENDOR_WITHDRAW: {_VA: own},
    _P.INVITATION_ACCEPT: _EVERYONE,
    _P.OFFERING_CREATE: {_VM: anywhere, _VA: anywhere, Scope.OFFERING_WRITE: anywhere},
    _P.OFFERING_READ_DRAFT: {
        **dict.fromkeys((_VM, _VA, Scope.OFFERING_WRITE), own),
        _RV: assigned,
        _LR: unrecused,
        _AU: anywhere,
    },
    _P.OFFERING_EDIT: {_VM: own, _VA: own, Scope.OFFERING_WRITE: own},
    _P.OFFERING_SUBMIT: {_VA: own},
    _P.OFFERING_DECIDE: {_LR: independent_unrecused},
    _P.OFFERING_PUBLISH: {_VA: own},
    _P.OFFERING_WITHDRAW: {_VA: own},
    _P.LISTING_CONFIRM: {_VA: own},
    _P.REFERENCE_ASK: {_VM: own, _VA: own},
    _P.REFERENCE_ANSWER: {_MC: sent_here, _MA: sent_here},
    _P.CERTIFICATION_QUEUE: {_RV: anywhere, _LR: anywhere, _AU: anywhere},
    _P.CERTIFICATION_READ: {_VM: own, _VA: own, _RV: cleared, _LR: unbiased, _AU: anywhere},
    _P.CERTIFICATION_ASSIGN: {_LR: independent_unrecused},
    _P.CERTIFICATION_RECOMMEND: {_RV: cleared},
    _P.CERTIFICATION_REQUEST_INFO: {_RV: cleared, _LR: unbiased},
    _P.CERTIFICATION_READ_OPINIONS: {_RV: cleared, _LR: unbiased, _AU: anywhere},
    _P.CERTIFICATION_DECIDE: {_LR: unbiased},
    _P.CERTIFICATION_DECLARE: {_RV: assigned},
    _P.CERTIFICATION_FIND: {_RV: cleared, _LR: unbiased},
    _P.CERTIFICATION_REPLY: {_VA: own},
    _P.CERTIFICATION_REPORT: {_VA: own},
    _P.CERTIFICATION_CONFIRM: {_RV: cleared, _LR: unbiased},
    _P.CERTIFICATION_SUSPEND: {_LR: unbiased},
    _P.CERTIFICATION_REVOKE: {_LR: unbiased},
    _P.CERTIFICATION_APPEAL: {_VA: own},
    _P.CERTIFICATION_DECIDE_APPEAL: {_LR: unbiased},
    _P.BODY_RULES_READ: {_MC: own, _MA: own, _AU: anywhere},
    _P.BODY_RULES_PROPOSE: {_MC: own, _MA: own},
    _P.BODY_RULES_CONFIRM: {_MA: own},
    _P.PROJECT_CREATE: {_MC: anywhere},
    _P.PROJECT_READ: {_MC: own, _MA: own, _AU: anywhere, Scope.PROJECT_READ: own},
    _P.PROJECT_EDIT: {_MC: own},
    _P.PROJECT_DECIDE: {_MA: own},
    _P.DECISION_RECORD_EXTERNAL: {_MC: own, _MA: own},
    _P.EVIDENCE_READ: {_MC: own, _MA: own, _AU: anywhere, Scope.PROJECT_READ: own},
    _P.EVIDENCE_EXPORT: {_MC: own, _MA: own, _AU: anywhere, _CO: anywhere},
    _P.ESTIMATED_PRICE_OPEN: {_MC: own, _MA: own},
    _P.ESTIMATED_PRICE_READ: {_MC: named, _MA: named, _AU: ended},
    _P.ESTIMATED_PRICE_EDIT: {_MC: named, _MA: named},
    _P.ESTIMATED_PRICE_PRINT: {_MC: named, _MA: named, _AU: ended},
    _P.ESTIMATED_PRICE_HAND_OVER: {_MA: own},
    _P.REQUEST_EDIT: {_MC: own},
    _P.REQUEST_READ: {
        _MC: own,
        _MA: own,
        _AU: anywhere,
        Scope.PROJECT_READ: own,
        _VM: sent_here,
        _VA: sent_here,
    },
    _P.REQUEST_DECIDE: {_MA: own},
    _P.REQUEST_SEND: {_MA: own},
    _P.REQUEST_WITHDRAW: {_MC: own_unsent, _MA: own_sent},
    _P.REQUEST_ANSWER: {_VA: sent_here},
    _P.QUOTE_ROUND_READ: {_MC: own, _MA: own, _AU: anywhere},
    _P.QUOTE_ROUND_EDIT: {_MC: own},
    _P.QUOTE_ROUND_DECIDE: {_MA: own},
    _P.QUOTE_ROUND_OPEN: {_MC: own, _MA: own},
    _P.QUOTE_ROUND_WITHDRAW: {_MC: own_unsent, _MA: own_sent},
    _P.QUOTE_ROUND_READ_OPENED: {_MC: opened_own, _MA: opened_own, _AU: opened_ended},
    _P.QUOTE_REQUEST_READ: {_VM: sent_here, _VA: sent_here},
    _P.QUOTE_REQUEST_DECLINE: {_VA: sent_here},
    _P.QUOTE_READ: {_VM: own, _VA: own},
    _P.QUOTE_EDIT: {_VA: sent_here},
    _P.QUESTION_ASK: {_VM: sent_here, _VA: sent_here},
    _P.QUESTION_ANSWER: {_MC: own},
    _P.CONTRACT_REGISTER: {_MC: own},
    _P.CONTRACT_CONFIRM: {_MA: own},
    _P.CONTRACT_PREPARE_NOTICE: {_MC: own},
    _P.CONTRACT_DECIDE_NOTICE: {_MA: own},
    _P.CONTRACT_READ: {
        _MC: own,
        _MA: own,
        _AU: anywhere,
        Scope.PROJECT_READ: own,
        _VM: sent_here,
        _VA: sent_here,
    },
    _P.CLIENT_READ: dict.fromkeys((_VM, _VA, _MC, _MA, _PC, _OP), own),
    _P.CLIENT_MANAGE: dict.fromkeys((_VA, _MC, _MA, _PC, _OP), own),
    _P.CLIENT_END: {_CO: anywhere},
    _P.TOKEN_ASK: _EVERYONE,
    _P.WEBHOOK_READ: dict.fromkeys((_VM, _VA, _MC, _MA, _PC, Scope.WEBHOOK_MANAGE), own),
    _P.WEBHOOK_MANAGE: dict.fromkeys((_VA, _MC, _MA, _PC, Scope.WEBHOOK_MANAGE), own),
    _P.CHECKPOINT_READ: _EVERYONE,
    _P.AUDIT_READ_CASE: {_MC: own, _MA: own, _AU: anywhere},
    _P.AUDIT_READ_ALL: {_LR: anywhere, _AU: anywhere},
}

_READS = frozenset(
    {
        _P.API_READ,
        _P.CATALOG_READ,
        _P.FEED_READ,
        _P.SPECIFICATION_READ,
        _P.ACCOUNT_USE,
        _P.SPECIFICATION_READ_DRAFT,
        _P.COMMENT_READ,
        _P.SAVED_SEARCH_READ,
        _P.VENDOR_QUEUE,
        _P.VENDOR_READ_FILE,
        _P.OFFERING_READ_DRAFT,
        _P.CERTIFICATION_QUEUE,
        _P.CERTIFICATION_READ,
        _P.CERTIFICATION_READ_OPINIONS,
        _P.BODY_RULES_READ,
        _P.PROJECT_READ,
        _P.EVIDENCE_READ,
        _P.ESTIMATED_PRICE_READ,
        _P.REQUEST_READ,
        _P.QUOTE_ROUND_READ,
        _P.QUOTE_ROUND_READ_OPENED,
        _P.QUOTE_REQUEST_READ,
        _P.QUOTE_READ,
        _P.CONTRACT_READ,
        _P.CLIENT_READ,
        _P.WEBHOOK_READ,
        _P.CHECKPOINT_READ,
        _P.AUDIT_READ_CASE,
        _P.AUDIT_READ_ALL,
    }
)

# Whoever may do the read on the right knows that the subject exists: a refusal is 403, else 404.
VISIBLE_BY: Mapping[str, Permission] = {
    "specification": _P.SPECIFICATION_READ_DRAFT,
    "comment": _P.COMMENT_READ,
    "vendor": _P.VENDOR_READ_FILE,
    "offering": _P.OFFERING_READ_DRAFT,
    "listing": _P.OFFERING_READ_DRAFT,
    "certification": _P.CERTIFICATION_READ,
    "body_rules": _P.BODY_RULES_READ,
    "project": _P.PROJECT_READ,
    "evidence": _P.EVIDENCE_READ,
    "request": _P.REQUEST_READ,
    "quote_round": _P.QUOTE_ROUND_READ,
    "quote_request": _P.QUOTE_REQUEST_READ,
    "contract": _P.CONTRACT_READ,
    "client": _P.CLIENT_READ,
    "webhook": _P.WEBHOOK_READ,
    "audit": _P.AUDIT_READ_CASE,
}
