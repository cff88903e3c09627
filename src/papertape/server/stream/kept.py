"""Private messages that a client which was away for a moment can still catch up on."""

from collections import OrderedDict, deque

from papertape.floor.ports import PrivateMessage

KEPT_OF_ACCOUNT = 1_000
KEPT_OF_ALL = 100_000


class _OfAccount:
    """The last messages of one account, and the newest seq that each channel ever showed."""

    __slots__ = ("forgotten", "messages", "newest")

    def __init__(self) -> None:
        self.messages: deque[PrivateMessage] = deque()
        self.newest: dict[str, int] = {}
        self.forgotten: dict[str, int] = {}

    def add(self, message: PrivateMessage) -> None:
        channel = message.channel
        if channel not in self.newest and message.prev is not None:
            self.forgotten[channel] = message.prev
        self.newest[channel] = message.seq
        self.messages.append(message)

    def forget_oldest(self) -> None:
        message = self.messages.popleft()
        self.forgotten[message.channel] = message.seq


class KeptMessages:
    """The last 1,000 messages of an account, the accounts with the newest messages first."""

    def __init__(
        self, of_account_max: int = KEPT_OF_ACCOUNT, of_all_max: int = KEPT_OF_ALL
    ) -> None:
        self._of_account_max = of_account_max
        self._of_all_max = of_all_max
        self._accounts: OrderedDict[str, _OfAccount] = OrderedDict()
        self._count = 0
        self.newest_seq = 0
        """The world has at least this one; 0 when nothing is known."""

    def add(self, message: PrivateMessage) -> None:
        """Keep a message."""
        account_id, seq = message.account_id, message.seq
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = _OfAccount()
        else:
            self._accounts.move_to_end(account_id)
        account.add(message)
        self._count += 1
        self.newest_seq = max(self.newest_seq, seq)
        if len(account.messages) > self._of_account_max:
            account.forget_oldest()
            self._count -= 1
        while self._count > self._of_all_max:
            _, oldest = self._accounts.popitem(last=False)
            self._count -= len(oldest.messages)

    def since(self, account_id: str, channel: str, seq: int) -> list[PrivateMessage] | None:
        """The messages of a channel behind `seq`; None when some of them may not be kept."""
        account = self._accounts.get(account_id)
        if account is None or channel not in account.newest:
            return None
        if account.forgotten.get(channel, 0) > seq:
            return None
        return [
            message
            for message in account.messages
            if message.channel == channel and message.seq > seq
        ]

    def clear(self) -> None:
        """Forget all: messages are missing, so nothing kept is the whole truth."""
        self._accounts.clear()
        self._count = 0
        self.newest_seq = 0
