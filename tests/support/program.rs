//! The real binary in a home of its own: its config, its runs, its ends.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

/// Names that the program reads settings from; a test says itself which are set.
const SETTING_NAMES: [&str; 9] = [
    "NIGHTREEL",
    "CAMERA_",
    "OUTPUT_",
    "STREAM_MODE",
    "SEGMENT_TIME",
    "STORAGE_BACKEND",
    "CREDENTIALS_DIRECTORY",
    "NOTIFY_SOCKET",
    "JOURNAL_STREAM",
];

/// A folder with a config, a root and a home, all of which go when it is dropped.
#[derive(Debug)]
pub(crate) struct Nightreel {
    folder: TempDir,
}

impl Nightreel {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    /// Returns a path in the folder the program is started in.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("media")
    }

    /// Writes the config that every later command reads: the root, then `sections`.
    pub(crate) fn configure(&self, sections: &str) {
        self.configure_storage("", sections);
    }

    /// As [`configure`](Self::configure), with further keys of `[storage]`.
    pub(crate) fn configure_storage(&self, keys: &str, sections: &str) {
        fs::create_dir_all(self.root()).expect("the root can be made");
        // `run` serves as well; a fixed port would be another test's.
        let serve = if sections.contains("[serve]") { "" } else { "[serve]\nlisten = \"127.0.0.1:0\"\n" };
        let text = format!("[storage]\nroot = {:?}\n{keys}\n\n{serve}\n{sections}\n", self.root());
        self.write("nightreel.toml", text);
    }

    /// Writes a file into the folder, making the folders on the way.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let target = self.with_parent(relative);
        fs::write(&target, content).expect("the file can be written");
        target
    }

    /// Copies a file into the folder, making the folders on the way.
    pub(crate) fn copy_in(&self, file: &Path, relative: impl AsRef<Path>) -> PathBuf {
        let target = self.with_parent(relative);
        fs::copy(file, &target).expect("the file can be copied");
        target
    }

    fn with_parent(&self, relative: impl AsRef<Path>) -> PathBuf {
        let target = self.path(relative);
        let parent = target.parent().expect("it is in the folder");
        fs::create_dir_all(parent).expect("the folder can be made");
        target
    }

    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        self.command_under(&[], arguments)
    }

    /// Starts the program by way of another, such as one that lies about the time.
    pub(crate) fn command_under(&self, wrapper: &[&str], arguments: &[impl AsRef<OsStr>]) -> Command {
        let binary = env!("CARGO_BIN_EXE_nightreel");
        let mut command = match wrapper {
            [] => Command::new(binary),
            [program, its_arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(its_arguments).arg(binary);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if SETTING_NAMES.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("home/state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs to the end, with a text on stdin.
    pub(crate) fn given(&self, arguments: &[impl AsRef<OsStr>], text: &str) -> Outcome {
        let mut input = NamedTempFile::new().expect("a temporary file can be made");
        input.write_all(text.as_bytes()).expect("the text can be written");
        Outcome::of(self.command(arguments).stdin(input.reopen().expect("it was just made")))
    }

    /// Starts what ends by a signal.
    pub(crate) fn start(&self, arguments: &[impl AsRef<OsStr>]) -> Running {
        Running::spawn(self.command(arguments))
    }

    /// Fails unless files and catalogue agree.
    pub(crate) fn verify(&self) {
        self.run(&["verify"]).with_code(0);
    }

    /// Returns the object of `status --json`.
    pub(crate) fn status(&self) -> Value {
        self.run(&["status", "--json"]).with_code(0).json()
    }
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the program can be started"))
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless stderr has all of these.
    #[track_caller]
    pub(crate) fn telling(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in:\n{}", self.stderr);
        }
        self
    }

    /// Parses the last line of stdout.
    pub(crate) fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_else(|| panic!("nothing on stdout: {}", self.stderr));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in `{last}`"))
    }

    /// Parses every line of stdout.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in `{line}`"));
        self.stdout.lines().map(parse).collect()
    }

    /// Returns all that was said, on either stream.
    pub(crate) fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// A run under way; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
    /// Stdout and stderr, as they come.
    said: NamedTempFile,
}

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let said = NamedTempFile::new().expect("a temporary file can be made");
        // Appended to, so that the two streams do not write over each other.
        let append = || OpenOptions::new().append(true).open(said.path()).expect("it was just made");
        let process = command.stdout(append()).stderr(append()).spawn().expect("the program can be started");
        Self { process, said }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns all that it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.said.path()).expect("it speaks UTF-8")
    }

    /// Returns how it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("it is a child of ours")
    }

    pub(crate) fn ask_to_finish(&self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it was not waited for yet");
    }

    /// Asks it to finish, as a service manager does.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.ask_to_finish();
        self.process.wait().expect("it is a child of ours")
    }

    /// Ends it as a power cut would. Returns whether it was still at work.
    pub(crate) fn kill(&mut self) -> bool {
        let was_at_work = self.ended().is_none();
        self.process.kill().expect("it is a child of ours");
        self.process.wait().expect("it is a child of ours");
        was_at_work
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("what it said:\n{}", self.said());
        }
    }
}
