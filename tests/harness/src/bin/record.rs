//! `record RELEASE NAME [FOLDER]`: starts the home `ha-fixtures/NAME` on a release and writes its dump.

use std::path::PathBuf;

use anyhow::{Result, bail};
use housekey_harness::{HouseContainer, repository_root, write_dump};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (release, name, folder) = match arguments.as_slice() {
        [release, name] => (
            release,
            name,
            repository_root()
                .join("ha-fixtures")
                .join(name)
                .join("dump"),
        ),
        [release, name, folder] => (release, name, PathBuf::from(folder)),
        _ => bail!("usage: record RELEASE NAME [FOLDER]"),
    };
    let house = HouseContainer::from_fixture(release, name).await?;
    let how = format!(
        "scripts/record-fixtures {release} {name}: the home ha-fixtures/{name} was set up in a container and read \
         over WebSocket. Credentials are zeroed, addresses and paths taken out."
    );
    write_dump(&house, &folder, &how).await
}
