//! The hook's command: it is run for each event, and reads it from its standard input.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use config::HookCommand;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Listener;

/// Tells until there is nothing more to tell. What fails is logged, and work goes on.
pub(super) async fn tell(command: HookCommand, patience: Duration, mut events: Listener) {
    while let Some(event) = events.next().await {
        if let Err(error) = call(&command, patience, &event).await {
            events.log(&error);
        }
    }
}

pub(super) async fn call(command: &HookCommand, patience: Duration, object: &str) -> anyhow::Result<()> {
    let mut child = spawn(command)?;
    match timeout(patience, feed(&mut child, object)).await {
        Ok(ended) => ended,
        Err(_) => {
            kill(&mut child).await;
            anyhow::bail!("it did not end within {} s and was killed", patience.as_secs())
        }
    }
}

fn spawn(command: &HookCommand) -> anyhow::Result<Child> {
    Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // of its own, so that what it starts can be ended with it
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run `{}`", command.program.display()))
}

async fn feed(child: &mut Child, object: &str) -> anyhow::Result<()> {
    if let Some(mut stdin) = child.stdin.take() {
        // a command that knows what to do without reading is none the worse for it
        let _ = stdin.write_all(format!("{object}\n").as_bytes()).await;
    }
    let status = child.wait().await.context("cannot wait for it")?;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(())
}

async fn kill(child: &mut Child) {
    if let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait().await;
}
