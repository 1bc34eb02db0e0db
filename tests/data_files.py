"""Files that tests write, and the check that an error is one line."""

from chainrule.datasets.idx import header


def idx_bytes(array):
    """Encode an array as an IDX file."""
    return header(array) + array.tobytes()


def write_file(folder, content, name="table.csv"):
    """Write a file with this content, and return its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def one_line_message(error):
    """Return the message of a caught error, after asserting that it is one line."""
    message = str(error.value)
    assert "\n" not in message
    return message
