//! The worth of each issuer's tokens, one row for each case. The numbers of the rows are those
//! of the specification that this table was copied from.

use std::time::Duration;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use crate::issuer_profiles as profiles;
use crate::support::seconds;

/// What becomes of a token.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The policy holds, without its own limit.
    Yes,
    /// The policy holds for this many more seconds.
    YesFor(f64),
    /// The policy does not hold.
    No,
    /// The verifier refuses the token for this reason. The message has this word.
    Refused(&'static str, &'static str),
}

use Verdict::{No, Refused, Yes, YesFor};

struct Row {
    number: usize,
    issuer: Issuer,
    token: Value,
    policy: Policy,
    want: Verdict,
}

fn row(number: usize, issuer: Issuer, token: Value, policy: Policy, want: Verdict) -> Row {
    Row { number, issuer, token, policy, want }
}

fn oidc() -> Issuer {
    oidc::access_tokens("https://as.example", "https://api.example").acr_values(["silver", "gold"])
}

fn keycloak() -> Issuer {
    issuers::keycloak("https://h/realms/r", "api").acr_values(["silver", "gold"])
}

fn keycloak_gold() -> Issuer {
    keycloak().acr("gold", [[Factor::Password, Factor::Totp]])
}

fn supabase() -> Issuer {
    issuers::supabase("https://ref.supabase.co")
}

fn clerk() -> Issuer {
    issuers::clerk("https://clerk.app.example", ["https://app.example"])
}

fn clerk_with(first: Factor) -> Issuer {
    clerk().amr("first_factor", [first]).narrow("second_factor", [Factor::Totp, Factor::OtpSms])
}

/// Returns the time this many seconds ago.
fn ago(seconds: i64) -> i64 {
    NOW.unix_timestamp() - seconds
}

/// Returns the time this many seconds ago, as text.
fn date(seconds: i64) -> String {
    (NOW - time::Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}

/// Returns a method as Supabase's tokens name it.
fn entry(method: &str, age: i64) -> Value {
    json!({"method": method, "timestamp": ago(age)})
}

fn acr(value: &str) -> Policy {
    Policy::acr(value)
}

fn amr(name: &str) -> Policy {
    Policy::amr(name)
}

fn mfa() -> Policy {
    Policy::mfa()
}

fn session() -> Policy {
    Policy::session()
}

/// Demands MFA, and a code from an app or by SMS of the last ten minutes.
fn transfer() -> Policy {
    mfa().and(Policy::any_of([Factor::Totp, Factor::OtpSms]).within(seconds(600)))
}

const M5: Duration = Duration::from_secs(300);
const M10: Duration = Duration::from_secs(600);
const METHODS: &str = "https://app.example/methods";

#[rustfmt::skip] // one line for each row of the specification
fn rows() -> Vec<Row> {
    let p = profiles::cognito;
    let methods = || profiles::auth0_with_methods(METHODS);
    let pwd_sms = || json!({"amr": ["pwd", "sms"], "auth_time": ago(100)});
    let otp = |factors: &[Factor]| oidc().amr("otp", factors.to_vec());
    let many: Vec<_> = (0..300).map(|name| name.to_string()).collect();
    let [totp, sms, mail, password] = [Factor::Totp, Factor::OtpSms, Factor::OtpEmail, Factor::Password];
    vec![
        row(1, oidc(), pwd_sms(), mfa(), Yes),
        row(2, oidc(), pwd_sms(), mfa().within(M10), No),
        row(3, oidc().auth_time_covers_all(), pwd_sms(), mfa().within(M10), YesFor(500.0)),
        row(4, oidc(), json!({"amr": ["pwd", "otp"]}), mfa(), No),
        row(5, otp(&[totp.clone(), sms.clone()]).auth_time_covers_all(), json!({"amr": ["pwd", "otp"], "auth_time": ago(100)}), transfer(), YesFor(500.0)),
        row(6, otp(&[totp.clone(), sms.clone(), mail]), json!({"amr": ["pwd", "otp"]}), mfa(), No),
        row(7, oidc(), json!({"amr": ["pwd", "mfa"]}), amr("mfa"), Yes),
        row(8, oidc(), json!({"acr": "gold", "auth_time": ago(100)}), acr("gold").within(M5), No),
        row(9, oidc(), json!({"acr": "gold", "auth_time": ago(100)}), acr("gold").and(session().within(M5)), YesFor(200.0)),
        row(10, oidc().auth_time_covers_all(), json!({"acr": "gold", "auth_time": ago(100)}), acr("gold").within(M5), YesFor(200.0)),
        row(11, oidc(), json!({"acr": "Gold"}), acr("gold"), No),
        row(12, oidc(), json!({"iat": ago(100)}), session().within(M5), No),
        row(13, oidc(), json!({"auth_time": ago(300)}), session().within(M5), YesFor(0.0)),
        row(14, oidc(), json!({"auth_time": ago(301)}), session().within(M5), No),
        row(15, oidc(), json!({"auth_time": ago(-5)}), session().within(M5), YesFor(305.0)),
        row(16, oidc(), json!({"auth_time": ago(-6)}), session().within(M5), No),
        row(16, oidc(), json!({"auth_time": ago(-6)}), session(), Yes),
        row(17, oidc(), json!({"auth_time": ago(100).to_string()}), session(), Refused("token_unreadable_claim", "auth_time")),
        row(18, oidc(), json!({"auth_time": ago(100) * 1_000}), session(), Refused("token_unreadable_claim", "auth_time")),
        row(19, oidc(), json!({"amr": "pwd sms"}), session(), Refused("token_unreadable_claim", "amr")),
        row(20, oidc(), json!({"amr": many}), session(), Refused("token_too_many_entries", "amr")),
        row(21, oidc(), serde_json::from_str(&format!(r#"{{"auth_time": {}.5}}"#, ago(100))).unwrap(), session().within(M5), YesFor(200.5)),
        row(22, oidc(), json!({"act": {"sub": "x"}, "amr": ["pwd", "sms"]}), mfa(), No),
        row(23, oidc(), json!({"sub": "web", "client_id": "web"}), session(), Refused("token_machine", "client_id")),
        row(24, oidc(), json!({"cnf": {"jkt": "x"}}), session(), Refused("token_sender_constrained", "sender")),
        row(25, supabase(), json!({"amr": [entry("totp", 100), entry("password", 10_100)]}), transfer(), YesFor(500.0)),
        row(26, supabase(), json!({"amr": [entry("password", 100), entry("otp", 100)]}), mfa(), No),
        row(27, supabase().narrow("otp", [sms.clone()]), json!({"amr": [entry("password", 100), entry("otp", 100)]}), transfer(), YesFor(500.0)),
        row(28, supabase(), json!({"aal": "aal1", "amr": [entry("passkey", 100)]}), Policy::phishing_resistant().within(M5), YesFor(200.0)),
        row(29, supabase(), json!({"amr": [entry("password", 10_100), entry("token_refresh", 10)]}), session().within(M5), No),
        row(30, supabase(), json!({"is_anonymous": true, "amr": [entry("anonymous", 10)]}), session(), No),
        row(31, supabase(), json!({"amr": ["password", "totp"]}), transfer(), No),
        row(32, profiles::kratos(), json!({"authentication_methods": [{"method": "password", "completed_at": date(900)}, {"method": "totp", "completed_at": date(299)}]}), transfer(), YesFor(301.0)),
        row(33, clerk(), json!({"fva": [7, 3], "iat": ago(30)}), amr("second_factor").within(M10), YesFor(330.0)),
        row(34, clerk_with(password.clone()), json!({"fva": [7, 3], "iat": ago(30)}), transfer(), YesFor(330.0)),
        row(35, clerk_with(sms.clone()), json!({"fva": [0, 0], "iat": ago(30)}), mfa(), No),
        row(36, clerk(), json!({}), amr("second_factor"), No),
        row(37, profiles::okta_access(), json!({"acr": "urn:okta:loa:2fa:any", "auth_time": ago(120)}), acr("urn:okta:loa:1fa:any").and(session().within(M5)), YesFor(180.0)),
        row(38, profiles::okta_id(), json!({"amr": ["pwd", "email", "mfa"]}), mfa(), No),
        row(39, profiles::auth0_id(), json!({"amr": ["mfa"]}), mfa(), No),
        row(39, profiles::auth0_id(), json!({"amr": ["mfa"]}), amr("mfa"), Yes),
        row(40, methods(), json!({METHODS: [{"name": "mfa", "timestamp": date(120)}]}), amr("mfa").within(M5), YesFor(180.0)),
        row(41, keycloak(), json!({"acr": "gold"}), acr("silver"), Yes),
        row(42, keycloak_gold(), json!({"acr": "gold", "auth_time": ago(100)}), mfa(), Yes),
        row(43, keycloak_gold(), json!({"acr": "gold", "auth_time": ago(100)}), transfer(), No),
        row(44, profiles::entra().acr_values(["c1"]), json!({"acrs": ["c1"]}), acr("c1").and(session().within(M5)), No),
        row(45, p(), json!({"acr": "urn:cognito:loa:3"}), mfa(), No),
        row(46, p(), json!({"acr": "urn:cognito:loa:3", "amr": ["pwd", "sms", "mfa"]}), mfa(), Yes),
        row(47, p().auth_time_covers([totp]), json!({"acr": "urn:cognito:loa:4", "auth_time": ago(100)}), transfer(), YesFor(500.0)),
        row(48, profiles::zitadel(), json!({"amr": ["user", "mfa"], "auth_time": ago(150)}), Policy::phishing_resistant().or(mfa()), Yes),
        row(49, profiles::firebase(), json!({"auth_time": ago(100), "firebase": {"sign_in_provider": "password", "sign_in_second_factor": "phone"}}), transfer(), YesFor(500.0)),
        row(50, profiles::firebase(), json!({"auth_time": ago(100), "firebase": {"sign_in_provider": "password"}}), Policy::factor(password), No),
        row(51, profiles::authentik(), json!({"auth_time": ago(100)}), session().within(M5), No),
        row(52, profiles::logto(), json!({"acr": "urn:logto:acr:mfa", "amr": ["pwd", "otp", "mfa"]}), acr("urn:logto:acr:mfa").and(mfa()), No),
        row(53, profiles::workos(), json!({}), session(), Yes),
    ]
}

/// Mints the token, verifies it and evaluates the policy.
fn verdict(row: &Row) -> Verdict {
    let issuer = TestIssuer::standing_in_for(row.issuer.clone().algorithms([Algorithm::EdDsa]));
    let issuer = issuer.unwrap_or_else(|error| panic!("row {}: {error}", row.number));
    // Clerk's tokens live for ten minutes at most. Every limit in the table ends sooner than that, so
    // the policy decides until when a grant lasts.
    let mut token = row.token.clone();
    let issued_at = token["iat"].as_i64().unwrap_or(ago(0));
    token["exp"] = (issued_at + 600).into();
    let session = match issuer.verifier().verify_at(&issuer.mint_with(&token), NOW) {
        Ok(session) => session,
        Err(error) => {
            let message = error.to_string();
            let word = match row.want {
                Refused(_, word) if message.contains(word) => word,
                _ => message.leak(),
            };
            return Refused(error.reason(), word);
        }
    };
    match row.policy.evaluate(&session, NOW) {
        Err(_) => No,
        Ok(grant) if grant.expires_at() >= session.expires_at() => Yes,
        Ok(grant) => YesFor((grant.expires_at() - NOW).as_seconds_f64()),
    }
}

#[rustfmt::skip] // one line for each issuer
fn samples() -> Vec<(Issuer, &'static str, &'static [&'static str])> {
    vec![
        (oidc(), r#"{"iss":"https://as.example","sub":"u1","aud":"https://api.example","client_id":"web","exp":1700003600,"iat":1700000000,"jti":"t1","auth_time":1699999900,"acr":"gold","amr":["pwd","sms"]}"#, &["password", "otp/sms"]),
        (supabase(), r#"{"iss":"https://ref.supabase.co/auth/v1","sub":"7f","aud":["authenticated"],"exp":1700003600,"iat":1700000000,"role":"authenticated","aal":"aal2","amr":[{"method":"totp","timestamp":1700000000},{"method":"password","timestamp":1699990000}],"session_id":"5d"}"#, &["totp", "password"]),
        (supabase(), r#"{"iss":"https://ref.supabase.co/auth/v1","sub":"7f","aud":"authenticated","exp":1700003600,"iat":1700000000,"role":"authenticated","aal":"aal1","amr":[{"method":"otp","timestamp":1700000000}],"session_id":"5d","is_anonymous":false}"#, &[]),
        (profiles::kratos(), r#"{"jti":"x","iss":"https://p.projects.oryapis.com","exp":1700000600,"sub":"u","sid":"s","nbf":1700000000,"iat":1700000000,"aal":"aal2","authentication_methods":[{"method":"password","aal":"aal1","completed_at":"2023-11-14T22:00:00.87Z"},{"method":"totp","aal":"aal2","completed_at":"2023-11-14T22:10:00.77Z"}]}"#, &["password", "totp"]),
        (clerk(), r#"{"azp":"https://app.example","exp":1700000130,"fva":[7,3],"iat":1700000070,"iss":"https://clerk.app.example","jti":"x","nbf":1700000060,"sid":"sess_1","sub":"user_1","v":2}"#, &[]),
        (profiles::okta_access(), r#"{"ver":1,"jti":"AT.x","iss":"https://o.okta.com/oauth2/default","aud":"api://default","iat":1700000000,"exp":1700003600,"acr":"urn:okta:loa:2fa:any","cid":"0oa1","uid":"00u1","scp":["openid"],"auth_time":1699999980,"sub":"joe@example.com"}"#, &[]),
        (profiles::auth0_with_methods(METHODS), r#"{"iss":"https://t.eu.auth0.com/","sub":"auth0|1","aud":"https://api.example","iat":1700000000,"exp":1700086400,"azp":"web","scope":"x","https://app.example/methods":[{"name":"mfa","timestamp":"2023-11-14T22:13:00.000Z"}]}"#, &[]),
        (keycloak(), r#"{"exp":1700000300,"iat":1700000000,"auth_time":1699999950,"jti":"x","iss":"https://h/realms/r","aud":["api","account"],"sub":"u","typ":"Bearer","azp":"web","sid":"s","acr":"gold"}"#, &[]),
        (profiles::entra().acr_values(["c1"]), r#"{"aud":"api-client-guid","iss":"https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0","iat":1700000000,"nbf":1700000000,"exp":1700004500,"acrs":["c1"],"azp":"client-guid","oid":"g","scp":"read","sub":"p","tid":"72f988bf-86f1-41af-91ab-2d7cd011db47","uti":"x","ver":"2.0"}"#, &[]),
        (profiles::cognito(), r#"{"sub":"u","iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X","client_id":"client","token_use":"access","exp":1700003600,"iat":1700000000,"auth_time":1700000000,"acr":"urn:cognito:loa:4","amr":["pwd","otp","mfa"]}"#, &["password", "totp", "password", "totp"]),
        (profiles::firebase(), r#"{"iss":"https://securetoken.google.com/PROJECT","aud":"PROJECT","auth_time":1700000000,"sub":"u","iat":1700000000,"exp":1700003600,"firebase":{"identities":{"email":["a@b"]},"sign_in_provider":"password","sign_in_second_factor":"phone"}}"#, &["otp/sms"]),
        (profiles::zitadel(), r#"{"amr":["pwd","otp","mfa"],"aud":["client","project"],"auth_time":1699999950,"azp":"client","exp":1700043200,"iat":1700000000,"iss":"https://z.example","nonce":"n","sub":"7"}"#, &["password"]),
        (oidc::id_tokens("https://z.example", "client"), r#"{"amr":["pwd","otp","mfa"],"aud":["client","project"],"auth_time":1699999950,"azp":"client","exp":1700043200,"iat":1700000000,"iss":"https://z.example","nonce":"n","sub":"7"}"#, &["password"]),
        (profiles::authentik(), r#"{"iss":"https://a.example/application/o/app/","sub":"h","aud":"client","exp":1700000300,"iat":1700000000,"auth_time":1699990000,"acr":"goauthentik.io/providers/oauth2/default","amr":["pwd","mfa"],"sid":"s","azp":"client","uid":"x"}"#, &["password"]),
        (profiles::logto(), r#"{"iss":"https://t.logto.app/oidc","sub":"u","aud":"https://api.example","iat":1700000000,"exp":1700003600,"acr":"urn:logto:acr:mfa","amr":["pwd","sms","mfa"],"auth_time":1699999950}"#, &["password", "otp/sms"]),
        (profiles::workos(), r#"{"iss":"https://api.workos.com/user_management/client","sub":"user_1","sid":"session_1","iat":1700000000,"exp":1700000300}"#, &[]),
    ]
}

#[test]
fn a_token_as_the_issuer_documents_it_is_accepted() {
    let now = time::OffsetDateTime::from_unix_timestamp(1_700_000_100).unwrap();
    for (issuer, payload, factors) in samples() {
        let issuer = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa])).unwrap();
        let header = json!({"alg": "EdDSA", "kid": issuer.kid(), "typ": "JWT"}).to_string();
        let verified = issuer.verifier().verify_at(&issuer.sign(&header, payload), now);
        let verified = verified.unwrap_or_else(|error| panic!("{payload}: {error}"));
        let certain: Vec<_> =
            verified.factors().iter().map(|proof| proof.factor().to_string()).collect();
        assert_eq!(certain, factors, "{payload}");
        assert!(session().evaluate(&verified, now).is_ok());
    }
}

#[test]
fn every_row_has_its_verdict() {
    let rows = rows();
    for row in &rows {
        assert_eq!(verdict(row), row.want, "row {}: {}", row.number, row.token);
    }
    let mut numbers: Vec<_> = rows.iter().map(|row| row.number).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=53).collect::<Vec<_>>());
}
