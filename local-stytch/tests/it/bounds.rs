use serde_json::json;

use crate::support::{Stand, assert_refused};

#[tokio::test]
async fn the_last_two_hundred_messages_are_kept() {
    let stand = Stand::start().await;
    for n in 0..201 {
        stand
            .ok("/v1/otps/email/login_or_create", json!({"email": format!("user{n}@example.com")}))
            .await;
    }
    let messages = stand.stytch.messages();
    assert_eq!(messages.len(), 200);
    assert_eq!(messages[0].to, "user200@example.com");
    assert_eq!(messages[199].to, "user1@example.com");
}

#[tokio::test]
async fn a_user_has_at_most_ten_phone_numbers() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    for n in 0..10 {
        let body = json!({"phone_number": format!("+1202555010{n}"), "user_id": ada["user_id"]});
        stand.ok("/v1/otps/sms/send", body).await;
    }
    let body = json!({"phone_number": "+12025550110", "user_id": ada["user_id"]});
    assert_refused(
        &stand.post("/v1/otps/sms/send", body).await,
        507,
        "stand_in_full",
        "the eleventh",
    );
}

#[tokio::test]
async fn a_user_has_at_most_ten_emails() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let more =
        |n: usize| json!({"email": format!("ada{n}@example.com"), "user_id": ada["user_id"]});
    for n in 1..10 {
        stand.ok("/v1/otps/email/send", more(n)).await;
    }
    stand.refused("/v1/magic_links/email/send", more(10), 507, "stand_in_full").await;
}
