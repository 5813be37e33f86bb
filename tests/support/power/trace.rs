//! What the real program does to the files of a home, read from strace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::program::{Home, Ran, ran};
use super::disk::{Files, Operation};

const CALLS: &str = "openat,write,pwrite64,writev,lseek,ftruncate,fallocate,fsync,fdatasync,link,linkat,rename,renameat,\
                     renameat2,unlink,unlinkat,mkdir,mkdirat";

/// Everything in a home but what the tests put there.
pub(crate) fn files(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut directories = vec![String::new()];
    while let Some(inner) = directories.pop() {
        for entry in fs::read_dir(directory.join(&inner)).expect("a directory").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            if entry.path().is_dir() {
                directories.push(name.clone());
                files.insert(name, None);
            } else {
                files.insert(name, Some(fs::read(entry.path()).expect("a file").into()));
            }
        }
    }
    files
}

/// Runs the program in a home that had `before`, and tells what it did there.
pub(crate) fn record(home: &Home, before: &Files, arguments: &[&str], input: Option<&Path>) -> (Vec<Operation>, Ran) {
    let logs = tempfile::tempdir().expect("a temporary directory");
    let program = home.command(arguments);
    let mut command = Command::new("strace");
    command.args(["-ff", "-ttt", "-y", "-xx", "-s", "1000000", "-e", &format!("trace={CALLS}"), "-o"]);
    command.arg(logs.path().join("log")).arg(program.get_program()).args(program.get_args());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let stdin = input.map_or_else(Stdio::null, |path| fs::File::open(path).expect("a file").into());
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = ran(command.spawn().expect("this test needs strace (Debian: apt install strace)"));
    let mut lines = Vec::new();
    for entry in fs::read_dir(logs.path()).expect("a directory").flatten() {
        let log = fs::read_to_string(entry.path()).expect("a log");
        // The time is a number of so many digits that text sorts as well.
        lines.extend(
            log.lines().filter_map(|line| line.split_once(' ')).map(|(at, call)| (at.to_owned(), call.to_owned())),
        );
    }
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    let mut reader = Reader::new(home, before);
    for (_, call) in &lines {
        reader.read(call);
    }
    reader.operations.push(Operation::Acknowledged);
    (reader.operations, done)
}

/// What a descriptor is of.
#[derive(Clone)]
enum Open {
    File { file: usize, at: usize },
    Directory(String),
    Other,
}

struct Reader {
    directory: String,
    /// The file of each name.
    names: BTreeMap<String, usize>,
    count: usize,
    open: BTreeMap<usize, Open>,
    operations: Vec<Operation>,
}

impl Reader {
    fn new(home: &Home, before: &Files) -> Self {
        let names =
            before.iter().zip(0..).filter_map(|((name, content), file)| content.as_ref().map(|_| (name.clone(), file)));
        Self {
            directory: format!("{}/", home.path("").display().to_string().trim_end_matches('/')),
            names: names.collect(),
            count: before.len(),
            open: BTreeMap::new(),
            operations: Vec::new(),
        }
    }

    fn inside(&self, text: &str) -> Option<String> {
        let is_home = text == self.directory.trim_end_matches('/');
        if is_home { Some(String::new()) } else { text.strip_prefix(&self.directory).map(str::to_owned) }
    }

    /// One call with its result.
    fn read(&mut self, line: &str) {
        let Some((call, rest)) = line.split_once('(') else { return };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        if result.starts_with('-') || result.starts_with('?') {
            return;
        }
        let texts: Vec<Vec<u8>> = arguments.split('"').skip(1).step_by(2).map(decoded).collect();
        let first = number(arguments);
        match call {
            "writev" | "write" if texts.iter().any(|text| text.starts_with(b"POST ")) => {
                self.operations.push(Operation::Sent);
            }
            "openat" => self.opened(arguments, &texts, number(result).unwrap_or_default()),
            "mkdir" | "mkdirat" => {
                if let Some(directory) = self.name(&texts, 0) {
                    self.operations.push(Operation::Make { directory });
                }
            }
            "link" | "linkat" | "rename" | "renameat" | "renameat2" => self.renamed(call, &texts),
            "unlink" | "unlinkat" => {
                if let Some(name) = self.name(&texts, 0) {
                    self.names.remove(&name);
                    self.operations.push(Operation::Unlink { name });
                }
            }
            _ => {
                if let Some(descriptor) = first {
                    self.changed(call, descriptor, arguments, texts.into_iter().next().unwrap_or_default());
                }
            }
        }
    }

    fn name(&self, texts: &[Vec<u8>], index: usize) -> Option<String> {
        self.inside(std::str::from_utf8(texts.get(index)?).ok()?)
    }

    fn opened(&mut self, arguments: &str, texts: &[Vec<u8>], descriptor: usize) {
        let open = match self.name(texts, 0) {
            None => Open::Other,
            Some(name) => match self.names.get(&name) {
                Some(file) => Open::File { file: *file, at: 0 },
                None if arguments.contains("O_CREAT") => {
                    let file = self.count;
                    self.count += 1;
                    self.names.insert(name.clone(), file);
                    self.operations.push(Operation::Name { file, name });
                    Open::File { file, at: 0 }
                }
                None => Open::Directory(name),
            },
        };
        self.open.insert(descriptor, open);
    }

    fn renamed(&mut self, call: &str, texts: &[Vec<u8>]) {
        let (Some(from), Some(to)) = (self.name(texts, 0), self.name(texts, 1)) else { return };
        let Some(file) = self.names.get(&from).copied() else { return };
        let is_link = call.starts_with("link");
        // To rename one name of a file to another one of its names does nothing.
        if !is_link && self.names.get(&to) == Some(&file) {
            return;
        }
        self.names.insert(to.clone(), file);
        if is_link {
            self.operations.push(Operation::Name { file, name: to });
        } else {
            self.names.remove(&from);
            self.operations.push(Operation::Rename { file, from, to });
        }
    }

    fn changed(&mut self, call: &str, descriptor: usize, arguments: &str, bytes: Vec<u8>) {
        let last = || arguments.rsplit(", ").next().and_then(number).unwrap_or_default();
        match (call, self.open.get_mut(&descriptor)) {
            ("fsync" | "fdatasync", Some(Open::Directory(directory))) => {
                let directory = directory.clone();
                self.operations.push(Operation::SyncDirectory { directory });
            }
            (call, Some(Open::File { file, at })) => {
                let file = *file;
                self.operations.push(match call {
                    "write" => {
                        let operation = Operation::Write { file, at: *at, bytes };
                        if let Operation::Write { bytes, .. } = &operation {
                            *at += bytes.len();
                        }
                        operation
                    }
                    "pwrite64" => Operation::Write { file, at: last(), bytes },
                    "ftruncate" => Operation::Resize { file, length: last() },
                    "fallocate" => Operation::Allocate { file, length: last() },
                    "fsync" | "fdatasync" => Operation::Sync { file },
                    _ => {
                        // Where it is now follows from the only kind that is used: from the start.
                        *at = arguments.split(", ").nth(1).and_then(number).unwrap_or_default();
                        return;
                    }
                });
            }
            _ => {}
        }
    }
}

/// The digits at the start.
fn number(text: &str) -> Option<usize> {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Bytes that are written as `\x2f`.
fn decoded(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap_or_default()).collect()
}
