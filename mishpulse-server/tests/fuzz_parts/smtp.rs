//! What a mail server may reply: one piece after each thing that it hears, the pieces with a zero byte between.

use std::cell::RefCell;
use std::time::Duration;

use mishpulse_server::config::{EmailSettings, MailSecurity, Secret};
use mishpulse_server::notify::Email;

use super::peer::{Peer, send};

const PASSWORD: &str = "correct-horse-battery";

pub struct Smtp {
    peer: Peer,
    /// With and without a login, with and without encryption.
    ways: [RefCell<Email>; 4],
}

impl Smtp {
    pub fn start() -> Self {
        let peer = Peer::start(false);
        let ways = [0, 1, 2, 3]
            .map(|way: u8| RefCell::new(email(peer.address.port(), has_login(way), way & 2 != 0)));
        Self { peer, ways }
    }

    /// The first byte says how the server is talked to.
    pub fn run(&self, data: &[u8]) {
        let (first, rest) = data.split_first().unwrap_or((&0, &[]));
        self.peer.says(rest.split(|byte| *byte == 0).take(16).map(<[u8]>::to_vec).collect());
        // A channel without a login holds no secret: what a server says of its own accord is none of its own.
        let secrets: &[&str] = if has_login(*first) { &[PASSWORD] } else { &[] };
        send(&mut *self.ways[usize::from(first % 4)].borrow_mut(), secrets);
    }
}

fn has_login(way: u8) -> bool {
    way & 1 != 0
}

fn email(port: u16, has_login: bool, is_encrypted: bool) -> Email {
    let settings = EmailSettings {
        host: "127.0.0.1".to_owned(),
        port,
        security: if is_encrypted { MailSecurity::Starttls } else { MailSecurity::None },
        username: has_login.then(|| "pulse".to_owned()),
        password: has_login.then(|| Secret::new(PASSWORD)),
        from: "MishPulse <pulse@example.org>".parse().unwrap(),
        to: vec!["ops@example.org".parse().unwrap(), "more@example.org".parse().unwrap()],
        ca_file: None,
    };
    Email::new(&settings, Duration::from_secs(5)).unwrap()
}
