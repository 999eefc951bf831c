//! Several people, what they proved, and what the guards answer them.

use std::fmt::Write as _;
use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::testing::{self, SessionBuilder, TestIssuer};

/// A request, and the answer to expect.
struct Ask {
    request: &'static str,
    answer: &'static str,
    carries: Carries,
}

enum Carries {
    Nothing,
    Bearer,
    Cookie,
}

const STEP_UP: &str = "401 insufficient_user_authentication";
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn lines(base: &str, issuer: &TestIssuer) -> String {
    let mut lines = String::new();
    let nobody = [
        Ask::new("GET /healthz", "200", Carries::Nothing),
        Ask::new("GET /profile", "401", Carries::Nothing),
        Ask::new("GET /no-such-page", "401", Carries::Nothing),
    ];
    print(&mut lines, base, "Nobody: no token", &nobody, "");
    for (who, session, asks) in people() {
        print(&mut lines, base, who, &asks, &issuer.mint(&session));
    }
    lines
        + &format!(
            "\nThe tokens live five minutes. This prints fresh ones:\n  curl {base}/people\n"
        )
}

fn people() -> [(&'static str, SessionBuilder, Vec<Ask>); 5] {
    let signed_in = |user| testing::session().user(user);
    let with_password = |user| signed_in(user).proved(Factor::Password);
    let asks = |account, transfer, admin| {
        vec![
            Ask::new("GET /profile", "200", Carries::Bearer),
            Ask::new("GET /account", account, Carries::Bearer),
            Ask::new("POST /transfer", transfer, Carries::Bearer),
            Ask::new("GET /admin/keys", admin, Carries::Bearer),
        ]
    };
    let also = |mut asks: Vec<Ask>, ask| {
        asks.push(ask);
        asks
    };
    [
        (
            "Ada: password only",
            with_password("user-test-ada"),
            also(
                asks(STEP_UP, STEP_UP, STEP_UP),
                Ask::new("GET /no-such-page", "404", Carries::Bearer),
            ),
        ),
        (
            "Ben: password + fresh SMS",
            with_password("user-test-ben").proved(Factor::OtpSms),
            also(asks("200", "200", STEP_UP), Ask::new("GET /account", "200", Carries::Cookie)),
        ),
        (
            "Cleo: password + stale SMS, two hours ago",
            signed_in("user-test-cleo")
                .started_ago(2 * HOUR)
                .proved_ago(Factor::Password, 2 * HOUR)
                .proved_ago(Factor::OtpSms, 2 * HOUR),
            asks("200", STEP_UP, STEP_UP),
        ),
        (
            // No second factor: who reads the mailbox resets the password.
            "Dan: password + email code",
            with_password("user-test-dan").proved(Factor::OtpEmail),
            asks(STEP_UP, STEP_UP, STEP_UP),
        ),
        (
            // One device, hence one factor; but no look-alike site can use it.
            "Eve: passkey",
            signed_in("user-test-eve").proved(Factor::WebAuthn),
            asks(STEP_UP, STEP_UP, "200"),
        ),
    ]
}

fn print(lines: &mut String, base: &str, who: &str, asks: &[Ask], token: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(lines, "\n{who}");
    for ask in asks {
        let carried =
            if matches!(ask.carries, Carries::Cookie) { " with the token in a cookie" } else { "" };
        let _ = writeln!(
            lines,
            "  {}{carried}: {}\n  {}",
            ask.request,
            ask.answer,
            ask.curl(base, token)
        );
    }
}

impl Ask {
    const fn new(request: &'static str, answer: &'static str, carries: Carries) -> Self {
        Self { request, answer, carries }
    }

    /// Quoted so that every shell takes it: `"`, and a JWT has no character that means anything
    /// inside.
    fn curl(&self, base: &str, token: &str) -> String {
        let (method, path) = self.request.split_once(' ').unwrap_or(("GET", self.request));
        let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
        let token = match self.carries {
            Carries::Nothing => String::new(),
            Carries::Bearer => format!(" -H \"Authorization: Bearer {token}\""),
            Carries::Cookie => format!(" -b \"stytch_session_jwt={token}\""),
        };
        format!("curl -i{method} {base}{path}{token}")
    }
}
