//! Certificates for servers on loopback, made anew for each test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A CA and a server's certificate that it signed, as PEM files in a folder that goes with this.
pub(crate) struct Certificates(PathBuf);

impl Certificates {
    /// For a server called `name`, by a CA that nobody knows.
    pub(crate) fn new(name: &str) -> Self {
        Self::made(name, |_| ())
    }

    /// The same, but it has expired.
    #[allow(dead_code, clippy::allow_attributes, reason = "not every test has a use for it")]
    pub(crate) fn expired(name: &str) -> Self {
        Self::made(name, |certificate| certificate.not_after = rcgen::date_time_ymd(2020, 1, 2))
    }

    fn made(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mishpulse-test-ca-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();

        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut server = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut server);
        let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        for (file, label, der) in [
            ("ca.pem", "CERTIFICATE", ca_certificate.der().to_vec()),
            ("cert.pem", "CERTIFICATE", certificate.der().to_vec()),
            ("key.pem", "PRIVATE KEY", key.serialize_der()),
        ] {
            std::fs::write(folder.join(file), pem(label, &der)).unwrap();
        }
        Self(folder)
    }

    /// The path of `ca.pem`, `cert.pem` or `key.pem`.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
