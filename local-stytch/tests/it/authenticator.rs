//! A browser with an authenticator: it creates passkeys and signs with them, or makes mistakes.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{self, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// User present.
const UP: u8 = 1;
/// User verified.
const UV: u8 = 1 << 2;
/// Attested credential data.
const AT: u8 = 1 << 6;

/// A passkey on ES256, and the page on which it is used. A test changes a field to misuse it.
pub(crate) struct Passkey {
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    pub(crate) id: Vec<u8>,
    pub(crate) counter: u32,
    pub(crate) user_handle: Option<String>,
    key: EcdsaKeyPair,
}

impl Passkey {
    /// Creates a passkey for `domain`, as options require it. Returns it with the response.
    pub(crate) fn create(origin: &str, domain: &str, options: &str) -> (Self, Value) {
        let options: Value = serde_json::from_str(options).unwrap();
        let mut id = vec![0; 16];
        rand::fill(&mut id).unwrap();
        let passkey = Self {
            origin: origin.into(),
            rp_id: domain.into(),
            id,
            counter: 1,
            user_handle: options["user"]["id"].as_str().map(str::to_owned),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
        };
        let response = passkey.created(&options);
        (passkey, response)
    }

    /// Returns the response to `navigator.credentials.create()`.
    pub(crate) fn created(&self, options: &Value) -> Value {
        let point = self.key.public_key().as_ref();
        // A COSE key: kty EC2, alg ES256, crv P-256, x, y (RFC 9053).
        let mut key = vec![0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend(&point[33..]);

        let mut data = self.authenticator_data(UP | UV | AT);
        data.extend([0; 16]); // the AAGUID
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(key);

        // {"fmt": "none", "attStmt": {}, "authData": h'…'}
        let mut attestation = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58".to_vec();
        attestation.push(data.len().try_into().unwrap());
        attestation.extend(data);
        self.credential(json!({
            "clientDataJSON": self.client_data("webauthn.create", options),
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
            "transports": ["internal"],
        }))
    }

    /// Returns the response to `navigator.credentials.get()`, and counts it.
    pub(crate) fn sign(&mut self, options: &str) -> Value {
        self.counter += 1;
        let options = serde_json::from_str(options).unwrap();
        let client_data = self.client_data("webauthn.get", &options);
        let data = self.authenticator_data(UP | UV);
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, &URL_SAFE_NO_PAD.decode(&client_data).unwrap()).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let mut response = json!({
            "clientDataJSON": client_data,
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        if let Some(handle) = &self.user_handle {
            response["userHandle"] = json!(handle);
        }
        self.credential(response)
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        URL_SAFE_NO_PAD.encode(data.to_string())
    }

    fn credential(&self, response: Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({
            "type": "public-key", "id": id, "rawId": id, "response": response,
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
        })
    }
}
