"""The user's own safety: password, second factor, consent, and what is kept about the user.

None of it can be done with a key.
"""

from papertape.client.calls import Call, Face, Group, Page, change, endpoint, get, listed, pages
from papertape.client.replies.users import (
    Consent,
    Export,
    Login,
    Notice,
    RecoveryCodes,
    SecurityEvent,
    TwoFactor,
    TwoFactorSecret,
)


class Security(Group[Face]):
    """`client.security`. `code` is one of the app where the second factor is on."""

    @endpoint
    def change_password(
        self, current_password: str, new_password: str, code: str | None = None
    ) -> Call[Login]:
        """Another password; all logins end, and the answer is a new one."""
        return change(
            "POST",
            "/me/password",
            Login,
            current_password=current_password,
            new_password=new_password,
            code=code,
        )

    @endpoint
    def begin_password_reset(self, username: str) -> Call[None]:
        """Have a token mailed to a user who forgot the password."""
        return change("POST", "/auth/password-reset/begin", type(None), username=username)

    @endpoint
    def reset_password(self, token: str, new_password: str) -> Call[None]:
        """Set the password with a token of the mail or the operator."""
        path = "/auth/password-reset"
        return change("POST", path, type(None), token=token, new_password=new_password)

    # --- the second factor -------------------------------------------------------------------

    @endpoint
    def two_factor(self) -> Call[TwoFactor]:
        """Whether a login takes a code."""
        return get("/me/two-factor", TwoFactor)

    @endpoint
    def begin_two_factor(self, password: str, code: str | None = None) -> Call[TwoFactorSecret]:
        """What the app needs; it counts once a code of it was confirmed."""
        return change("POST", "/me/two-factor", TwoFactorSecret, password=password, code=code)

    @endpoint
    def confirm_two_factor(self, code: str) -> Call[RecoveryCodes]:
        """Switch the second factor on."""
        return change("POST", "/me/two-factor/confirm", RecoveryCodes, code=code)

    @endpoint
    def new_recovery_codes(self, password: str, code: str | None = None) -> Call[RecoveryCodes]:
        """New recovery codes; the old ones end."""
        path = "/me/two-factor/recovery-codes"
        return change("POST", path, RecoveryCodes, password=password, code=code)

    @endpoint
    def end_two_factor(self, password: str, code: str | None = None) -> Call[None]:
        """Switch the second factor off."""
        return change("POST", "/me/two-factor/off", type(None), password=password, code=code)

    # --- what is kept about the user ---------------------------------------------------------

    @endpoint
    def notice(self) -> Call[Notice]:
        """What users are told about this product."""
        return get("/notice", Notice)

    @endpoint
    def consents(self) -> Call[list[Consent]]:
        """What the user accepted, and when."""
        return listed("/me/consents", Consent)

    @endpoint
    def accept_notice(self, version: int) -> Call[Consent]:
        """Accept a version of the notice."""
        return change("POST", "/me/consents", Consent, version=version).harmless()

    @endpoint
    def export(self) -> Call[Export]:
        """All that is kept about the user."""
        return change("POST", "/me/export", Export).harmless()

    @endpoint
    def delete_me(self, password: str, code: str | None = None) -> Call[None]:
        """Erase the user; nothing brings it back."""
        return Call("DELETE", "/me", type(None), body=_proof(password, code))

    @endpoint
    def events_page(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[SecurityEvent]]:
        """Events of safety of all users, the newest first (admins)."""
        return get(
            "/security-events",
            Page[SecurityEvent],
            user_id=user_id,
            event=event,
            limit=limit,
            cursor=cursor,
        )

    events = pages(events_page)


def _proof(password: str, code: str | None) -> dict[str, str]:
    return {"password": password} | ({} if code is None else {"code": code})
