//! A list of mail recipients, through an SMTP server.
//!
//! All recipients get one mail in one transaction. Where some are refused, the others get it all the same, and it is only
//! tried again for those whose refusal may pass: who has it is remembered while the server runs. (After a restart the
//! others may get it once more, with the same `Message-ID`.) A delivery counts as sent once every recipient has it, and as
//! failed once only refusals for good are left, even though some have it: its error says who does not.
//!
//! Every try sends the same mail: its `Message-ID` is made of the delivery's id, its `Date` is when that was made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mail_send::mail_builder::MessageBuilder;
use mail_send::mail_builder::headers::address::Address;
use mail_send::mail_builder::headers::raw::Raw;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

use super::message::{html, subject};
use super::smtp::{Outcome, Server, domain};
use super::{Channel, Parcel, Refusal, Seen, SetupError, tls};
use crate::config::{EmailSettings, MailSecurity, Mailbox};
use crate::store::rows::DeliveryId;

/// A list of mail recipients.
pub struct Email {
    server: Server,
    /// Of deliveries that not all recipients have: those who do.
    reached: BTreeMap<DeliveryId, BTreeSet<String>>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Email {
    /// The channel of `settings`, each try of which takes at most `timeout` and a second for the farewell.
    ///
    /// # Errors
    /// [`SetupError`] where `ca_file` or the system's roots cannot be read.
    pub fn new(settings: &EmailSettings, timeout: Duration) -> Result<Self, SetupError> {
        let tls = match settings.security {
            MailSecurity::None => None,
            _ => Some(TlsConnector::from(tls::client(settings.ca_file.as_deref())?)),
        };
        if tls.is_none() && settings.username.is_some() {
            tracing::warn!(host = settings.host, "the password for mail goes out in clear text");
        }
        // The one other thread is for look-ups of names.
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(LOOK_UPS_MAX).build();
        let runtime = runtime.map_err(|error| SetupError::Runtime(error.to_string()))?;
        let server = Server { settings: settings.clone(), tls, timeout };
        Ok(Self { server, reached: BTreeMap::new(), runtime: Some(runtime) })
    }
}

impl Channel for Email {
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Refusal> {
        let Some(runtime) = &self.runtime else {
            return Err(Refusal::later("the mail client is being shut down"));
        };
        let mail = compose(&self.server.settings, parcel)
            .map_err(|error| Refusal::last(format!("the mail cannot be written: {error}")))?;
        let reached = self.reached.get(&parcel.id);
        let missing = |to: &&str| reached.is_none_or(|reached| !reached.contains(*to));
        let to: Vec<&str> =
            self.server.settings.to.iter().map(|to| to.address.as_str()).filter(missing).collect();
        let outcome = runtime.block_on(self.server.deliver(&mail, &to))?;
        self.conclude(parcel.id, outcome)
    }

    /// Connects, greets and authenticates. Whether a recipient is taken shows only when a mail is sent.
    fn probe(&mut self) -> Result<Seen, Refusal> {
        let Some(runtime) = &self.runtime else {
            return Err(Refusal::later("the mail client is being shut down"));
        };
        runtime.block_on(self.server.probe())?;
        let EmailSettings { host, port, security, username, .. } = &self.server.settings;
        let secured = match security {
            MailSecurity::Starttls => ", with STARTTLS and a certificate that is trusted",
            MailSecurity::Tls => ", with TLS and a certificate that is trusted",
            MailSecurity::None => ", without encryption",
        };
        let user = username.as_ref().map_or_else(String::new, |user| format!(", and lets {user} in"));
        let is_bare = *security == MailSecurity::None && username.is_some();
        let concern = is_bare.then(|| "the password goes out in clear text".to_owned());
        Ok(Seen { what: format!("{host} port {port} speaks SMTP{secured}{user}"), concern })
    }
}

impl Email {
    fn conclude(&mut self, id: DeliveryId, outcome: Outcome) -> Result<(), Refusal> {
        let mut reached = self.reached.remove(&id).unwrap_or_default();
        reached.extend(outcome.accepted);
        if outcome.refused.is_empty() {
            return Ok(());
        }
        let told = |(address, refusal): &(String, Refusal)| format!("{address}: {refusal}");
        let mut why = outcome.refused.iter().map(told).collect::<Vec<_>>().join("; ");
        if !reached.is_empty() {
            why = format!("{why}; the other recipients have it");
        }
        if !outcome.refused.iter().any(|(_, refusal)| matches!(refusal, Refusal::Later { .. })) {
            return Err(Refusal::last(why));
        }
        if self.reached.len() >= REACHED_MAX {
            // The oldest, since the ids are in order of time: most likely it has expired.
            self.reached.pop_first();
        }
        self.reached.insert(id, reached);
        Err(Refusal::later(why))
    }
}

impl Drop for Email {
    /// Does not wait for a look-up that hangs.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn compose(settings: &EmailSettings, parcel: &Parcel<'_>) -> std::io::Result<Vec<u8>> {
    let message_id = |id: DeliveryId| format!("{id}@{}", domain(settings));
    let made = parcel.id.get_timestamp().and_then(|made| i64::try_from(made.to_unix().0).ok());
    let mut mail = MessageBuilder::new()
        .from(address(&settings.from))
        .to(Address::new_list(settings.to.iter().map(address).collect()))
        .subject(subject(parcel.text))
        .date(made.unwrap_or(parcel.letter.at.unix_ms() / 1000))
        .message_id(message_id(parcel.id))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(format!("{}\n", parcel.text))
        .html_body(html(parcel.letter.kind, parcel.text));
    if let Some(alarm) = parcel.in_reply_to {
        mail = mail.in_reply_to(message_id(alarm)).references(message_id(alarm));
    }
    mail.write_to_vec()
}

fn address(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(mailbox.name.as_deref(), mailbox.address.as_str())
}

/// The most look-ups of names that may hang at a time.
const LOOK_UPS_MAX: usize = 4;

/// The most deliveries of which it is remembered who has them.
const REACHED_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::samples;
    use crate::store::rows::Letter;

    fn settings() -> EmailSettings {
        EmailSettings {
            host: "mail.example.org".to_owned(),
            port: 25,
            security: MailSecurity::None,
            username: None,
            password: None,
            from: "\"Mish, \\\"Pulse\\\"\" <pulse@example.org>".parse().unwrap(),
            to: vec!["Дежурный <ops@example.org>".parse().unwrap(), "b@example.net".parse().unwrap()],
            ca_file: None,
        }
    }

    fn mail(letter: &Letter, text: &str, in_reply_to: Option<DeliveryId>) -> String {
        let id = "0199ecb8-1e20-7000-8000-000000000001".parse().unwrap();
        let mail = compose(&settings(), &Parcel { id, letter, text, in_reply_to }).unwrap();
        String::from_utf8(mail).unwrap()
    }

    #[test]
    fn a_mail_has_the_headers_that_programs_look_for() {
        let mail = mail(&samples::recovered(), "✅ Service x\nSignal", Some(DeliveryId::nil()));
        let head = mail.split("\r\n\r\n").next().unwrap();
        for line in [
            "From: \"Mish, \\\"Pulse\\\"\" <pulse@example.org>",
            "Date: Thu, 16 Oct 2025 11:11:53 +0000",
            "Message-ID: <0199ecb8-1e20-7000-8000-000000000001@example.org>",
            "In-Reply-To: <00000000-0000-0000-0000-000000000000@example.org>",
            "References: <00000000-0000-0000-0000-000000000000@example.org>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(head.lines().any(|header| header == line), "{line} in {head}");
        }
        assert!(head.contains("Content-Type: multipart/alternative;"), "{head}");
        assert!(!head.contains("Bcc"), "{head}");
        assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 78), "{mail}");
    }

    #[test]
    fn every_try_sends_the_same_to_its_readers() {
        let [one, other] = [(), ()].map(|()| mail(&samples::dead(), "❌ a\nb", None));
        let head = |mail: &str| {
            let boundary = |line: &&str| !line.contains("boundary");
            mail.split("\r\n\r\n").next().unwrap().lines().filter(boundary).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(head(&one), head(&other));
    }

    #[test]
    fn a_name_smuggles_no_header_in() {
        let mail = mail(&samples::dead(), "a\rBcc: victim@example.net\u{85}x\nSubject: y\r\n.\r\nQUIT", None);
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("Subject:")).count(), 1);
    }
}
