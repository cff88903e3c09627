"""The caller: who it is, what it chose, where it is logged in."""

from typing import Literal, TypedDict, Unpack

from papertape.client.calls import (
    Call,
    Face,
    Group,
    Versioned,
    change,
    endpoint,
    get,
    listed,
    part,
    versioned,
)
from papertape.client.replies.users import Demo, Login, LoginPlace, Preferences, User


class Profile(TypedDict, total=False):
    """What a user tells about itself; None takes it away."""

    display_name: str | None
    email: str | None


class Choices(TypedDict, total=False):
    """What a user chooses."""

    theme: Literal["system", "light", "dark"]
    time_zone: str
    locale: str
    default_account: str | None
    confirmations: bool


class Users(Group[Face]):
    """`client.users`."""

    @endpoint
    def me(self) -> Call[User]:
        """Who is calling."""
        return get("/me", User)

    @endpoint
    def me_versioned(self) -> Call[Versioned[User]]:
        """Who is calling, with the version for `change_me`."""
        return versioned(get("/me", User))

    @endpoint
    def change_me(self, version: str | None = None, **profile: Unpack[Profile]) -> Call[User]:
        """Tell something else about oneself; with a `version`, only while that is the one."""
        return Call("PATCH", "/me", User, body=dict(profile), if_match=version, is_harmless=True)

    @endpoint
    def preferences(self) -> Call[Preferences]:
        """What the user has chosen."""
        return get("/me/preferences", Preferences)

    @endpoint
    def preferences_versioned(self) -> Call[Versioned[Preferences]]:
        """What the user has chosen, with the version for `choose`."""
        return versioned(get("/me/preferences", Preferences))

    @endpoint
    def choose(self, version: str | None = None, **choices: Unpack[Choices]) -> Call[Preferences]:
        """Choose something else; with a `version`, only while that is the one."""
        path, body = "/me/preferences", dict(choices)
        return Call("PATCH", path, Preferences, body=body, if_match=version, is_harmless=True)

    @endpoint
    def logins(self) -> Call[list[LoginPlace]]:
        """Where the user is logged in."""
        return listed("/me/logins", LoginPlace)

    @endpoint
    def end_login(self, login_id: str) -> Call[None]:
        """Log out somewhere."""
        return change("DELETE", f"/me/logins/{part(login_id)}", type(None))

    @endpoint
    def end_logins(self) -> Call[None]:
        """Log out everywhere, here too."""
        return change("DELETE", "/me/logins", type(None))

    @endpoint
    def register(
        self,
        username: str,
        password: str,
        email: str | None = None,
        *,
        accept_notice: bool | None = None,
    ) -> Call[User]:
        """A new user; log in with `Client.login` afterwards."""
        return change(
            "POST",
            "/auth/register",
            User,
            username=username,
            password=password,
            email=email,
            accept_notice=accept_notice,
        )

    @endpoint
    def login(self, username: str, password: str, code: str | None = None) -> Call[Login]:
        """A login's token; `Client.login` makes a client that uses it."""
        return change("POST", "/auth/login", Login, username=username, password=password, code=code)

    @endpoint
    def refresh(self, refresh_token: str) -> Call[Login]:
        """Exchange a refresh token, once; the clients do so by themselves."""
        body = {"refresh_token": refresh_token}
        return Call("POST", "/auth/refresh", Login, body=body, is_harmless=True)

    @endpoint
    def logout(self, refresh_token: str) -> Call[None]:
        """End the login of a refresh token; `logout` of the clients ends their own."""
        body = {"refresh_token": refresh_token}
        return Call("POST", "/auth/logout", type(None), body=body, is_harmless=True)

    @endpoint
    def demo(self) -> Call[Demo]:
        """The login that everybody on the server's machine may use."""
        return get("/demo", Demo)
