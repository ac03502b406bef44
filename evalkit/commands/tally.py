"""How far a stage of a run is, how long it took and how long it will: what a display shows of it."""

from dataclasses import dataclass


@dataclass
class Tally:
    """What was done in one stage, over all its portions; `seconds` are of the portions that ended."""

    total: int = 0
    cached: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    loading: float = 0.0
    begun: float | None = None

    def __str__(self) -> str:
        return f"{self.done}/{self.total}, {self.cached} cached, {self.failed} failed"

    def passed(self, now: float) -> float:
        """Returns the seconds that it took so far."""
        return self.seconds + (now - self.begun if self.begun is not None else 0.0)

    def left(self, now: float) -> float | None:
        """Returns the seconds that it still takes, as fast as it was without loading; None if that is not known."""
        made = self.done - self.cached
        if self.begun is None or made < 1:
            return None
        return max(0.0, self.passed(now) - self.loading) / made * (self.total - self.done)

    def times(self, now: float) -> str:
        """Returns how long it took, or how long so far and how long it still takes."""
        if self.begun is None:
            return f"took {clock_time(self.passed(now))}"
        left = self.left(now)
        return f"{clock_time(self.passed(now))} so far" + (f", {clock_time(left)} left" if left is not None else "")


def clock_time(seconds: float) -> str:
    """Returns minutes and seconds, e.g. `0:07`; from an hour on with hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
