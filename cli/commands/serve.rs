//! `serve`: the media folder over HTTP, for players and web pages.

use std::process::ExitCode;

use clap::Args;
use config::CorsOrigins;
use dashboard::{MediaServer, Reach};

use crate::args::Global;
use crate::{open, runtime, service, signals};

/// Serve footage and live playlists over HTTP, until Ctrl-C or SIGTERM.
///
/// `/media/CAMERA/stream.m3u8` is a camera's live playlist, and its segments lie beside it, with byte ranges and
/// while they are still recorded too. Reads only the folder: it may run beside `record`, or as another user.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel serve --media-only\n  \
    ffplay http://127.0.0.1:8420/media/gate/stream.m3u8")]
pub(crate) struct ServeArgs {
    /// Serve the media folder alone; there are no pages yet.
    #[arg(long, required = true)]
    media_only: bool,

    /// Serve other machines too, if `serve.listen` says so. Whoever reaches the port sees all footage.
    #[arg(long)]
    allow_remote: bool,
}

pub(crate) fn run(global: &Global, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = open::settings(global)?.settings;
    let root = settings.storage.root;
    anyhow::ensure!(
        root.is_dir(),
        "`storage.root` = `{}` is not there; is its disk mounted?",
        root.display()
    );
    let reach = if args.allow_remote { Reach::AllowRemote } else { Reach::Loopback };
    let cors_origins = match settings.serve.cors_origins {
        CorsOrigins::Only(origins) => origins,
        CorsOrigins::Any => vec!["*".to_owned()],
    };
    let router = dashboard::media(&MediaServer { root, cors_origins, reach })?;
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
