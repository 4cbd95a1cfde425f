"""Prints the requirements of the given integrations and of all that they depend on, one a line.

Reads the manifests of the installed Home Assistant; a name that this release does not have is skipped.
"""

import importlib.util
import json
import pathlib
import sys

COMPONENTS = pathlib.Path(importlib.util.find_spec("homeassistant").origin).parent / "components"


def collect(domain, seen, requirements):
    """Adds the requirements of one integration and, once each, of its dependencies."""
    manifest = COMPONENTS / domain / "manifest.json"
    if domain in seen or not manifest.exists():
        return
    seen.add(domain)
    data = json.loads(manifest.read_text())
    requirements.update(data.get("requirements", []))
    for dependency in data.get("dependencies", []):
        collect(dependency, seen, requirements)


def main():
    seen, requirements = set(), set()
    for domain in sys.argv[1:]:
        collect(domain, seen, requirements)
    print("\n".join(sorted(requirements)))


main()
