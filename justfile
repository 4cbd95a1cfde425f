# What there is to run; every recipe calls one script or cargo, and says what it is for.

# Lists the recipes.
default:
    @just --list

# Installs what the tests need and this machine lacks.
setup:
    scripts/setup

# The quick part of the tests, without containers.
check:
    scripts/test --quick

# Everything that CI runs, containers too.
test:
    scripts/test

# The bench table: medians and ratios of one run, in release mode.
bench:
    cargo run --release -p housekey-performance

# A pretend home and housekey on it; prints the addresses and a token.
demo:
    cargo run --release -p housekey -- demo

# Our answers against the recorded ones of Home Assistant.
goldens *FOLDERS:
    scripts/goldens {{FOLDERS}}

# Records a home of ha-fixtures on a release, for example: just record 2026.11.0 demo-home
record RELEASE NAME:
    scripts/record-fixtures {{RELEASE}} {{NAME}}
