"""`evalkit fetch`: the only command that downloads."""

from evalkit.commands.screen import show, tell
from evalkit.errors import ConfigError
from evalkit.reports.layout import terminal_width, with_text
from evalkit.weights.assets import library
from evalkit.weights.fetch import fetch


def run_fetch(names: list[str], sweep: str | None, *, only_list: bool) -> int:
    """Brings assets by name, or those that a sweep needs.

    Raises:
        ConfigError: Nothing was named, or something unknown.
        FetchError: A source failed or a hash differs.
    """
    known = library()
    if only_list:
        rows = [
            [name, "here" if known.is_present(name) else "-", asset.licence, f"{asset.bytes / 1e6:.1f}", asset.about]
            for name, asset in known.known.items()
        ]
        told = with_text(["asset", "", "licence", "MB", "what it is"], rows, terminal_width(), 3)
        show("\n".join([*told, f"directory: {known.root}"]))
        return 0
    wanted = [*names, *(_needed_by(sweep) if sweep else [])]
    if not wanted:
        raise ConfigError(f"name what to fetch: {', '.join(known.known)}; or --sweep NAME, or --list")
    for name in wanted:
        known.get(name)
    for name in dict.fromkeys(wanted):
        fetch(known, name, tell)
    return 0


def _needed_by(sweep: str) -> list[str]:
    from evalkit.config.app import run_app

    needed: list[str] = []

    def job(plan: object, config: object) -> int:
        needed.extend(plan.assets())  # type: ignore[attr-defined]
        return 0

    run_app([f"+sweep={sweep}"], job)
    return needed
