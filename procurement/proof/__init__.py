"""What shows to somebody who trusts nobody that a record is as it was."""
