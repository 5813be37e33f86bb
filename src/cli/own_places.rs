//! Where this program keeps its own files, so that nothing is written there that a person names.

use std::path::{Path, PathBuf};

use crate::config::Places;
use crate::files;

/// No path has links on its way.
pub(super) struct OwnPlaces {
    /// With all that is below it.
    directory: PathBuf,
    /// Directories, with all that is below them.
    records: Vec<PathBuf>,
    /// The directories of files that may be anywhere.
    beside: Vec<PathBuf>,
    /// The configuration and keys.
    files: Vec<PathBuf>,
}

impl OwnPlaces {
    pub(super) fn of(places: Places, key: Option<PathBuf>, store: Option<&Path>) -> Self {
        let parent = |file: &PathBuf| without_links(files::directory_of(file).to_owned());
        let named: Vec<PathBuf> = [places.config_file].into_iter().chain(key).collect();
        let store = store.map(Path::to_owned);
        Self {
            directory: parent(&places.default_key_file),
            records: [places.state_dir, places.spare_dir].into_iter().chain(store).map(without_links).collect(),
            beside: named.iter().map(parent).collect(),
            files: named.into_iter().chain([places.default_key_file]).map(without_links).collect(),
        }
    }

    /// The directory for this program's files in which this one would be.
    pub(super) fn directory_of(&self, file: &Path) -> Option<&Path> {
        let mut below = [&self.directory].into_iter().chain(&self.records);
        let beside = || self.beside.iter().find(|directory| files::directory_of(file) == directory.as_path());
        below.find(|directory| file.starts_with(directory)).or_else(beside).map(PathBuf::as_path)
    }

    /// Whether this is the configuration, a key or among the records, by whatever name.
    pub(super) fn has(&self, file: &Path) -> bool {
        let place = match file.file_name() {
            Some(name) if !file.exists() => without_links(files::directory_of(file).to_owned()).join(name),
            _ => without_links(file.to_owned()),
        };
        self.files.contains(&place) || self.records.iter().any(|directory| place.starts_with(directory))
    }
}

/// One that is not there yet has no links on its way.
fn without_links(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}
