//! A list of mail recipients and everything that may become of a try, against real SMTP servers.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use mishpulse_core::AlertKind;
use mishpulse_server::config::{EmailSettings, Locale, MailSecurity, Secret};
use mishpulse_server::notify::{Channel, Email, Parcel, SetupError};
use serde_json::{Value, json};

#[path = "notify_parts/certificates.rs"]
mod certificates;
#[path = "notify_parts/letters.rs"]
mod letters;
#[path = "notify_parts/smtp.rs"]
mod smtp;

use certificates::Certificates;
use letters::{Expected, check, id, letter, send, text};
use smtp::{Aiosmtpd, Postfix};

const PASSWORD: &str = "correct horse";

fn settings(port: u16) -> EmailSettings {
    EmailSettings {
        host: "localhost".to_owned(),
        port,
        security: MailSecurity::None,
        username: None,
        password: None,
        from: "MishPulse <pulse@example.org>".parse().unwrap(),
        to: vec!["ops@example.org".parse().unwrap()],
        ca_file: None,
    }
}

fn email(settings: &EmailSettings) -> Email {
    Email::new(settings, Duration::from_secs(20)).unwrap()
}

fn order(certificates: &Certificates, tls: &str) -> Value {
    json!({"tls": tls, "cert": certificates.path("cert.pem"), "key": certificates.path("key.pem")})
}

#[test]
fn the_matrix_of_replies() {
    for (case, step, reply, expected) in [
        ("accepts", "data", None, Expected::Sent),
        (
            "refuses for good, no such user",
            "rcpt:ops@example.org",
            Some("550 5.1.1 unknown"),
            Expected::Final("550 5.1.1 unknown"),
        ),
        (
            "refuses for good, the sender",
            "mail",
            Some("553 5.7.1 not yours"),
            Expected::Final("refuses the sender: 553 5.7.1 not yours"),
        ),
        (
            "refuses for good, the mail",
            "data",
            Some("554 5.7.1 spam"),
            Expected::Final("refuses the mail: 554 5.7.1 spam"),
        ),
        (
            "refuses for good, anyone",
            "connect",
            Some("554 5.3.2 go away"),
            Expected::Final("refuses the connection: 554"),
        ),
        (
            "temporary, greylisted",
            "rcpt:ops@example.org",
            Some("450 4.2.0 greylisted"),
            Expected::Later("450 4.2.0 greylisted", None),
        ),
        (
            "temporary, the mail",
            "data",
            Some("452 4.3.1 disk full"),
            Expected::Later("refuses the mail: 452 4.3.1 disk full", None),
        ),
        (
            "temporary, being shut down",
            "connect",
            Some("421 4.3.2 bye"),
            Expected::Later("refuses the connection: 421", None),
        ),
        ("closes mid-answer", "data", Some("close"), Expected::Later("hung up (the mail)", None)),
        (
            "accepts and never answers",
            "data",
            Some("hang"),
            Expected::Later("localhost did not answer", None),
        ),
    ] {
        let server = Aiosmtpd::start(&json!({"replies": {step: reply.into_iter().collect::<Vec<_>>()}}));
        let timeout = Duration::from_secs(if reply == Some("hang") { 2 } else { 20 });
        let mut impatient = Email::new(&settings(server.port), timeout).unwrap();
        check(case, expected, &send(&mut impatient, 1));
        // What may pass is tried again, and then passes.
        if matches!(expected, Expected::Later(..)) {
            check("  and the next try", Expected::Sent, &send(&mut email(&settings(server.port)), 1));
        }
        assert_eq!(server.stop().len(), usize::from(!matches!(expected, Expected::Final(_))), "{case}");
    }
}

#[test]
fn the_matrix_of_networks_and_certificates() {
    let localhost = Certificates::new("localhost");
    let other = Certificates::new("mail.example.org");
    let starttls = Aiosmtpd::start(&order(&localhost, "starttls"));
    let tls = Aiosmtpd::start(&order(&localhost, "tls"));
    let misnamed = Aiosmtpd::start(&order(&other, "tls"));
    let plain = Aiosmtpd::start(&json!({}));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ca = |certificates: &Certificates| Some(certificates.path("ca.pem"));
    let to = |port, security, ca_file| EmailSettings { security, ca_file, ..settings(port) };
    let unresolved = EmailSettings { host: "mail.invalid".to_owned(), ..to(25, MailSecurity::None, None) };
    use MailSecurity::{None as Clear, Starttls, Tls};
    for (case, settings, expected) in [
        ("accepts, STARTTLS", to(starttls.port, Starttls, ca(&localhost)), Expected::Sent),
        ("accepts, TLS", to(tls.port, Tls, ca(&localhost)), Expected::Sent),
        (
            "name does not resolve",
            unresolved,
            Expected::Later("the name mail.invalid does not resolve", None),
        ),
        ("nobody listens", to(free, Clear, None), Expected::Later("no connection to localhost port", None)),
        (
            "wrong certificate, STARTTLS",
            to(starttls.port, Starttls, None),
            Expected::Later(
                "is signed by nobody that is trusted here: install its CA on this machine or name it in ca_file",
                None,
            ),
        ),
        (
            "wrong certificate, TLS",
            to(tls.port, Tls, ca(&other)),
            Expected::Later("is not signed by the CA that is trusted here under that name", None),
        ),
        (
            "wrong certificate, another name",
            to(misnamed.port, Tls, ca(&other)),
            Expected::Later("is for another name", None),
        ),
        (
            "no STARTTLS there",
            to(plain.port, Starttls, ca(&localhost)),
            Expected::Later("localhost offers no STARTTLS on port", None),
        ),
        (
            "no TLS there",
            to(plain.port, Tls, ca(&localhost)),
            Expected::Later("it does not speak TLS on this port", None),
        ),
        ("TLS needed there", to(starttls.port, Clear, None), Expected::Final("refuses the sender: 530")),
    ] {
        check(case, expected, &send(&mut email(&settings), 1));
    }
    let taken: Vec<Value> = [starttls, tls, misnamed, plain].into_iter().flat_map(Aiosmtpd::stop).collect();
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|mail| mail["tls"] == true && mail["helo"] == "example.org"), "{taken:?}");
}

#[test]
fn a_server_that_says_nothing_or_rubbish_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let expected = Expected::Later("localhost did not answer", None);
    let mut impatient = Email::new(&settings(port), Duration::from_secs(1)).unwrap();
    check("accepts and never greets", expected, &send(&mut impatient, 1));

    let babbling = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = babbling.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = babbling.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    let expected = Expected::Later("does not speak SMTP on port", None);
    check("does not speak SMTP", expected, &send(&mut email(&settings(port)), 1));
    thread.join().unwrap();
}

#[test]
fn users_are_let_in_by_plain_and_login_over_tls_and_without() {
    let certificates = Certificates::new("localhost");
    for (tls, security) in
        [("", MailSecurity::None), ("starttls", MailSecurity::Starttls), ("tls", MailSecurity::Tls)]
    {
        for mechanism in ["PLAIN", "LOGIN"] {
            let mut order = order(&certificates, tls);
            order["user"] = "pulse".into();
            order["password"] = PASSWORD.into();
            order["mechanisms"] = json!([mechanism]);
            order["clear_auth"] = tls.is_empty().into();
            let server = Aiosmtpd::start(&order);
            let right = EmailSettings {
                security,
                username: Some("pulse".to_owned()),
                password: Some(Secret::new(PASSWORD)),
                ca_file: Some(certificates.path("ca.pem")),
                ..settings(server.port)
            };
            let wrong = EmailSettings { password: Some(Secret::new("wrong-password")), ..right.clone() };
            let case = format!("{mechanism} {security:?}");
            check(&case, Expected::Sent, &send(&mut email(&right), 1));
            let refused = send(&mut email(&wrong), 2);
            let expected = Expected::Final("localhost does not let pulse in: 535");
            check("refuses for good, wrong password", expected, &refused);
            assert!(!format!("{refused:?}").contains("wrong-password"));
            let taken = server.stop();
            assert_eq!(taken.len(), 1);
            assert_eq!(taken[0]["auth"], mechanism);
        }
    }
}

#[test]
fn who_has_a_mail_gets_it_once_and_who_is_busy_gets_it_later() {
    let server = Aiosmtpd::start(&json!({"replies": {
        "rcpt:busy@example.org": ["450 4.2.0 busy"],
        "rcpt:gone@example.org": ["550 5.1.1 gone", "550 5.1.1 gone", "550 5.1.1 gone"],
    }}));
    let to =
        ["ops@example.org", "busy@example.org", "gone@example.org"].map(|to| to.parse().unwrap()).to_vec();
    let mut email = email(&EmailSettings { to, ..settings(server.port) });
    let first = send(&mut email, 1);
    let expected =
        Expected::Later("busy@example.org: localhost refuses the recipient: 450 4.2.0 busy; gone@", None);
    check("some are refused, one may pass", expected, &first);
    let second = send(&mut email, 1);
    let expected = Expected::Final(
        "gone@example.org: localhost refuses the recipient: 550 5.1.1 gone; the other recipients have it",
    );
    check("some are refused for good", expected, &second);
    check("all are refused for good, again", Expected::Final("gone@example.org"), &send(&mut email, 2));

    let taken = server.stop();
    let to: Vec<&Value> = taken.iter().map(|mail| &mail["to"]).collect();
    assert_eq!(
        to,
        [
            &json!(["ops@example.org"]),
            &json!(["busy@example.org"]),
            &json!(["ops@example.org", "busy@example.org"]),
        ]
    );
    let ids: Vec<&str> =
        taken.iter().map(|mail| header(mail["mail"].as_str().unwrap(), "Message-ID")).collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn a_private_ca_that_cannot_be_read_is_told_at_once() {
    let with = |ca_file: &str| {
        let settings =
            EmailSettings { security: MailSecurity::Tls, ca_file: Some(ca_file.into()), ..settings(465) };
        Email::new(&settings, Duration::from_secs(1)).err().unwrap()
    };
    for (file, part) in [("/nowhere/ca.pem", "/nowhere/ca.pem: "), (file!(), "there is no certificate in it")]
    {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file);
        let error = with(path.to_str().unwrap());
        assert!(matches!(error, SetupError::CaFile { .. }) && error.to_string().contains(part), "{error}");
    }
}

/// A real mail server delivers into a mailbox, and says no to whom it does not know.
#[test]
fn a_real_server_delivers_alarm_and_recovery_into_the_mailbox() {
    let postfix = Postfix::start();
    let to = ["Дежурный <ops@example.org>", "oncall@example.org"].map(|to| to.parse().unwrap()).to_vec();
    let mut email = email(&EmailSettings { to, ..settings(postfix.port) });
    for (locale, alarm) in [(Locale::En, 1), (Locale::Ru, 3)] {
        for (kind, number, in_reply_to) in
            [(AlertKind::Dead, alarm, None), (AlertKind::Recovered, alarm + 1, Some(id(alarm)))]
        {
            let letter = letter(kind);
            let text = text(&letter, locale);
            email.send(&Parcel { id: id(number), letter: &letter, text: &text, in_reply_to }).unwrap();
        }
    }
    let mails = postfix.mails("ops", 4);
    assert_eq!(postfix.mails("oncall", 4).len(), 4);
    let mail_of = |number| {
        let message_id = format!("<{}@example.org>", id(number));
        mails.iter().find(|mail| header(mail, "Message-ID") == message_id).unwrap()
    };
    for (alarm, subject) in [(1, "=?utf-8?Q?=E2=9D=8C_Service_api-worker"), (3, "=?utf-8?")] {
        let (dead, recovered) = (mail_of(alarm), mail_of(alarm + 1));
        assert!(header(dead, "Subject").starts_with(subject), "{dead}");
        assert_eq!(header(dead, "Auto-Submitted"), "auto-generated");
        assert_eq!(header(dead, "Date"), "Thu, 16 Oct 2025 12:08:00 +0000");
        assert_eq!(header(recovered, "In-Reply-To"), header(dead, "Message-ID"));
        assert_eq!(header(recovered, "References"), header(dead, "Message-ID"));
        println!("{dead}\n{recovered}");
    }

    let mut nobody = self::email(&EmailSettings {
        to: vec!["nobody@example.org".parse().unwrap()],
        ..settings(postfix.port)
    });
    let expected = Expected::Final("nobody@example.org: localhost refuses the recipient: 550 5.1.1");
    check("Postfix: no such user", expected, &send(&mut nobody, 9));
    let mut elsewhere =
        self::email(&EmailSettings { to: vec!["a@example.net".parse().unwrap()], ..settings(postfix.port) });
    let expected = Expected::Final("a@example.net: localhost refuses the recipient: 554 5.7.1");
    check("Postfix: relaying denied", expected, &send(&mut elsewhere, 10));
}

/// The value of a header, as far as its first line goes.
fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let of_name = |line: &&str| line.split_once(": ").is_some_and(|(header, _)| header == name);
    mail.lines().take_while(|line| !line.is_empty()).find(of_name).map_or("", |line| &line[name.len() + 2..])
}
