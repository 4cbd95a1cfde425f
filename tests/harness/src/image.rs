//! Which Home Assistant images there are, and how to get one: asks `scripts/ha-image`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::poll::within;

/// The release that suites use when `HA_RELEASES` names none.
const RELEASE_DEFAULT: &str = "2026.11.0";
/// Building an image from packages takes a few minutes on a small machine.
const IMAGE_DEADLINE: Duration = Duration::from_mins(20);

/// The root of this repository.
#[must_use]
pub fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The releases to test against: `HA_RELEASES`, separated by blanks or commas.
#[must_use]
pub fn releases() -> Vec<String> {
    let named = std::env::var("HA_RELEASES").unwrap_or_default();
    let mut releases: Vec<String> = named
        .split([' ', ','])
        .filter(|release| !release.is_empty())
        .map(str::to_owned)
        .collect();
    if releases.is_empty() {
        releases.push(RELEASE_DEFAULT.to_owned());
    }
    releases
}

/// Gives the image of a release as `(name, tag)`, and makes it when it is missing.
///
/// # Errors
/// When `scripts/ha-image` fails; its progress is on standard error.
pub async fn image_of(release: &str) -> Result<(String, String)> {
    let mut command = Command::new(repository_root().join("scripts/ha-image"));
    command
        .arg(release)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = within("scripts/ha-image", IMAGE_DEADLINE, async {
        Ok(command.output().await?)
    })
    .await?;
    ensure!(output.status.success(), "scripts/ha-image {release} failed");
    let image = String::from_utf8(output.stdout)?;
    let (name, tag) = image
        .trim()
        .rsplit_once(':')
        .context("an image name without a tag")?;
    Ok((name.to_owned(), tag.to_owned()))
}
