//! Clients that others wrote read the guard's answers: the packages in `tests/clients`.

mod actions;
mod discovery;
mod guide;
mod node;
mod rows;
mod vendors;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use self::node::run;
use self::rows::{Row, app, rows};

/// Starts a server on loopback, and returns its address.
async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Returns what `oauth4webapi` reads from the answers to these requests.
async fn read(app: Router, rows: &[Row]) -> Vec<Value> {
    let url = serve(app).await;
    let request = |row: &Row| json!({"url": format!("{url}{}", row.path), "headers": row.headers});
    let answers = run("challenges.mjs", &rows.iter().map(request).collect()).await;
    let answers = answers.as_array().unwrap().clone();
    assert_eq!(answers.len(), rows.len());
    answers
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn oauth4webapi_reads_every_answer_of_the_table() {
    let rows = rows();
    for (row, answer) in rows.iter().zip(read(app(), &rows).await) {
        let challenges = match &row.challenge {
            Value::Null => Value::Null,
            parameters => json!([{"scheme": "bearer", "parameters": parameters}]),
        };
        let read = (&answer["status"], &answer["challenges"], &answer["retryAfter"]);
        assert_eq!(
            read,
            (&json!(row.status), &challenges, &json!(row.retry_after)),
            "{}",
            row.name
        );
        if row.status != 200 {
            assert_eq!(answer["body"]["status"], row.status, "{}", row.name);
            assert_eq!(answer["type"], "application/problem+json", "{}", row.name);
        }
    }
}

/// The place of the challenge of a layer outside the guard.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Before,
    After,
    NextLine,
}

fn with_challenge(app: Router, value: &'static str, place: Place) -> Router {
    app.layer(map_response(move |mut response: Response| async move {
        let headers = response.headers_mut();
        let Some(own) = headers.get(WWW_AUTHENTICATE).map(|own| own.to_str().unwrap().to_owned())
        else {
            return response;
        };
        match place {
            Place::NextLine => {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
            }
            Place::After => {
                headers.insert(WWW_AUTHENTICATE, format!("{own}, {value}").parse().unwrap());
            }
            Place::Before => {
                headers.insert(WWW_AUTHENTICATE, format!("{value}, {own}").parse().unwrap());
            }
        }
        response
    }))
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn oauth4webapi_reads_the_challenge_beside_one_of_another_scheme() {
    let challenged: Vec<_> = rows().into_iter().filter(|row| !row.challenge.is_null()).collect();
    for (value, other) in [
        (r#"Basic realm="x""#, json!({"scheme": "basic", "parameters": {"realm": "x"}})),
        (
            r#"DPoP algs="ES256", error_description="a, b""#,
            json!({"scheme": "dpop",
                "parameters": {"algs": "ES256", "error_description": "a, b"}}),
        ),
        ("Negotiate", json!({"scheme": "negotiate", "parameters": {}})),
    ] {
        for place in [Place::Before, Place::After, Place::NextLine] {
            let answers = read(with_challenge(app(), value, place), &challenged).await;
            for (row, answer) in challenged.iter().zip(answers) {
                let own = json!({"scheme": "bearer", "parameters": row.challenge});
                let want = match place {
                    Place::Before => json!([other, own]),
                    _ => json!([own, other]),
                };
                assert_eq!(answer["challenges"], want, "{}", row.name);
            }
        }
    }
}
