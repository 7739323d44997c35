//! What a Bot API and a webhook may answer.

use std::sync::Arc;
use std::time::Duration;

use mishpulse_core::{ManualClock, Timestamp};
use mishpulse_server::config::{ChannelSettings, Environment, Secret, TelegramSettings, WebhookSettings};
use mishpulse_server::notify::{Telegram, Webhook};

use super::peer::{Peer, send};

const TOKEN: &str = "123456:AAexampleexampleexample";
const SECRET: &str = "whsec_bWlzaHB1bHNlLW1pc2hwdWxzZS1taXNocHVsc2U=";
const PATH: &str = "a-path-that-nobody-may-read";

pub struct BotApi {
    peer: Peer,
    settings: TelegramSettings,
}

impl BotApi {
    pub fn start() -> Self {
        let peer = Peer::start(true);
        let settings = TelegramSettings {
            bot_token: Secret::new(TOKEN),
            chat_id: "-1001234567890".to_owned(),
            message_thread_id: None,
            api_url: format!("http://{}", peer.address),
        };
        Self { peer, settings }
    }

    pub fn run(&self, data: &[u8]) {
        self.peer.says(vec![answer(data)]);
        send(&mut Telegram::new(&self.settings, Duration::from_secs(5)), &[TOKEN]);
    }
}

pub struct Hook {
    peer: Peer,
    settings: WebhookSettings,
}

impl Hook {
    pub fn start() -> Self {
        let peer = Peer::start(true);
        let text = format!(
            "[channels.hook]\nkind = \"webhook\"\nurl = \"http://{}/{PATH}\"\nsecret = \"{SECRET}\"\n",
            peer.address
        );
        let parsed = mishpulse_server::Settings::parse("fuzz.toml", &text, &Environment::default());
        let channel = parsed.unwrap().settings.channels.into_values().next().unwrap();
        let ChannelSettings::Webhook(settings) = channel else { panic!("no webhook") };
        Self { peer, settings }
    }

    pub fn run(&self, data: &[u8]) {
        self.peer.says(vec![answer(data)]);
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_760_616_000_000)));
        send(&mut Webhook::new(&self.settings, clock, Duration::from_secs(5)), &[&SECRET[6..], PATH]);
    }
}

/// Bytes as they are where they begin as an answer does; else a status, a field and a body.
fn answer(data: &[u8]) -> Vec<u8> {
    if data.starts_with(b"HTTP/") {
        return data.to_vec();
    }
    const STATUS: [u16; 16] =
        [200, 204, 301, 302, 400, 401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 999];
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let status = STATUS[usize::from(*first) % STATUS.len()];
    let end = rest.iter().position(|byte| *byte == b'\n').filter(|_| first & 0x80 != 0);
    let (field, body) = end.map_or((&b"1"[..], rest), |end| (&rest[..end], &rest[end + 1..]));
    let mut all =
        format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nretry-after: ", body.len()).into_bytes();
    all.extend_from_slice(field);
    all.extend_from_slice(b"\r\n\r\n");
    all.extend_from_slice(body);
    all
}
