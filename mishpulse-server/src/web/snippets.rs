//! Ready lines for whoever lets a service beat, with its secret URL.

/// A ready piece of text.
pub(super) struct Snippet {
    pub(super) label: &'static str,
    pub(super) text: String,
}

/// Ways to beat for the service with `token`.
pub(super) fn snippets(public_url: &str, token: &str) -> Vec<Snippet> {
    let url = format!("{public_url}/api/heartbeat/{token}");
    let curl = format!("curl -fsS -m 10 --retry 3 -o /dev/null {url}");
    vec![
        Snippet { label: "URL", text: url.clone() },
        Snippet {
            label: "curl",
            text: format!(
                "{curl}\n\n# with a status and a message\ncurl -X POST {url} \\\n  -d '{{\"status\":\"error\",\"message\":\"disk full\"}}'"
            ),
        },
        Snippet {
            label: "cron",
            text: format!(
                "*/5 * * * * /usr/local/bin/job && {curl}\n\n# or with its exit code and last lines\n*/5 * * * * mishpulse run {url} -- /usr/local/bin/job"
            ),
        },
        Snippet {
            label: "Rust",
            text: format!("// cargo add mishpulse-client\nlet _pulse = mishpulse_client::start(\"{url}\");"),
        },
        Snippet {
            label: "Python",
            text: format!("import urllib.request\n\nurllib.request.urlopen(\"{url}\", timeout=10)"),
        },
        Snippet {
            label: "systemd",
            text: format!(
                "# heartbeat.service\n[Service]\nType=oneshot\nExecStart=/usr/bin/{curl}\n\n# heartbeat.timer\n[Timer]\n\
                 OnBootSec=1min\nOnUnitActiveSec=1min\n\n[Install]\nWantedBy=timers.target"
            ),
        },
    ]
}
