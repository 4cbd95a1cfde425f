//! `house RELEASE NAME FILE`: starts the home `ha-fixtures/NAME`, leaves it running, and writes how to reach it.

use anyhow::{Context as _, Result, bail};
use housekey_harness::HouseContainer;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [release, name, file] = arguments.as_slice() else {
        bail!("usage: house RELEASE NAME FILE")
    };
    let house = HouseContainer::from_fixture(release, name).await?;
    let mut note = json!({
        "release": release,
        "home": name,
        "base_url": house.base_url(),
        "token": house.token(),
        "config_dir": house.config_dir(),
    });
    let container = house.keep().await?;
    note.as_object_mut()
        .context("an object")?
        .insert("container".to_owned(), container.into());
    std::fs::write(file, serde_json::to_string_pretty(&note)? + "\n").with_context(|| file.clone())
}
