"""Who takes part when a registered vendor files something: its people, a rival, the agency."""

from sqlmodel import Session

import tests.factories as make
from accounts.models import Organisation, Person, Role


def add_people(session: Session, home: Organisation, office: Organisation) -> dict[str, Person]:
    """Add the people of a vendor, a rival's and the agency's; the reviewer is a lead as well."""
    people = {
        "admin": make.person(session, Role.VENDOR_ADMIN, home, name="見本 花子"),
        "member": make.person(session, Role.VENDOR_MEMBER, home),
        "rival": make.person(session, Role.VENDOR_ADMIN),
        "lead": make.person(session, Role.LEAD_REVIEWER, office, name="見本 主任"),
        "reviewer": make.person(session, Role.REVIEWER, office, name="見本 審査"),
        "outsider": make.person(session, Role.REVIEWER, office),
    }
    make.membership(session, people["reviewer"], Role.LEAD_REVIEWER, office)
    return people
