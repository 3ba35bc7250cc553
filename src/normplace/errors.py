"""The one exception that means: the user's input is wrong, and this line says how."""


class UserError(ValueError):
    """Bad input. The message names the option or file, the value, and what is allowed."""
