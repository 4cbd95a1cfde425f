"""Reads `cargo metadata` and prints `--test NAME` for every test target that needs no container.

A package whose test targets need containers lists them in its Cargo.toml:

    [package.metadata.containers]
    tests = ["container"]
"""

import json
import sys


def main():
    names, left_out = set(), set()
    for package in json.load(sys.stdin)["packages"]:
        in_containers = ((package["metadata"] or {}).get("containers") or {}).get("tests", [])
        tests = [target["name"] for target in package["targets"] if "test" in target["kind"]]
        unknown = set(in_containers) - set(tests)
        if unknown:
            sys.exit(f"{package['name']}: no such test targets: {', '.join(sorted(unknown))}")
        names.update(set(tests) - set(in_containers))
        left_out.update(in_containers)
    # Cargo picks targets by name alone, in all packages at once.
    if names & left_out:
        sys.exit(f"test targets with and without containers share names: {', '.join(sorted(names & left_out))}")
    print(" ".join(f"--test {name}" for name in sorted(names)))


main()
