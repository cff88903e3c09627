"""What the market did lately, where a fill profile asks for it."""

from dataclasses import dataclass

MINUTE_NS = 60 * 10**9


@dataclass
class Stress:
    """Whether spread or range is as usual: over twice its average it is not."""

    present: int = 0
    average: int = 0
    """Over about 16 observations, in sixteenths."""

    def note(self, width: int) -> None:
        """Notes a width; it moves the average from the next observation on."""
        if self.average == 0:
            self.average = self.present * 16
        else:
            self.average += self.present - self.average // 16
        self.present = max(0, width)

    @property
    def is_wide(self) -> bool:
        return self.average > 0 and self.present * 8 > self.average


@dataclass
class Flow:
    """What was traded: in the last bar, or in the last full minute of prints."""

    minute: int = 0
    present: int = 0
    last: int = 0

    def note_print(self, time_ns: int, qty: int) -> None:
        """Notes a print."""
        minute = time_ns // MINUTE_NS
        if minute != self.minute:
            self.last = self.present if minute == self.minute + 1 else 0
            self.minute, self.present = minute, 0
        self.present += qty

    def note_bar(self, volume: int) -> None:
        """Notes a bar."""
        self.last, self.present = volume, 0

    @property
    def volume(self) -> int:
        return max(self.last, self.present)
