//! The page of `policy_check --html`. A whole page is the file `tests/it/policy_report/page.html`.
//! After a change on purpose, run the test with `UPDATE_REPORT=1` and look at the page. The tests
//! of `examples/journey` open it in a browser.

use std::path::Path;

use base64_simd::STANDARD;

use crate::policy_check::{document, run};

#[tokio::test]
async fn the_page_is_as_its_file_says() {
    let [old, new] = ["old", "new"].map(|name| format!("tests/it/policy_report/{name}.toml"));
    let run = run(&["--html", &new, "--against", &old]).await;
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
    assert_is_plain(&run.stdout);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/policy_report/page.html");
    if std::env::var_os("UPDATE_REPORT").is_some() {
        std::fs::write(&path, &run.stdout).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap();
    for (number, (got, want)) in run.stdout.lines().zip(want.lines()).enumerate() {
        assert_eq!(got, want, "page.html:{}", number + 1);
    }
    assert_eq!(run.stdout.len(), want.len());
}

#[tokio::test]
async fn a_policy_is_described_in_plain_words() {
    for (policy, want) in [
        ("'session'", "Being signed in."),
        ("{ require = 'session', within = '1h' }", "Any factor, proved in the last hour."),
        ("'mfa'", "Two independent factors."),
        ("{ independent = 1 }", "One factor that not just anyone has."),
        (
            "{ independent = 3, within = '90s' }",
            "Three independent factors, all proved in the last 90 seconds.",
        ),
        ("'phishing_resistant'", "A passkey or another phishing-resistant key."),
        ("{ session_within = '12h' }", "A session that began in the last 12 hours."),
        ("{ session_within = '12h', within = '1d' }", "A session that began in the last 12 hours."),
        ("{ session_within = '12h', within = '1h' }", "A session that began in the last hour."),
        ("{ all = ['password', 'otp/email'] }", "A password and a code by email."),
        (
            "{ any = ['totp', 'oauth/oauth_github', 'sso/sso_saml'] }",
            "A code from an authenticator app, a login with GitHub or single sign-on with SAML.",
        ),
        (
            "{ any = ['otp/sms', 'webauthn'], within = '10m' }",
            "A code by SMS or a passkey, proved in the last 10 minutes.",
        ),
        (
            "{ at_least = 2, of = ['password', 'otp/sms', 'totp'], within = '1d' }",
            "At least two of: a password, a code by SMS, a code from an authenticator app, all proved in the last day.",
        ),
        (
            "{ at_least = 1, of = ['password', 'imported'] }",
            "At least one of: a password, the factor “imported”.",
        ),
        (
            "{ all = ['acr:gold', 'amr:mfa'] }",
            "The issuer&#39;s word for the level “gold” and the issuer&#39;s word for the method “mfa”.",
        ),
        // A limit inside another one: the tightest counts.
        (
            "{ any = [{ require = 'totp', within = '2h' }, 'otp/sms', { all = ['password', 'webauthn'], within = '5m' }], within = '1h' }",
            "At least one of these:</p>\n<ul>\n\
             <li>A code from an authenticator app, proved in the last hour</li>\n\
             <li>A code by SMS, proved in the last hour</li>\n\
             <li>A password and a passkey, all proved in the last 5 minutes</li>\n</ul>",
        ),
        (
            "{ all = ['mfa', { at_least = 2, of = ['totp', 'webauthn', { session_within = '1d' }] }] }",
            "All of these:</p>\n<ul>\n<li>Two independent factors</li>\n<li>At least two of these:\n<ul>\n\
             <li>A code from an authenticator app</li>\n<li>A passkey</li>\n\
             <li>A session that began in the last day</li>\n</ul>\n</li>\n</ul>",
        ),
    ] {
        let file = document("report_words.toml", &format!("policy.one = {policy}"));
        let page = run(&["--html", &file]).await.stdout;
        let words = format!("<p class=\"words\">{want}");
        assert!(page.contains(&words), "{policy} is not {want:?} in {page}");
        assert_is_plain(&page);
    }
}

#[tokio::test]
async fn the_page_has_everything_that_the_text_has() {
    let weak = document(
        "report_weak.toml",
        "policy.weak.all = ['password', 'otp/email']
         policy.never = { independent = 8 }
         policy.open.any = ['impersonated', 'acr:gold']
         policy.short = { require = 'totp', within = '5s' }
         policy.three = { independent = 3 }
         policy.around.any = ['session', 'mfa']",
    );
    for file in ["examples/policies.toml", "examples/journey/policies.toml", &weak] {
        let (text, page) = (run(&[file]).await, run(&["--html", file]).await);
        assert_eq!((page.code, &*page.stderr), (text.code, ""), "{file}");
        assert_is_plain(&page.stdout);
        let (policies, table) = text.stdout.split_once(&format!("\n{file}\n")).unwrap();
        for line in policies.lines() {
            let line = match line.split_once("] ") {
                Some((_, finding)) => format!("{}.</li>", escaped(&finding[1..])),
                // The page has the sets in other words.
                None if line == "cold:" || line == "hijacked:" || line.starts_with("    ") => {
                    continue;
                }
                None => escaped(line),
            };
            assert!(page.stdout.contains(&line), "{line} is not in {}", page.stdout);
        }
        for row in table.lines().filter(|line| line.contains("warnings: ")) {
            let words: Vec<_> = row.split_whitespace().collect();
            let rows = page.stdout.split_once(&format!("href=\"#policy-{}\"", words[0])).unwrap().1;
            let mut fewest = rows.split("<td class=\"fewest\">").skip(1);
            for want in &words[1..3] {
                assert_eq!(fewest.next().unwrap().split_once('<').unwrap().0, *want, "{row}");
            }
        }
    }
}

#[tokio::test]
async fn the_page_shows_how_each_policy_changed() {
    let old = document(
        "report_old.toml",
        "policy.same = 'mfa'
         policy.weaker = { require = 'totp', within = '10m' }
         policy.stricter = { require = 'totp', within = '1h' }
         policy.equal = { any = ['totp', 'totp'] }
         policy.gone = 'totp'",
    );
    let new = document(
        "report_new.toml",
        "policy.same = 'mfa'
         policy.weaker.any = ['totp', 'password']
         policy.stricter = { require = 'totp', within = '30m' }
         policy.equal = 'totp'
         policy.added = 'mfa'",
    );
    let run = run(&["--html", &new, "--against", &old]).await;
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
    assert_is_plain(&run.stdout);
    for (name, want) in [
        (
            "weaker",
            "<span class=\"tag bad\">Weaker</span>\n<p>This session meets the new policy but not the old one:</p>\n<p><code>password (of any age)</code></p>",
        ),
        (
            "stricter",
            "<span class=\"tag good\">Stricter</span>\n<p>This session met the old policy but does not meet the new one:</p>\n<p><code>totp (1h old)</code></p>",
        ),
        ("equal", "<span class=\"tag good\">Equivalent</span>"),
        ("gone", "<span class=\"tag bad\">Removed</span>"),
        ("added", "<span class=\"tag note\">New</span>"),
    ] {
        let want = format!("<h3>{name}</h3> {want}");
        assert!(run.stdout.contains(&want), "{want} is not in {}", run.stdout);
    }
    for want in ["<li>Changes to review: weaker and gone</li>", "<p>Unchanged: same.</p>"] {
        assert!(run.stdout.contains(want), "{want} is not in {}", run.stdout);
    }
}

#[tokio::test]
async fn a_change_of_the_trust_table_is_a_change() {
    let pair = "policy.account.all = ['password', 'otp/sms']";
    let by_sms =
        format!("{pair}\n[trust]\npassword = 'anyone'\n'otp/sms' = {{ also = ['device'] }}");
    let (old, new) = (document("report_pair.toml", pair), document("report_trust.toml", &by_sms));
    let run_both = run(&["--html", &new, "--against", &old]).await;
    assert_eq!(run_both.code, Some(1));
    assert_is_plain(&run_both.stdout);
    for want in [
        "<li>Changes to review: the trust table</li>",
        "<code>password</code></th><td>password, mailbox or identity provider</td><td>anyone</td>",
        "<code>otp/sms</code></th><td>phone number</td><td>phone number or device</td>",
        "<p>Fewest compromises that a cold attacker needs: 1, was 2.</p>",
        "<h2 id=\"trust-title\">Trust table</h2>",
    ] {
        assert!(run_both.stdout.contains(want), "{want} is not in {}", run_both.stdout);
    }
    let same = run(&["--html", &old, "--against", &old]).await;
    assert_eq!(same.code, Some(0));
    assert!(same.stdout.contains("<li>Changes to review: none</li>"));
    assert!(!same.stdout.contains("rust table"));
}

#[tokio::test]
async fn nothing_in_a_document_or_its_name_becomes_markup() {
    let hostile = r#"
        policy.a.any = ['acr:</pre><script>alert(1)</script>', "amr:'onclick='alert(1)'", 'acr:&lt;img&#62;']
        policy.b.any = [{ policy = 'a' }, { require = 'acr:--><svg/onload=alert(1)>', within = '5m' }]
    "#;
    let name =
        if cfg!(windows) { "report_'&amp;.toml" } else { "report_\"><b title='&amp;'>.toml" };
    let file = document(name, hostile);
    let other = document("report_other.toml", "policy.a = 'acr:<script>'\npolicy.c = 'acr:<c>'");
    for arguments in [
        &["--html", &*file][..],
        &["--html", &file, "--against", &other],
        &["--html", &other, "--against", &file],
    ] {
        let run = run(arguments).await;
        assert_eq!(run.stderr, "");
        assert_is_plain(&run.stdout);
        assert!(run.stdout.contains("&lt;script&gt;"), "{}", run.stdout);
    }
    let page = run(&["--html", &file]).await.stdout;
    assert!(page.contains(&format!(
        "<h1>Policy report</h1>\n<p class=\"lead\"><code>{}</code>",
        escaped(&file)
    )));
    assert!(page.contains("“&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;”"));
    assert!(page.contains("“&amp;lt;img&amp;#62;”"));
}

#[tokio::test]
async fn the_content_security_policy_allows_exactly_the_pages_own_style() {
    let page = run(&["--html", "examples/policies.toml"]).await.stdout;
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    let source = format!("style-src 'sha256-{}'", STANDARD.encode_to_string(digest));
    let meta = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">",
        escaped(&format!("default-src 'none'; base-uri 'none'; form-action 'none'; {source}"))
    );
    assert!(page.contains(&meta), "CONTENT_SECURITY_POLICY needs {source}");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

fn escaped(text: &str) -> String {
    let entities = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    entities.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Checks that the page has only the elements and attributes of a report, that they are properly
/// nested, that no two have one id, and that nothing comes from elsewhere.
#[track_caller]
fn assert_is_plain(page: &str) {
    const EMPTY: [&str; 1] = ["meta"];
    const ELEMENTS: [&str; 33] = [
        "html", "head", "title", "style", "body", "header", "main", "footer", "section", "h1",
        "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd", "div", "span", "a", "code", "pre",
        "cite", "table", "caption", "thead", "tbody", "tr", "th", "td", "meta",
    ];
    const ATTRIBUTES: [&str; 14] = [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "aria-labelledby",
        "aria-hidden",
        "role",
        "tabindex",
        "scope",
        "colspan",
        "href",
    ];
    let rest = page.strip_prefix("<!doctype html>\n").expect("a doctype");
    let (mut open, mut ids, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for part in rest.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("no > in <{part}"));
        assert!(tag == "style" || !text.contains('>'), "a bare > in {text:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.contains(&name), "<{tag}>");
        if !EMPTY.contains(&name) {
            open.push(name);
        }
        let mut attributes = attributes;
        while let Some((attribute, rest)) = attributes.split_once("=\"") {
            assert!(ATTRIBUTES.contains(&attribute.trim_start()), "<{tag}>");
            let (value, rest) = rest.split_once('"').unwrap();
            match attribute.trim_start() {
                "id" => ids.push(value),
                "href" => references.push(value.strip_prefix('#').expect("a place in the page")),
                "aria-labelledby" => references.push(value),
                _ => {}
            }
            attributes = rest;
        }
        assert_eq!(attributes, "", "<{tag}>");
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    assert!(references.iter().all(|reference| ids.contains(reference)), "{references:?}");
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}
