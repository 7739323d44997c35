//! One conversation with a mail server: connect, TLS, AUTH, and one mail to as many recipients as it takes it for.

use std::time::Duration;

use mail_send::smtp::message::Parameters;
use mail_send::{Credentials, Error, SmtpClient};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::text::{blotted, shortened};
use super::{Refusal, tls};
use crate::config::{EmailSettings, MailSecurity, Secret};

/// Where mail goes in, and how.
pub(super) struct Server {
    /// How to reach it.
    pub(super) settings: EmailSettings,
    /// TLS, unless `security = "none"`.
    pub(super) tls: Option<TlsConnector>,
    /// The longest that all of it may take.
    pub(super) timeout: Duration,
}

/// What is to be handed over.
#[derive(Clone, Copy)]
struct Errand<'a> {
    mail: &'a [u8],
    to: &'a [&'a str],
}

/// Which recipients a mail was taken for. Those that are in neither list were not asked.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Their server has it now.
    pub(super) accepted: Vec<String>,
    /// Each with what was said, and whether another try may change it.
    pub(super) refused: Vec<(String, Refusal)>,
}

impl Server {
    /// Sends `mail` to `to` in one transaction: who is refused does not keep the others from getting it.
    ///
    /// # Errors
    /// [`Refusal`] where nobody got it, for a reason that is not one of the recipients'.
    pub(super) async fn deliver(&self, mail: &[u8], to: &[&str]) -> Result<Outcome, Refusal> {
        self.talk(Some(Errand { mail, to })).await
    }

    /// Does all but hand a mail over.
    ///
    /// # Errors
    /// [`Refusal`] where it would not come to that.
    pub(super) async fn probe(&self) -> Result<(), Refusal> {
        self.talk(None).await.map(drop)
    }

    async fn talk(&self, errand: Option<Errand<'_>>) -> Result<Outcome, Refusal> {
        let host = &self.settings.host;
        let too_late =
            || Refusal::later(format!("{host} did not answer within {} s", self.timeout.as_secs_f32()));
        timeout(self.timeout, self.converse(errand)).await.unwrap_or_else(|_| Err(too_late()))
    }

    async fn converse(&self, errand: Option<Errand<'_>>) -> Result<Outcome, Refusal> {
        let host = self.settings.host.trim_matches(['[', ']']);
        let mut client = SmtpClient { stream: self.connect(host).await?, timeout: self.timeout };
        match (self.settings.security, &self.tls) {
            (MailSecurity::None, _) | (_, None) => {
                self.greet(&mut client).await?;
                self.transact(client, errand).await
            }
            (MailSecurity::Tls, Some(tls)) => {
                let mut client =
                    client.into_tls(tls, host).await.map_err(|error| self.refusal(error, "TLS"))?;
                self.greet(&mut client).await?;
                self.transact(client, errand).await
            }
            (MailSecurity::Starttls, Some(tls)) => {
                self.greet(&mut client).await?;
                self.hello(&mut client).await?;
                let client =
                    client.start_tls(tls, host).await.map_err(|error| self.refusal(error, "STARTTLS"))?;
                self.transact(client, errand).await
            }
        }
    }

    /// To the first address that answers. Each gets its share of the time, so that one that is silent keeps no other from
    /// its turn.
    async fn connect(&self, host: &str) -> Result<TcpStream, Refusal> {
        let port = self.settings.port;
        let found = tokio::net::lookup_host((host, port)).await.map(Iterator::collect::<Vec<_>>);
        let addrs = found.unwrap_or_default();
        let mut why = format!("the name {host} does not resolve");
        let share = self.timeout / (u32::try_from(addrs.len()).unwrap_or(u32::MAX).saturating_add(1));
        for addr in addrs {
            match timeout(share, TcpStream::connect(addr)).await {
                Ok(Ok(stream)) => {
                    // Or the client's small writes wait for the server's delayed acknowledgements, 40 ms each.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => why = format!("no connection to {host} port {port}: {error}"),
                Err(_) => why = format!("no connection to {host} port {port}: no answer"),
            }
        }
        Err(Refusal::later(why))
    }

    async fn greet<S: Stream>(&self, client: &mut SmtpClient<S>) -> Result<(), Refusal> {
        let greeting = client.read().await.map_err(|error| self.refusal(error, "the connection"))?;
        let is_welcome = (200..300).contains(&greeting.code);
        if is_welcome {
            Ok(())
        } else {
            Err(self.refusal(Error::UnexpectedReply(greeting), "the connection"))
        }
    }

    async fn hello<S: Stream>(&self, client: &mut SmtpClient<S>) -> Result<Capabilities, Refusal> {
        client.ehlo(domain(&self.settings)).await.map_err(|error| self.refusal(error, "EHLO"))
    }

    async fn transact<S: Stream>(
        &self,
        mut client: SmtpClient<S>,
        errand: Option<Errand<'_>>,
    ) -> Result<Outcome, Refusal> {
        let capabilities = self.hello(&mut client).await?;
        if let Some(username) = &self.settings.username {
            let secret = self.settings.password.as_ref().map(Secret::reveal).unwrap_or_default();
            let credentials = Box::new(Credentials::Plain { username: username.as_str(), secret });
            let authenticated = client.authenticate(credentials, Box::new(capabilities)).await.map(drop);
            authenticated.map_err(|error| self.refusal(error, "AUTH"))?;
        }
        let outcome = match errand {
            Some(Errand { mail, to }) => self.hand_over(&mut client, mail, to).await,
            None => Ok(Outcome::default()),
        };
        // It was taken or not, whatever becomes of the farewell.
        let _ = timeout(FAREWELL, client.quit()).await;
        outcome
    }

    async fn hand_over<S: Stream>(
        &self,
        client: &mut SmtpClient<S>,
        mail: &[u8],
        to: &[&str],
    ) -> Result<Outcome, Refusal> {
        let (from, none) = (&self.settings.from.address, Parameters::default());
        client.mail_from(from, &none).await.map_err(|error| self.refusal(error, "the sender"))?;
        let mut outcome = Outcome::default();
        for address in to {
            match client.rcpt_to(address, &none).await {
                Ok(()) => outcome.accepted.push((*address).to_owned()),
                // 421 says that the server hangs up.
                Err(Error::UnexpectedReply(reply)) if reply.code != 421 => {
                    let refusal = self.refusal(Error::UnexpectedReply(reply), "the recipient");
                    outcome.refused.push(((*address).to_owned(), refusal));
                }
                Err(error) => return Err(self.refusal(error, "the recipient")),
            }
        }
        if !outcome.accepted.is_empty() {
            client.data(mail).await.map_err(|error| self.refusal(error, "the mail"))?;
        }
        Ok(outcome)
    }

    /// What went wrong at `what`. A reply of 5xx is for good (RFC 5321, 4.2.1); all else may pass.
    fn refusal(&self, error: Error, what: &str) -> Refusal {
        let EmailSettings { host, username, port, .. } = &self.settings;
        match error {
            Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => {
                let said = self.quoted(reply.code, reply.esc, &reply.message);
                let why = match (what, username) {
                    ("AUTH", Some(user)) => {
                        format!("{host} does not let {user} in: {said}; check username and password")
                    }
                    ("STARTTLS", _) => {
                        format!("{host} offers no STARTTLS on port {port}: {said}; check port and security")
                    }
                    _ => format!("{host} refuses {what}: {said}"),
                };
                if reply.code >= 500 { Refusal::last(why) } else { Refusal::later(why) }
            }
            Error::UnsupportedAuthMechanism => Refusal::last(format!(
                "{host} offers neither AUTH PLAIN nor LOGIN on port {port}; check port and security, \
                 or leave out username"
            )),
            Error::InvalidTLSName => Refusal::last(format!("{host} is no name that a certificate can have")),
            Error::Tls(error) => {
                let trust = "install its CA on this machine or name it in ca_file";
                Refusal::later(format!("{host} cannot be trusted: {}", tls::explain(&error, trust)))
            }
            Error::Timeout => Refusal::later(format!("{host} did not answer in time ({what})")),
            Error::UnparseableReply => {
                Refusal::later(format!("{host} hung up ({what}), or does not speak SMTP on port {port}"))
            }
            Error::Io(error) => Refusal::later(format!("the connection to {host} failed ({what}): {error}")),
            _ => Refusal::later(format!("{host} could not be talked to ({what})")),
        }
    }

    /// A reply in one line, with the password blotted out, should the server echo it.
    fn quoted(&self, code: u16, [class, subject, detail]: [u8; 3], message: &str) -> String {
        let message = blotted(message, self.settings.password.as_ref().map(Secret::reveal));
        let enhanced = if class == 0 { String::new() } else { format!(" {class}.{subject}.{detail}") };
        format!("{code}{enhanced} {}", shortened(message, QUOTE_CHARS_MAX))
    }
}

/// The part of the sender's address behind the `@`: a name that is the operator's own, so the mail's id and the greeting
/// use it, and say nothing of this machine.
pub(super) fn domain(settings: &EmailSettings) -> &str {
    settings.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

type Capabilities = smtp_proto::EhloResponse<String>;

/// How long the farewell may take, after the mail was taken.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most characters of a reply that an error quotes.
const QUOTE_CHARS_MAX: usize = 300;
