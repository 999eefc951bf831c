//! TLS with an explicit provider of cryptography.

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::ServerError;

/// The authorities that a connection trusts.
#[derive(Clone)]
pub(crate) struct Tls(Arc<RootCertStore>);

impl Tls {
    pub(crate) fn new() -> Self {
        Self(Arc::new(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())))
    }

    pub(crate) fn trust_roots(mut self, pem: &[u8]) -> Result<Self, ServerError> {
        let roots = Arc::make_mut(&mut self.0);
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| ServerError::InvalidRoots)?;
            roots.add(certificate).map_err(|_| ServerError::InvalidRoots)?;
        }
        if roots.len() == before { Err(ServerError::InvalidRoots) } else { Ok(self) }
    }

    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}
