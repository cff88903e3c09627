"""Routes of passwords and second factors."""

import asyncio
import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX
from papertape.server.auth.attempts import Attempts
from papertape.server.auth.hashing import Hashing
from papertape.server.auth.names import username_key
from papertape.server.auth.store import AuthStore
from papertape.server.auth.tokens import Tokens
from papertape.server.auth.two_factor import AlreadyOnError
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers, address_of
from papertape.server.documents import document
from papertape.server.mail import Mailer
from papertape.server.models.security import (
    CodeRequest,
    PasswordRequest,
    PasswordResetBeginRequest,
    PasswordResetRequest,
    ProofRequest,
    RecoveryCodesReply,
    TwoFactorReply,
    TwoFactorSecretReply,
)
from papertape.server.models.users import LoginReply
from papertape.server.problems import Problem, malformed
from papertape.server.proofs import TOO_MANY, WRONG_CODE, WRONG_PASSWORD, Proofs
from papertape.server.replies import json_reply

_PUBLIC = ("public_user", "the demo's password is public and stays as it is")
_NO_MAIL = (
    "no_mail",
    "this server sends no mail; its operator makes a token by papertape user reset-token NAME",
)
_BAD_TOKEN = ("bad_token", "the token is wrong, used or older than an hour; ask for a new one")
_ALREADY_ON = ("two_factor_on", "the second factor is on already; switch it off first")
_NOT_ON = ("two_factor_off", "the second factor is off")
_REASONS = {403: WRONG_PASSWORD, 409: _PUBLIC, 422: ("malformed", "password: Field required")}


class SecurityRoutes:
    """`/me/password`, `/me/two-factor`, `/auth/password-reset`."""

    def __init__(
        self,
        auth: AuthStore,
        tokens: Tokens,
        callers: Callers,
        proofs: Proofs,
        attempts: Attempts,
        hashing: Hashing,
        mailer: Mailer | None,
    ) -> None:
        self._auth = auth
        self._tokens = tokens
        self._callers = callers
        self._proofs = proofs
        self._attempts = attempts
        self._hashing = hashing
        self._mailer = mailer
        self._sending: set[asyncio.Task[None]] = set()

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        router.add_api_route(
            f"{PREFIX}/me/password",
            self.change_password,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={200: LoginReply},
                body=PasswordRequest,
                problems=(403, 409),
                reasons=_REASONS,
                scope="login",
            ),
        )
        self._add_resets(router, f"{PREFIX}/auth/password-reset")
        self._add_two_factor(router, f"{PREFIX}/me/two-factor")

    def _add_resets(self, router: APIRouter, path: str) -> None:
        router.add_api_route(
            f"{path}/begin",
            self.begin_password_reset,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={204: None},
                body=PasswordResetBeginRequest,
                reasons={422: ("malformed", "username: Field required"), 503: _NO_MAIL},
                secured=False,
            ),
        )
        router.add_api_route(
            path,
            self.reset_password,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={204: None},
                body=PasswordResetRequest,
                problems=(403,),
                reasons={403: _BAD_TOKEN, 422: ("malformed", "token: Field required")},
                secured=False,
            ),
        )

    def _add_two_factor(self, router: APIRouter, path: str) -> None:
        router.add_api_route(
            path,
            self.get_two_factor,
            tags=["users"],
            **document(replies={200: TwoFactorReply}, scope="login"),
        )
        for suffix, handler, body, reply in (
            ("", self.begin_two_factor, ProofRequest, {200: TwoFactorSecretReply}),
            ("/confirm", self.confirm_two_factor, CodeRequest, {200: RecoveryCodesReply}),
            ("/recovery-codes", self.new_recovery_codes, ProofRequest, {200: RecoveryCodesReply}),
            ("/off", self.end_two_factor, ProofRequest, {204: None}),
        ):
            router.add_api_route(
                path + suffix,
                handler,
                methods=["POST"],
                tags=["users"],
                **document(
                    replies=reply,
                    body=body,
                    problems=(403, 409),
                    reasons=_REASONS,
                    scope="login",
                ),
            )

    # --- passwords -------------------------------------------------------------------------------

    async def change_password(self, request: Request) -> Response:
        """Set another password: all other logins end, this one goes on with the new token."""
        caller = await self._caller(request)
        asked = await read_body(request, PasswordRequest)
        await self._proofs.require(request, caller, asked.current_password, asked.code)
        user_id = caller.user.user_id
        generation = await self._hashing.run(
            lambda: self._auth.set_password(user_id, asked.new_password, but=caller.login_id)
        )
        self._callers.forget_user(user_id)
        await self._proofs.note(request, "password_changed", user_id)
        return json_reply(
            {
                "access_token": self._tokens.issue(user_id, generation, caller.login_id),
                "token_type": "bearer",
                "expires_in": self._tokens.lifetime_s,
                "refresh_token": None,
            }
        )

    async def begin_password_reset(self, request: Request) -> Response:
        """Send a token by mail, where the user has an address; the reply is the same for all."""
        asked = await read_body(request, PasswordResetBeginRequest)
        if self._mailer is None:
            raise Problem(503, *_NO_MAIL)
        self._limit(request, username_key(asked.username))
        sending = asyncio.create_task(self._send_token(request, self._mailer, asked.username))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        return Response(status_code=204)

    async def _send_token(self, request: Request, mailer: Mailer, username: str) -> None:
        user = await asyncio.to_thread(self._auth.user_named, username)
        if user is None or user.is_demo or user.email is None:
            return
        token = await asyncio.to_thread(self._auth.resets.create, user.user_id, time.time_ns())
        await self._proofs.note(request, "password_reset_begun", user.user_id)
        await asyncio.to_thread(mailer.send_reset_token, user.email, user.username, token)

    async def reset_password(self, request: Request) -> Response:
        """Set a new password with a token: all logins end."""
        asked = await read_body(request, PasswordResetRequest)
        self._limit(request, "")
        user_id = await asyncio.to_thread(self._auth.resets.take, asked.token, time.time_ns())
        if user_id is None:
            raise Problem(403, *_BAD_TOKEN)
        reset = user_id
        await self._hashing.run(lambda: self._auth.set_password(reset, asked.new_password))
        self._callers.forget_user(user_id)
        await self._proofs.note(request, "password_reset", user_id)
        return Response(status_code=204)

    # --- the second factor -----------------------------------------------------------------------

    async def get_two_factor(self, request: Request) -> Response:
        """Whether a login takes a code."""
        user_id = (await self._callers.of(request)).user.user_id
        enabled = await asyncio.to_thread(self._auth.two_factor.is_on, user_id)
        left = await asyncio.to_thread(self._auth.two_factor.codes_left, user_id)
        return json_reply({"enabled": enabled, "recovery_codes_left": left})

    async def begin_two_factor(self, request: Request) -> Response:
        """Make a secret for the app; the second factor is on once a code of it is confirmed."""
        caller = await self._proven(request)
        user = caller.user
        try:
            secret, uri = await asyncio.to_thread(
                self._auth.two_factor.begin, user.user_id, user.username
            )
        except AlreadyOnError as error:
            raise Problem(409, *_ALREADY_ON) from error
        return json_reply({"secret": secret, "uri": uri})

    async def confirm_two_factor(self, request: Request) -> Response:
        """Switch the second factor on with a code of the app; tells the recovery codes, once."""
        caller = await self._caller(request)
        asked = await read_body(request, CodeRequest)
        user_id = caller.user.user_id
        self._limit(request, user_id)
        codes = await asyncio.to_thread(
            self._auth.two_factor.confirm, user_id, asked.code, time.time()
        )
        if codes is None:
            raise Problem(403, *WRONG_CODE)
        await self._proofs.note(request, "two_factor_on", user_id)
        return json_reply({"recovery_codes": codes})

    async def new_recovery_codes(self, request: Request) -> Response:
        """Other recovery codes; those of before are good for nothing."""
        user_id = (await self._proven(request)).user.user_id
        if not await asyncio.to_thread(self._auth.two_factor.is_on, user_id):
            raise Problem(409, *_NOT_ON)
        codes = await asyncio.to_thread(self._auth.two_factor.new_codes, user_id)
        await self._proofs.note(request, "recovery_codes_made", user_id)
        return json_reply({"recovery_codes": codes})

    async def end_two_factor(self, request: Request) -> Response:
        """Switch the second factor off."""
        user_id = (await self._proven(request)).user.user_id
        if not await asyncio.to_thread(self._auth.two_factor.end, user_id):
            raise Problem(409, *_NOT_ON)
        await self._proofs.note(request, "two_factor_off", user_id)
        return Response(status_code=204)

    async def _proven(self, request: Request) -> Caller:
        caller = await self._caller(request)
        asked = await read_body(request, ProofRequest)
        await self._proofs.require(request, caller, asked.password, asked.code)
        return caller

    async def _caller(self, request: Request) -> Caller:
        """The caller, who is not the demo user: that one is everybody."""
        caller = await self._callers.of(request)
        if caller.user.is_demo:
            raise Problem(409, *_PUBLIC)
        return caller

    def _limit(self, request: Request, name: str) -> None:
        wait_s = self._attempts.wait_s((request.url.path, name, address_of(request)))
        if wait_s is not None:
            raise Problem(429, *TOO_MANY, retry_after_s=wait_s)


def check_code_text(code: object) -> str | None:
    """The code of a login; raises `Problem` 422 for what is no text."""
    if code is None or isinstance(code, str):
        return code
    raise malformed("code: give the code as text", field="code")
