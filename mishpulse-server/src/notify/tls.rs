//! TLS as a client, with the roots that the system trusts or those of a private CA, and what to say when it fails.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::SetupError;

/// The one implementation of cryptography in use, named wherever one is asked for, so that nothing hangs on a default.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client's configuration that trusts only the CA in `ca_file`, or else what the system trusts.
///
/// # Errors
/// [`SetupError`] where the file or the system's roots cannot be read.
pub(super) fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, SetupError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?;
    let builder = match ca_file {
        Some(file) => builder.with_root_certificates(roots(file)?),
        None => builder.with_platform_verifier().map_err(|error| SetupError::Roots(error.to_string()))?,
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// What is wrong with TLS to a server, in words that say what to do; `trust` says how its CA could be trusted.
pub(super) fn explain(error: &rustls::Error, trust: &str) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return match error {
            rustls::Error::InvalidMessage(_) => "it does not speak TLS on this port".to_owned(),
            error => format!("TLS failed: {error}"),
        };
    };
    match certificate {
        CertificateError::UnknownIssuer => {
            format!("its certificate is signed by nobody that is trusted here: {trust}")
        }
        CertificateError::BadSignature => {
            format!("its certificate is not signed by the CA that is trusted here under that name: {trust}")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name: use the name that stands in it".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: check the clocks of both machines".to_owned()
        }
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of a CA: issue one of its own, with basicConstraints CA:FALSE".to_owned()
        }
        other => format!("its certificate is refused: {other}"),
    }
}

fn roots(file: &Path) -> Result<RootCertStore, SetupError> {
    let error = |detail: String| SetupError::CaFile { file: file.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|cause| error(cause.to_string()))? {
        let certificate = certificate.map_err(|cause| error(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| error(cause.to_string()))?;
    }
    if roots.is_empty() {
        return Err(error("there is no certificate in it".to_owned()));
    }
    Ok(roots)
}
