//! Connections with TLS.

use std::path::PathBuf;
use std::{env, fs, process};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tower_step_up_redis::Server;

use crate::server::{Redis, free_port};
use crate::support::{Instance, server, within};

/// A certificate authority, and files with a certificate that it issued for `localhost`.
struct Authority {
    directory: PathBuf,
    root: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("tls-{name}-{}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
        fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
        Self { directory, root: issuer.pem() }
    }

    /// Returns the options of a server that has the certificate, and its address.
    fn server(&self) -> (String, String) {
        let (port, path) = (free_port(), |name| self.directory.join(name).display().to_string());
        let (certificate, key) = (path("cert.pem"), path("key.pem"));
        let options = format!(
            "--tls-port {port} --tls-auth-clients no --tls-cert-file {certificate} \
             --tls-key-file {key} --tls-ca-cert-file {certificate}"
        );
        (options, format!("rediss://localhost:{port}"))
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn a_server_with_tls_is_reached_with_the_roots_that_the_caller_trusts() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let (options, url) = ours.server();
    let Some(redis) = Redis::start_with(&options).await else { return };
    let trusting = |root: &str| Server::new(&url).unwrap().trust_roots(root.as_bytes()).unwrap();
    let instance = Instance::ready(trusting(&ours.root)).await;
    instance.revoke("s").await.unwrap();
    // The same server has a port without TLS.
    Instance::ready(server(&redis.url())).await.learns(["s"]).await;

    let address = url.replace("localhost", "127.0.0.1");
    let of_another_name = Server::new(&address).unwrap().trust_roots(ours.root.as_bytes()).unwrap();
    let without_tls = server(&url.replace("rediss", "redis"));
    for (what, refused) in [
        ("another authority", trusting(&theirs.root)),
        ("the roots of the web", server(&url)),
        ("a certificate for another name", of_another_name),
        ("no TLS", without_tls),
    ] {
        let refused = Instance::start(refused);
        println!("{what}: {}", refused.read_error().await);
        assert_eq!(refused.status("/news", "t").await, 503, "{what}");
        assert!(refused.revoke("t").await.is_err(), "{what}");
    }
    assert!(!instance.knows("t"));
}

#[tokio::test]
async fn a_server_without_tls_is_not_reached_with_tls() {
    let Some(redis) = Redis::start().await else { return };
    let url = format!("rediss://127.0.0.1:{}", redis.port());
    let instance = Instance::start(server(&url));
    instance.read_error().await;
    assert_eq!(instance.status("/news", "s").await, 503);
}

#[tokio::test]
async fn a_server_with_tls_that_is_killed_and_restarted_is_found_again() {
    let authority = Authority::new("restarted");
    let (options, url) = authority.server();
    let Some(mut redis) = Redis::start_with(&options).await else { return };
    let server = Server::new(&url).unwrap().trust_roots(authority.root.as_bytes()).unwrap();
    let instance = Instance::ready(server.clone()).await;
    redis.kill();
    assert!(instance.revoke("s").await.is_err());
    redis.restart_empty().await;
    instance.has_written().await;
    let other = Instance::ready(server).await;
    within(other.learns(["s"])).await;
}
