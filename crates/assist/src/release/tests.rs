//! Which profile a release has.

use super::*;

fn since(version: &str) -> (u16, u16, u16) {
    let Release { year, month, patch } = Profile::of(version).since;
    (year, month, patch)
}

#[test]
fn a_release_has_the_last_profile_that_is_not_newer() {
    for (version, profile) in [
        ("2026.11.0", (2026, 11, 0)),
        ("2026.11.3", (2026, 11, 0)),
        ("2026.11.0b2", (2026, 11, 0)),
        ("2026.11.0.dev202610010000", (2026, 11, 0)),
        ("2026.11", (2026, 11, 0)),
        ("2026.10.4", (2026, 10, 0)),
        ("2026.9.4", (2026, 9, 0)),
        ("2026.6.2", (2026, 6, 0)),
        ("2026.6.3", (2026, 6, 3)),
        ("2026.2.0", (2025, 11, 0)),
        ("2026.2.1", (2026, 2, 1)),
        ("2026.1.0", (2025, 11, 0)),
        ("2025.4.2", (2025, 4, 0)),
        ("2025.4.10", (2025, 4, 3)),
        // Newer than all and older than all.
        ("2026.12.1", (2026, 11, 0)),
        ("2027.1.0b0", (2026, 11, 0)),
        ("2024.12.5", (2025, 2, 0)),
        // No release.
        ("", (2026, 11, 0)),
        ("2026", (2026, 11, 0)),
        ("x.1.0", (2026, 11, 0)),
        ("2026.x", (2026, 11, 0)),
        ("2026.99999999", (2026, 11, 0)),
    ] {
        assert_eq!(since(version), profile, "{version}");
    }
}

#[test]
fn profiles_are_in_order_and_the_last_is_the_newest() {
    assert!(all().windows(2).all(|pair| pair[0].since < pair[1].since));
    assert_eq!(all().last(), Some(newest()));
    for pair in all().windows(2) {
        let same = Profile {
            since: pair[0].since,
            ..pair[1]
        };
        assert_ne!(same, pair[0], "nothing changed with {:?}", pair[1].since);
    }
}

/// Listed in docs/COMPATIBILITY.md.
#[test]
fn what_was_not_recorded_is_taken_from_a_neighbour() {
    let checks = |version| Profile::of(version).arguments;
    for version in ["2026.6.0", "2026.6.3", "2026.7.4"] {
        assert_eq!(checks(version), checks("2026.5.4"), "{version}");
    }
    assert_ne!(checks("2026.8.3"), checks("2026.5.4"));
    let tool = |version| Profile::of(version).live_context.unwrap();
    let earlier = tool("2025.4.2");
    assert_eq!(earlier.name, "get_home_state");
    let known = Listed {
        name: earlier.name,
        ..tool("2025.4.4")
    };
    assert_eq!(earlier, known);
}
