//! `serve`: pages, the API and the media folder over HTTP.

use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use config::{CorsOrigins, Settings};
use dashboard::{DashboardError, MediaServer, NewToken, Reach};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::commands::figures;
use crate::open::Store;
use crate::{open, output, pages, runtime, service, signals};

/// Serve the pages, the API and the footage over HTTP, until Ctrl-C or SIGTERM.
///
/// The pages show each camera's day, the events, the footage, the night and the storage; `/api/v1` has the same as
/// JSON. `/media/CAMERA/stream.m3u8` is a camera's live playlist, and its segments lie beside it, with byte ranges and
/// while they are still recorded too. May run beside `record` and `process`; `run` serves by itself.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel serve                    then open http://127.0.0.1:8420/\n  \
    nightreel serve --media-only\n  \
    nightreel serve --hash-password    for [[serve.user]], from stdin\n  \
    nightreel serve --new-token        for a program, with [[serve.token]]\n  \
    ffplay http://127.0.0.1:8420/media/gate/stream.m3u8")]
pub(crate) struct ServeArgs {
    /// Serve the media folder alone. Reads nothing else: it may run as another user.
    #[arg(long)]
    media_only: bool,

    /// Serve other machines too, if `serve.listen` says so, without a password. Whoever reaches the port sees all footage.
    #[arg(long)]
    allow_remote: bool,

    /// Read a password from stdin, print its hash for `[[serve.user]]`, and serve nothing.
    #[arg(long, exclusive = true)]
    hash_password: bool,

    /// Print a token for a program, which nobody can tell again, with its hash for `[[serve.token]]`; serve nothing.
    #[arg(long, exclusive = true)]
    new_token: bool,
}

pub(crate) fn run(global: &Global, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    if args.hash_password {
        return hash_password();
    }
    if args.new_token {
        return new_token();
    }
    // Each of the threads on which pages are made would have a heap of its own, and keep what the largest took.
    pages::keep_few();
    let settings = open::settings(global)?.settings;
    let root = &settings.storage.root;
    anyhow::ensure!(
        root.is_dir(),
        "`storage.root` = `{}` is not there; is its disk mounted?",
        root.display()
    );
    let reach = reach(&settings, args.allow_remote);
    let server = media_server(&settings, reach);
    let router = match args.media_only {
        true => dashboard::media(&server)?,
        false => dashboard::dashboard(&server, figures::site(Store::existing(&settings)?))?,
    };
    runtime::block_on(async {
        let ending = signals::ending()?;
        let listener = dashboard::bind(settings.serve.listen, reach).await?;
        service::ready();
        dashboard::serve(listener, router, ending).await;
        service::stopping();
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Who has a password or a token may come from anywhere.
fn reach(settings: &Settings, allow_remote: bool) -> Reach {
    match (settings.serve.asks(), allow_remote) {
        (true, _) => Reach::Users,
        (false, true) => Reach::AllowRemote,
        (false, false) => Reach::Loopback,
    }
}

/// Prints a token and what `[[serve.token]]` has of it.
fn new_token() -> anyhow::Result<ExitCode> {
    let NewToken { token, sha256 } = NewToken::random();
    output::line(format!("token = \"{}\"\nsha256 = \"{sha256}\"", token.expose()))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a password from stdin and prints its hash, for `[[serve.user]]`.
fn hash_password() -> anyhow::Result<ExitCode> {
    let mut password = String::new();
    std::io::stdin().lock().take(MOST_PASSWORD_BYTES).read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(password.chars().count() >= 8, "a password has 8 characters or more; give it on stdin");
    output::line(dashboard::hash_password(password)?)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn media_server(settings: &Settings, reach: Reach) -> MediaServer {
    let cors_origins = match &settings.serve.cors_origins {
        CorsOrigins::Only(origins) => origins.clone(),
        CorsOrigins::Any => vec!["*".to_owned()],
    };
    MediaServer {
        root: settings.storage.root.clone(),
        cors_origins,
        reach,
        users: settings.serve.users.clone(),
        tokens: settings.serve.tokens.clone(),
    }
}

/// Argon2 takes more, and nobody types it.
const MOST_PASSWORD_BYTES: u64 = 1024;

/// Between two tries to get the address, which another program may have.
const SERVE_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Serves beside `run` until `ending`. What is wrong with it does not stop the recording.
pub(crate) async fn serve_beside(settings: Settings, ending: CancellationToken) {
    while !ending.is_cancelled() {
        match try_beside(&settings, &ending).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "no pages are served, all else goes on");
                let fault = error.downcast_ref::<DashboardError>();
                if fault.is_some_and(|fault| !fault.is_retryable()) {
                    return;
                }
            }
        }
        ending.run_until_cancelled(tokio::time::sleep(SERVE_AGAIN_AFTER)).await;
    }
}

async fn try_beside(settings: &Settings, ending: &CancellationToken) -> anyhow::Result<()> {
    let reach = reach(settings, false);
    let listener = dashboard::bind(settings.serve.listen, reach).await?;
    let settings = settings.clone();
    let router = tokio::task::spawn_blocking(move || {
        let site = figures::site(Store::existing(&settings)?);
        anyhow::Ok(dashboard::dashboard(&media_server(&settings, reach), site)?)
    });
    dashboard::serve(listener, router.await??, ending.clone()).await;
    Ok(())
}
