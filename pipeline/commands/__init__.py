"""The subcommands of `easel`, a module for each family."""
