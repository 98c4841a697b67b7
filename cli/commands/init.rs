//! `init`: writes a commented settings file, from answers, flags or `.env`.

use std::fs::OpenOptions;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use config::{
    Answers, CameraAnswers, CameraId, Environment, FILE_NAME, StreamMode, Windows, camera_url, template,
};

use crate::args::Global;
use crate::commands::unit::Unit;
use crate::{open, output};

/// Write a commented nightreel.toml, never over one that is there.
///
/// Asks on a terminal; elsewhere, and for what a flag already says, it does not. A `.env` with CAMERA_IP and
/// OUTPUT_DIR is taken over.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel init\n  \
    nightreel init --camera gate --url 192.168.1.20 --username admin --window 22:00-06:00\n  \
    nightreel --config /etc/nightreel/nightreel.toml init --root /srv/nightreel\n  \
    nightreel init --systemd > /etc/systemd/system/nightreel.service")]
pub(crate) struct InitArgs {
    /// Print a systemd unit for the settings in force instead.
    #[arg(long, exclusive = true)]
    systemd: bool,

    /// The folder of the cameras' folders.
    #[arg(long, value_name = "DIR")]
    root: Option<String>,

    /// The camera's id, which is also its folder's name.
    #[arg(long, value_name = "ID")]
    camera: Option<CameraId>,

    /// The camera's address: an IP, or an rtsp:// URL without a password.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Who logs in to the camera. The password is never written: the file names a variable for it.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// When the heavy work may run; may be given more than once. Without it: always.
    #[arg(long, value_name = "HH:MM-HH:MM")]
    window: Vec<String>,

    /// The time zone of the windows.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
}

pub(crate) fn run(global: &Global, args: &InitArgs) -> anyhow::Result<ExitCode> {
    if args.systemd {
        return print_unit(global);
    }
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    anyhow::ensure!(
        !path.exists(),
        "`{0}` is there already and is left as it is; edit it, or remove it first",
        path.display()
    );
    let from_dotenv = Answers::from_dotenv(&Environment::of_this_process()?)?;
    let text = template(&match from_dotenv {
        Some(answers) => answers,
        None => answers(args)?,
    });
    write_new(&path, &text)?;
    output::line(format!("wrote {}", path.display()))?;
    output::line("next: `nightreel config check`, `nightreel doctor`, then `nightreel run`")?;
    Ok(ExitCode::SUCCESS)
}

fn print_unit(global: &Global) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    let storage = &loaded.settings.storage;
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let config = loaded.path.clone().context("a unit needs a settings file; `nightreel init` writes one")?;
    let unit =
        Unit { program: &program, config: &config, root: &storage.root, state_dir: &storage.state_dir };
    output::bytes(unit.text().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes());
    match write() {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            anyhow::bail!("`{}` is there already and is left as it is", path.display())
        }
        written => written.with_context(|| format!("cannot write `{}`", path.display())),
    }
}

fn answers(args: &InitArgs) -> anyhow::Result<Answers> {
    let mut asker = Asker::new();
    let here = std::env::current_dir().context("cannot tell the current folder")?.display().to_string();
    let root = asker.answer(args.root.as_ref(), "folder for the footage", &here)?;
    let url = asker.answer(
        args.url.as_ref(),
        "camera's IP or rtsp:// URL (none: another recorder fills its folder)",
        "",
    )?;
    let camera = match (&args.camera, url.is_empty()) {
        (None, true) => None,
        _ => Some(camera(args, &url, &mut asker)?),
    };
    let windows = match args.window.is_empty() {
        true => asker.answer(None, "when the heavy work may run, such as 22:00-06:00 (none: always)", "")?,
        false => String::new(),
    };
    let windows: Vec<String> =
        args.window.iter().cloned().chain(Some(windows).filter(|window| !window.is_empty())).collect();
    let timezone = args.timezone.parse().map_err(|_| {
        anyhow::anyhow!("`--timezone {}` is no time zone; write it as `Europe/Berlin`", args.timezone)
    })?;
    Windows::parse(timezone, &windows)?;
    Ok(Answers { root, camera, timezone, windows })
}

fn camera(args: &InitArgs, url: &str, asker: &mut Asker) -> anyhow::Result<CameraAnswers> {
    let id =
        asker.answer(args.camera.as_ref().map(ToString::to_string).as_ref(), "camera's name", "camera1")?;
    let url =
        (!url.is_empty()).then(|| camera_url(url)).transpose().context("the camera's address is no URL")?;
    anyhow::ensure!(
        url.as_ref().is_none_or(|url| url.password().is_none()),
        "the camera's address carries a password; leave it out, the file will name a variable for it"
    );
    let username = match url.is_some() {
        true => asker.answer(args.username.as_ref(), "camera's user (none: no password either)", "")?,
        false => String::new(),
    };
    let variable = format!("{}_PASSWORD", id.to_uppercase().replace(['-', '.'], "_"));
    Ok(CameraAnswers {
        id: id.parse()?,
        url,
        password_env: (!username.is_empty()).then_some(variable),
        username: Some(username).filter(|name| !name.is_empty()),
        segment_seconds: 60,
        mode: StreamMode::default(),
    })
}

/// Asks on a terminal, and takes the usual answer elsewhere.
struct Asker {
    asks: bool,
}

impl Asker {
    fn new() -> Self {
        Self { asks: io::stdin().is_terminal() && io::stderr().is_terminal() }
    }

    fn answer(&mut self, given: Option<&String>, question: &str, usual: &str) -> anyhow::Result<String> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        if !self.asks {
            return Ok(usual.to_owned());
        }
        write!(io::stderr(), "{question} [{usual}]: ").context("cannot ask")?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).context("cannot read the answer")?;
        let typed = line.trim();
        Ok(if typed.is_empty() { usual.to_owned() } else { typed.to_owned() })
    }
}
