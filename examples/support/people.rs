//! Sample users: the factors that they proved, and the responses to expect.

use std::fmt::Write as _;
use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::testing::{self, SessionBuilder, TestIssuer};

struct Person {
    /// The shell variable that holds the token.
    name: &'static str,
    heading: &'static str,
    session: SessionBuilder,
    examples: Vec<Example>,
}

/// A request, and the response to expect.
struct Example {
    request: &'static str,
    response: &'static str,
    credential: Credential,
}

enum Credential {
    Nothing,
    Bearer,
    Cookie,
}

const STEP_UP: &str = "401 insufficient_user_authentication";
const HOUR: Duration = Duration::from_secs(3_600);

/// Returns requests to paste into a shell, each after the response to expect.
pub(super) fn lines(base: &str) -> String {
    let mut lines = format!(
        "\nFirst, put the tokens into shell variables. The tokens expire after five minutes. Run this line again for new ones:\n  \
         eval \"$(curl -s {base}/tokens)\"\n"
    );
    let nobody = [
        Example::new("GET /healthz", "200", Credential::Nothing),
        Example::new("GET /profile", "401", Credential::Nothing),
        Example::new("GET /no-such-page", "401", Credential::Nothing),
    ];
    print(&mut lines, base, "Nobody: no token", &nobody, "");
    for Person { name, heading, examples, .. } in people() {
        print(&mut lines, base, heading, &examples, name);
    }
    lines
}

/// Returns one shell assignment for each person.
pub(super) fn tokens(issuer: &TestIssuer) -> String {
    let people = people().into_iter();
    // No token contains a quote.
    people.map(|person| format!("{}='{}'\n", person.name, issuer.mint(&person.session))).collect()
}

fn people() -> [Person; 5] {
    let signed_in = |user| testing::session().user(user);
    let with_password = |user| signed_in(user).proved(Factor::Password);
    let examples = |account, transfer, admin| {
        vec![
            Example::new("GET /profile", "200", Credential::Bearer),
            Example::new("GET /account", account, Credential::Bearer),
            Example::new("POST /transfer", transfer, Credential::Bearer),
            Example::new("GET /admin/keys", admin, Credential::Bearer),
        ]
    };
    let also = |mut examples: Vec<Example>, example| {
        examples.push(example);
        examples
    };
    [
        Person {
            name: "ada",
            heading: "Ada: password only",
            session: with_password("user-test-ada"),
            examples: also(
                examples(STEP_UP, STEP_UP, STEP_UP),
                Example::new("GET /no-such-page", "404", Credential::Bearer),
            ),
        },
        Person {
            name: "ben",
            heading: "Ben: password + fresh SMS",
            session: with_password("user-test-ben").proved(Factor::OtpSms),
            examples: also(
                examples("200", "200", STEP_UP),
                Example::new("GET /account", "200", Credential::Cookie),
            ),
        },
        Person {
            name: "cleo",
            heading: "Cleo: password + stale SMS, two hours ago",
            session: signed_in("user-test-cleo")
                .started_ago(2 * HOUR)
                .proved_ago(Factor::Password, 2 * HOUR)
                .proved_ago(Factor::OtpSms, 2 * HOUR),
            examples: examples("200", STEP_UP, STEP_UP),
        },
        Person {
            // Anyone who reads the mailbox can reset the password, so the code adds no factor.
            name: "dan",
            heading: "Dan: password + email code",
            session: with_password("user-test-dan").proved(Factor::OtpEmail),
            examples: examples(STEP_UP, STEP_UP, STEP_UP),
        },
        Person {
            // A passkey is on one device, so it counts as one factor and does not meet `mfa`. It is
            // phishing-resistant, so it meets `admin`.
            name: "eve",
            heading: "Eve: passkey",
            session: signed_in("user-test-eve").proved(Factor::WebAuthn),
            examples: examples(STEP_UP, STEP_UP, "200"),
        },
    ]
}

fn print(lines: &mut String, base: &str, heading: &str, examples: &[Example], name: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(lines, "\n{heading}");
    for example in examples {
        let suffix = if matches!(example.credential, Credential::Cookie) {
            " with the token in a cookie"
        } else {
            ""
        };
        let _ = writeln!(
            lines,
            "  {}{suffix}: {}\n  {}",
            example.request,
            example.response,
            example.curl(base, name)
        );
    }
}

impl Example {
    const fn new(request: &'static str, response: &'static str, credential: Credential) -> Self {
        Self { request, response, credential }
    }

    /// Returns the curl line, with the token from the variable of this name.
    fn curl(&self, base: &str, name: &str) -> String {
        let (method, path) = self.request.split_once(' ').unwrap_or(("GET", self.request));
        let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
        let token = match self.credential {
            Credential::Nothing => String::new(),
            Credential::Bearer => format!(" -H \"Authorization: Bearer ${name}\""),
            Credential::Cookie => format!(" -b \"stytch_session_jwt=${name}\""),
        };
        format!("curl -i{method} {base}{path}{token}")
    }
}
