//! An authenticator app that a user is adding: its key, as text and as a QR code, and its recovery
//! codes.

use qrcode::QrCode;
use qrcode::render::svg;
use url::Url;

/// A key that a user types or scans into the app. The bank keeps it until the recovery codes have been
/// shown.
#[derive(Clone)]
pub(crate) struct Enrolment {
    pub(crate) totp_id: String,
    /// In base 32.
    pub(crate) key: String,
    pub(crate) recovery_codes: Vec<String>,
}

impl Enrolment {
    /// Returns the key in groups of four, for people who type it.
    pub(crate) fn grouped_key(&self) -> String {
        let letters = self.key.chars().enumerate();
        letters
            .flat_map(|(index, letter)| {
                (index > 0 && index % 4 == 0).then_some(' ').into_iter().chain([letter])
            })
            .collect()
    }

    /// Returns the `otpauth` URI of the key. An app that opens it shows the bank and this email
    /// address beside the codes. The algorithm, the digits and the period are the defaults: SHA-1,
    /// 6 and 30 seconds.
    pub(crate) fn uri(&self, email: &str) -> Option<String> {
        let mut uri = Url::parse("otpauth://totp/").ok()?;
        // A colon would end the name of the bank.
        let label = format!("Harbour Bank:{}", email.replace(':', ""));
        uri.path_segments_mut().ok()?.pop_if_empty().push(&label);
        uri.set_query(Some(&format!("secret={}&issuer=Harbour%20Bank", self.key)));
        Some(uri.into())
    }
}

/// Returns a QR code of a URI as SVG, dark on light in every colour scheme, because not every app
/// reads the inverse.
pub(crate) fn qr_code(uri: &str) -> Option<String> {
    let code = QrCode::new(uri).ok()?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // The page is HTML, which has no XML declaration.
    image.find("<svg").and_then(|at| image.get(at..)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_text_and_a_qr_code() {
        let enrolment = Enrolment {
            totp_id: "totp-test-1".into(),
            key: "JBSWY3DPEHPK3PXP".into(),
            recovery_codes: Vec::new(),
        };
        assert_eq!(enrolment.grouped_key(), "JBSW Y3DP EHPK 3PXP");
        let uri = enrolment.uri("a:b/c?d#<e>@example.com").unwrap();
        assert_eq!(
            uri,
            "otpauth://totp/Harbour%20Bank:ab%2Fc%3Fd%23%3Ce%3E@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Harbour%20Bank"
        );
        let image = qr_code(&uri).unwrap();
        assert!(image.starts_with("<svg") && image.ends_with("</svg>"), "{image}");
        assert!(!image.contains("style") && !image.contains("script"), "{image}");
        assert!(qr_code(&"x".repeat(5_000)).is_none());
    }
}
