//! Where values come from: a file, the environment, flags. The only place that reads the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::keys::{self, Key, PREFIX};

/// Values given on the command line, and where to look for the rest.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// The file that was named.
    pub(crate) file: Option<PathBuf>,
    /// The variables of the environment; see [`environment`].
    pub(crate) environment: BTreeMap<String, String>,
    /// Values by `section.name`, with the flag that gave them.
    pub(crate) values: Vec<(&'static str, &'static str, String)>,
    /// The access token comes on standard input.
    pub(crate) ha_token_stdin: bool,
}

/// The variables of the environment that concern the configuration.
#[expect(
    clippy::disallowed_methods,
    reason = "the configuration loader is the one reader"
)]
pub(crate) fn environment() -> BTreeMap<String, String> {
    let ours = std::env::vars().filter(|(name, _)| name.starts_with(PREFIX));
    let places = ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"];
    let places = places
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
    ours.chain(places).collect()
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// All values with their sources.
#[derive(Debug)]
pub(super) struct Values(BTreeMap<String, (toml::Value, Source)>);

impl Values {
    /// Gathers values; the list holds what is wrong with single ones.
    pub(super) fn gather(flags: &Flags) -> Result<(Self, Vec<String>), String> {
        let mut values = Self(BTreeMap::new());
        let mut problems = Vec::new();
        for key in keys::ALL {
            let parsed = toml::from_str::<toml::Table>(&format!("x = {}", key.default));
            let default = match parsed.ok().and_then(|mut table| table.remove("x")) {
                Some(value) => value,
                None => toml::Value::String(key.default.to_owned()),
            };
            if !key.default.is_empty() {
                values.set(key, default, Source::Default);
            }
        }
        if let Some(directory) = data_directory(&flags.environment) {
            values.set(
                &keys::DIRECTORY,
                toml::Value::String(directory),
                Source::Default,
            );
        }
        if let Some(path) = configuration_file(flags)? {
            values.add_file(&path, &mut problems)?;
        }
        values.add_variables(&flags.environment, &mut problems);
        for (path, flag, text) in &flags.values {
            if let Some(key) = keys::ALL.iter().find(|key| key.path() == *path) {
                values.set(key, toml::Value::String(text.clone()), Source::Flag(flag));
            }
        }
        Ok((values, problems))
    }

    fn set(&mut self, key: &Key, value: toml::Value, source: Source) {
        self.0.insert(key.path(), (value, source));
    }

    fn add_file(&mut self, path: &Path, problems: &mut Vec<String>) -> Result<(), String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let table: toml::Table = toml::from_str(&text)
            .map_err(|error| format!("{} is not TOML: {error}", path.display()))?;
        for (section, content) in table {
            let toml::Value::Table(content) = content else {
                problems.push(format!("{section} ({}): {}", path.display(), sections()));
                continue;
            };
            for (name, value) in content {
                let known = keys::ALL
                    .iter()
                    .find(|key| key.section == section && key.name == name);
                match known {
                    Some(key) if **key == keys::HA_TOKEN => problems.push(format!(
                        "{} ({}): a secret is not kept in this file; use token_file",
                        key.path(),
                        path.display()
                    )),
                    Some(key) => self.set(key, value, Source::File(path.to_owned())),
                    None => problems.push(format!(
                        "{section}.{name} ({}): no such key; {}",
                        path.display(),
                        siblings(&section)
                    )),
                }
            }
        }
        Ok(())
    }

    fn add_variables(&mut self, variables: &BTreeMap<String, String>, problems: &mut Vec<String>) {
        for (name, text) in variables
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
        {
            match keys::ALL.iter().find(|key| key.variable() == *name) {
                Some(key) => {
                    let value = toml::Value::String(text.clone());
                    self.set(key, value, Source::Variable(name.clone()));
                }
                None => problems.push(format!(
                    "{name} (environment): no such key; a variable is {PREFIX}SECTION__KEY, such as {}",
                    keys::HA_URL.variable()
                )),
            }
        }
    }

    /// A value as text.
    pub(super) fn text(&self, key: &Key) -> Option<(String, &Source)> {
        let (value, source) = self.0.get(&key.path())?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some((text, source))
    }

    /// A value in the form that it has in the file, and its source. Variables and flags give texts.
    pub(super) fn as_in_the_file(&self, key: &Key) -> Option<(toml::Value, String)> {
        let (value, source) = self.0.get(&key.path())?;
        let is_list = key.default.starts_with('[');
        let is_number = key.default.parse::<i64>().is_ok();
        let text = value.as_str();
        let value = if text.is_some() && is_list {
            let items = self.list(key).into_iter().map(toml::Value::String);
            toml::Value::Array(items.collect())
        } else if let Some(number) = text
            .filter(|_| is_number)
            .and_then(|text| text.parse().ok())
        {
            toml::Value::Integer(number)
        } else {
            value.clone()
        };
        Some((value, source.to_string()))
    }

    /// A value as a list; a text is split at commas.
    pub(super) fn list(&self, key: &Key) -> Vec<String> {
        let items = match self.0.get(&key.path()) {
            Some((toml::Value::Array(items), _)) => items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect(),
            Some((toml::Value::String(text), _)) => text.split(',').map(str::to_owned).collect(),
            Some((other, _)) => vec![other.to_string()],
            None => Vec::new(),
        };
        let items = items.into_iter().map(|item: String| item.trim().to_owned());
        items.filter(|item| !item.is_empty()).collect()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.section, self.name) == (other.section, other.name)
    }
}

fn data_directory(environment: &BTreeMap<String, String>) -> Option<String> {
    if let Some(data) = environment
        .get("XDG_DATA_HOME")
        .filter(|data| !data.is_empty())
    {
        return Some(format!("{data}/housekey"));
    }
    environment
        .get("HOME")
        .map(|home| format!("{home}/.local/share/housekey"))
}

pub(super) fn configuration_file(flags: &Flags) -> Result<Option<PathBuf>, String> {
    if let Some(file) = &flags.file {
        return if file.is_file() {
            Ok(Some(file.clone()))
        } else {
            Err(format!(
                "--config {}: there is no such file",
                file.display()
            ))
        };
    }
    let in_home = match (
        flags.environment.get("XDG_CONFIG_HOME"),
        flags.environment.get("HOME"),
    ) {
        (Some(config), _) if !config.is_empty() => Some(PathBuf::from(config)),
        (_, Some(home)) => Some(Path::new(home).join(".config")),
        (_, None) => None,
    };
    let mut places = vec![PathBuf::from("housekey.toml")];
    places.extend(in_home.map(|place| place.join("housekey/housekey.toml")));
    places.push(PathBuf::from("/etc/housekey/housekey.toml"));
    Ok(places.into_iter().find(|place| place.is_file()))
}

fn sections() -> String {
    let mut names: Vec<_> = keys::ALL
        .iter()
        .map(|key| format!("[{}]", key.section))
        .collect();
    names.dedup();
    format!("expected one of the sections {}", names.join(", "))
}

fn siblings(section: &str) -> String {
    let names: Vec<_> = keys::ALL
        .iter()
        .filter(|key| key.section == section)
        .map(|key| key.name)
        .collect();
    if names.is_empty() {
        sections()
    } else {
        format!("[{section}] has {}", names.join(", "))
    }
}
