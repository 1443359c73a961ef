"""Progress for people: bars on a terminal, nothing but messages elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gvmpy.ui.style import printable

if TYPE_CHECKING:
    from gvmpy.install.progress import Bar, Progress


def progress_for(*, quiet: bool) -> Progress:
    """Return the progress that suits stderr; `quiet` (JSON output) shows nothing at all."""
    if quiet:
        return _Silent()
    return _Terminal() if sys.stderr.isatty() else _Lines()


class _NoBar:
    def expect(self, total: int) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass

    def close(self) -> None:
        pass


class _Silent:
    def say(self, message: str) -> None:
        pass

    def bar(self, label: str, *, total: int | None, done: int) -> Bar:
        del label, total, done
        return _NoBar()


class _Lines(_Silent):
    def say(self, message: str) -> None:
        print(printable(message), file=sys.stderr)


class _Terminal:
    def say(self, message: str) -> None:
        _tqdm().write(printable(message), file=sys.stderr)

    def bar(self, label: str, *, total: int | None, done: int) -> Bar:
        return _TqdmBar(
            _tqdm()(
                desc=printable(label),
                total=total,
                initial=done,
                unit="B",
                unit_scale=True,
                leave=False,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        )


class _TqdmBar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def expect(self, total: int) -> None:
        self._bar.total = total

    def advance(self, amount: int) -> None:
        self._bar.update(amount)

    def close(self) -> None:
        self._bar.close()


def _tqdm() -> Any:
    """Return tqdm without its monitor thread, which would only watch bars that update anyway."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    return tqdm
