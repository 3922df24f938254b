"""A group of commands that is only loaded when somebody calls it."""

from importlib import import_module

import click


class LazyGroup(click.Group):
    """Stands for the group `name` of a module: the solver's libraries take a second to load,
    which no web server and no other command should pay."""

    def __init__(self, name: str, module: str, *, help: str) -> None:  # noqa: A002 - click's word
        super().__init__(name, help=help)
        self.module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._loaded().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._loaded().get_command(ctx, cmd_name)

    def _loaded(self) -> click.Group:
        group: click.Group = getattr(import_module(self.module), self.name or "")
        return group
