//! Certificate authorities that are trusted in addition to those of Mozilla's root program.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use crate::endpoint::EndpointError;

/// Adds these certificates, in PEM. There must be at least one.
pub(super) fn add_roots(roots: &RootCertStore, pem: &[u8]) -> Result<RootCertStore, EndpointError> {
    let mut roots = roots.clone();
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        count += 1;
        let added = certificate.map_err(|error| reason(&error)).and_then(|certificate| {
            roots.add(certificate).map_err(|_| "it is not an X.509 certificate")
        });
        added.map_err(|reason| EndpointError::InvalidRoot { number: count, reason })?;
    }
    if count == 0 {
        return Err(EndpointError::InvalidRoots);
    }
    Ok(roots)
}

fn reason(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing",
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "its base64 is invalid",
        _ => "it is not PEM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_certificates_in_pem() {
        let add = |pem: &[u8]| add_roots(&RootCertStore::empty(), pem).map(|roots| roots.len());
        for none in ["", "none", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert_eq!(add(none.as_bytes()), Err(EndpointError::InvalidRoots), "{none}");
        }
        assert_eq!(
            add(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            Err(EndpointError::InvalidRoot { number: 1, reason: "its base64 is invalid" })
        );
    }
}
