"""compose.yaml read as `docker compose config` reads it, as far as examples/deploy needs it."""
import json
import os
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "examples/deploy"


def filled(value, env):
    """${NAME:-default} filled in, everywhere."""
    if isinstance(value, dict):
        return {name: filled(one, env) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, env) for one in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: env.get(found[1]) or found[2], value)
    if "$" in value:
        raise ValueError(f"{value}: only ${{NAME:-default}} is known")
    return value


def service(env=os.environ):
    """The only service."""
    with open(DEPLOY / "compose.yaml") as text:
        (only,) = filled(yaml.safe_load(text), env)["services"].values()
    return only


def volumes():
    with open(DEPLOY / "compose.yaml") as text:
        return yaml.safe_load(text)["volumes"]


if __name__ == "__main__":
    print(json.dumps({"service": service(), "volumes": volumes()}))
