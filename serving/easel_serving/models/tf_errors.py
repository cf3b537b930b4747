"""TensorFlow's errors in one line."""


def one_line(error: BaseException) -> str:
    """What went wrong, without where in the graph: an error's own sentence is its last line that is no node's name."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [
        line for line in lines if line and not line.startswith(("[[", "<stack", "Detected at", "Graph execution"))
    ]
    return telling[-1] if telling else type(error).__name__
