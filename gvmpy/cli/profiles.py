"""What the commands on profiles share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.cli.world import World
    from gvmpy.profiles.apply import Applied
    from gvmpy.profiles.model import Choice, Profile, Profiles


def profiles_of(world: World) -> Profiles:
    """Return the profiles of the configuration. Raises UsageError."""
    from gvmpy.profiles.model import Profiles

    return Profiles.of(world.config, world.environ)


def choice_of(world: World, profiles: Profiles, name: str | None = None) -> Choice:
    """Return the profile called `name`; without one, that which holds in this directory."""
    from gvmpy.profiles.model import Choice
    from gvmpy.selection.files import current_directory
    from gvmpy.switch.default import default_version

    if name is not None:
        return Choice(profiles.find(name), "asked for")
    directory = str(current_directory(world.environ) or "/")
    return profiles.for_directory(directory, default_version(world.home))


def apply_now(world: World) -> Applied:
    """Bring Go's file and the exports to what the configuration says now; `world` has to be a new one."""
    from gvmpy.profiles.apply import apply_profile
    from gvmpy.shells.shims import write_shims
    from gvmpy.switch.default import default_version

    applied = apply_profile(world.home, world.config, world.environ, default_version(world.home))
    if world.home.root.is_dir():
        # The init texts that source the exports may be those of an older gvmpy.
        world.home.prepare()
        write_shims(world.home)
    return applied


def notes_of(warnings: Sequence[str]) -> tuple[str, ...]:
    """Return warnings as talk."""
    return tuple(f"warning: {warning}" for warning in warnings)


def profile_data(profile: Profile, profiles: Profiles) -> dict[str, Any]:
    """Return a profile for programs, without users and passwords."""
    from gvmpy.profiles.conflicts import cautions
    from gvmpy.profiles.values import redacted

    return {
        "name": profile.name,
        "built_in": profile.built_in,
        "settings": {key: redacted(value) for key, value in profile.settings.items()},
        "scopes": list(profiles.scopes),
        "bound_to": [user for user in profiles.users_of(profile.name) if user != "`profile.use`"],
        "warnings": list(cautions(profile, profiles.scopes)),
    }


def applied_data(applied: Applied) -> dict[str, Any]:
    """Return for programs what a profile's coming to hold changed."""
    return {
        "holds": applied.profile.name,
        "reason": applied.reason,
        "changes": list(applied.changes),
        "warnings": list(applied.warnings),
    }
