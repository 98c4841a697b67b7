//! The systemd unit that `init --systemd` prints: hardened, restarted, watched.

use std::path::Path;

/// What the unit depends on.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    /// Of this program.
    pub(crate) program: &'a Path,
    pub(crate) config: &'a Path,
    pub(crate) root: &'a Path,
    pub(crate) state_dir: &'a Path,
}

impl Unit<'_> {
    /// Returns the unit's text.
    ///
    /// The root's disk is waited for and must be mounted; nothing else may be written to.
    pub(crate) fn text(&self) -> String {
        let Self { program, config, root, state_dir } = self;
        let (program, config) = (program.display(), config.display());
        let (root, state_dir) = (root.display(), state_dir.display());
        format!(
            "\
# /etc/systemd/system/nightreel.service
[Unit]
Description=nightreel: records cameras, looks at the footage off-peak
Wants=network-online.target
After=network-online.target time-sync.target
RequiresMountsFor={root} {state_dir}
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} --config {config} run
Restart=always
RestartSec=5
WatchdogSec=120
# A stop finishes the open segments.
TimeoutStopSec=30
KillSignal=SIGTERM

User=nightreel
Group=nightreel
StateDirectory=nightreel
ReadWritePaths={root} {state_dir}
# Passwords and keys, one line each; a camera's is `<id>.password`, the model's `vision.api_key`:
# LoadCredential=gate.password:/etc/nightreel/gate.password

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=
UMask=0027
# The heavy work gives way to everything else on the machine.
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=6

[Install]
WantedBy=multi-user.target
"
        )
    }
}
