"""E-mail addresses as people type them."""

from email_validator import EmailNotValidError, validate_email


class AddressWrong(ValueError):
    """Not exactly one mailbox; the message says what to mend."""


def normal_address(typed: str) -> str:
    """Return one mailbox in lower case, the form in which addresses are compared.

    Nothing is looked up in the DNS. Quoted local parts, comments and lists are refused, so
    an address can never become two recipients (CHECKLIST M1). Raises AddressWrong.
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False, allow_quoted_local=False)
    except EmailNotValidError as error:
        raise AddressWrong(
            f"{typed.strip()[:80]!r} is not an e-mail address we can write to. {error}"
        ) from error
    return found.normalized.lower()
