//! The other side of a channel: it says what it was told to say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mishpulse_core::{Span, Status, Timestamp};
use mishpulse_server::notify::{Channel, Parcel, Refusal};
use mishpulse_server::store::rows::{About, DeliveryId, Letter, LetterKind};

pub struct Peer {
    pub address: SocketAddr,
    says: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Peer {
    /// Talks to one caller after the other; first it listens, where `listens_first`.
    pub fn start(listens_first: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = Self { address: listener.local_addr().unwrap(), says: Arc::default() };
        let says = Arc::clone(&peer.says);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let says = says.lock().unwrap().clone();
                let _ = talk(stream, &says, listens_first);
            }
        });
        peer
    }

    /// Says each of `pieces` once it has heard something, and then hangs up.
    pub fn says(&self, pieces: Vec<Vec<u8>>) {
        *self.says.lock().unwrap() = pieces;
    }
}

/// How long it listens to a caller who waits for the rest of a reply: each of the two would wait for the other.
const PATIENCE: Duration = Duration::from_millis(200);

fn talk(mut stream: TcpStream, says: &[Vec<u8>], listens_first: bool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut heard = vec![0; 64 * 1024];
    for (index, piece) in says.iter().enumerate() {
        if (listens_first || index > 0) && stream.read(&mut heard)? == 0 {
            return Ok(());
        }
        stream.write_all(piece)?;
    }
    // What it still has to say is read before the connection is cut.
    stream.shutdown(std::net::Shutdown::Write)?;
    while stream.read(&mut heard)? > 0 {}
    Ok(())
}

/// Sends a letter, and checks what is said of a refusal: one line of reasonable length without any of `secrets`.
pub fn send(channel: &mut dyn Channel, secrets: &[&str]) {
    let about = About {
        name: "api-worker".parse().unwrap(),
        status: Status::Dead,
        previous_status: Status::Alive,
        last_seen: Some(Timestamp::from_unix_ms(0)),
        message: Some("disk full".to_owned()),
        tags: Vec::new(),
    };
    let letter = Letter {
        kind: LetterKind::Alert(mishpulse_core::AlertKind::Dead),
        at: Timestamp::from_unix_ms(0),
        began: Timestamp::from_unix_ms(0),
        since: Timestamp::from_unix_ms(0),
        allowance: Span::from_secs(300),
        service: Some(about),
        names: Vec::new(),
        is_gathered: false,
    };
    let text = "a service is dead";
    let parcel = Parcel { id: DeliveryId::from_u128(7), letter: &letter, text, in_reply_to: None };
    if let Err(Refusal::Later { why, .. } | Refusal::Final { why }) = channel.send(&parcel) {
        assert!(!why.is_empty() && why.chars().count() < 1000, "{} characters: {why}", why.chars().count());
        assert!(!why.contains(['\n', '\r']), "{why:?}");
        for secret in secrets {
            assert!(!why.contains(secret), "{why}");
        }
    }
}
