"""The page's JavaScript modules, run by Node.js: for tests of functions that need no browser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from node import NODE

import chainrule

STATIC = Path(chainrule.__file__).parent / "web" / "static"


def run_module(module: str, expression: str, argument: Any) -> Any:
    """Import a module of the page as ``m``, and evaluate an expression of it and of ``argument``, which is JSON's.

    The expression is given in JavaScript; its value comes back through JSON.
    """
    program = f"""
        import * as m from {json.dumps((STATIC / module).as_uri())};
        import {{ readFileSync }} from "node:fs";
        const argument = JSON.parse(readFileSync(0, "utf8"));
        process.stdout.write(JSON.stringify({expression}));
    """
    command = [NODE or "node", "--experimental-default-type=module", "--input-type=module", "--eval", program]
    done = subprocess.run(command, input=json.dumps(argument), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
